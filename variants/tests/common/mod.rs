//! Random capabilities, contexts and CBOR items.
#![allow(unreachable_pub, dead_code, reason = "a module of test binaries, none of which needs all of it")]

use std::borrow::Cow;

use std::net::IpAddr;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::select;
use ron_auth_core::{
    Capability, CapabilityBuilder, Caveat, CustomCaveat, MacKey, Rate, RequestCtx, Scope, Semantics, VerifierConfig,
    wire,
};

pub const KEY: [u8; 32] = [7; 32];
const NOW_UNIX_S: u64 = 1_762_700_000;

/// How many cases a property is tried on: a multiple of `usual` where `RON_AUTH_PROPTEST_FACTOR` asks for it.
pub fn cases(usual: u32) -> u32 {
    let factor = std::env::var("RON_AUTH_PROPTEST_FACTOR").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    usual * factor
}

pub fn config(semantics: Semantics) -> VerifierConfig {
    VerifierConfig::default().with_semantics(semantics).with_custom_handler(
        "handled",
        |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
            if caveat.cbor() == [0xf6] { Ok(()) } else { Err(format!("refused {}", caveat.name()).into()) }
        },
    )
}

pub fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

pub fn capability(caveats: Range<usize>) -> impl Strategy<Value = Capability> {
    let tid = select(vec!["acme", "test", "t-ü", ""]);
    let kid = select(vec!["k1", "k2", "a rather long key id, longer than 23 bytes", "gone"]);
    (tid, kid, scope(), proptest::collection::vec(caveat(), caveats)).prop_map(|(tid, kid, scope, caveats)| {
        CapabilityBuilder::new(tid, kid, scope).caveats(caveats).sign(&MacKey::new(KEY)).unwrap()
    })
}

fn scope() -> impl Strategy<Value = Scope> {
    (proptest::option::of(path()), methods(), proptest::option::of(number()))
        .prop_map(|(prefix, methods, max_bytes)| Scope { prefix, methods, max_bytes })
}

fn caveat() -> impl Strategy<Value = Caveat> {
    let time = prop_oneof![number(), (NOW_UNIX_S - 100..NOW_UNIX_S + 100), Just(NOW_UNIX_S + 600)];
    prop_oneof![
        time.clone().prop_map(Caveat::Exp),
        time.prop_map(Caveat::Nbf),
        select(vec!["aud-demo", "other", ""]).prop_map(|audience| Caveat::Aud(audience.into())),
        methods().prop_map(Caveat::Method),
        path().prop_map(Caveat::PathPrefix),
        net().prop_map(Caveat::IpCidr),
        number().prop_map(Caveat::BytesLe),
        any::<(u32, u32)>().prop_map(|(per_s, burst)| Caveat::Rate(Rate { per_s, burst })),
        select(vec!["acme", "test", "other"]).prop_map(|tenant| Caveat::Tenant(tenant.into())),
        any::<bool>().prop_map(Caveat::Amnesia),
        select(vec!["aud-demo", "9f86d081", ""]).prop_map(|digest| Caveat::GovPolicyDigest(digest.into())),
        (select(vec!["handled", "nobody", "né"]), "[a-z]{0,30}", canonical_item())
            .prop_map(|(ns, name, cbor)| Caveat::Custom { ns: ns.into(), name, cbor }),
    ]
}

fn methods() -> impl Strategy<Value = Vec<Cow<'static, str>>> {
    let name = select(vec!["GET", "get", "POST", "DELETE", "X-PURGE", "a method name of more than 23 bytes"]);
    proptest::collection::vec(name.prop_map(Cow::Borrowed), 0..4)
}

fn path() -> impl Strategy<Value = String> {
    select(vec!["", "/", "/index", "/index/", "/index/é", "/api/v1/", "//", "/index/../x", "no-slash"])
        .prop_map(str::to_owned)
}

fn net() -> impl Strategy<Value = String> {
    select(vec![
        "10.0.0.0/8",
        "10.1.2.3/32",
        "10.0.0.1/8",
        "0.0.0.0/0",
        "::/0",
        "2001:db8::/32",
        "2001:DB8::/32",
        "::ffff:10.0.0.0/104",
        "010.0.0.0/8",
        "10.0.0.0",
        "",
        "nonsense",
        "10.0.0.0/99",
    ])
    .prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        select(vec![0, 23, 24, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, u64::MAX - 60, u64::MAX]),
    ]
}

pub fn any_context() -> impl Strategy<Value = RequestCtx<'static>> {
    let now = prop_oneof![8 => Just(NOW_UNIX_S), 1 => Just(0), 1 => Just(u64::MAX)];
    let path = select(vec![
        "/",
        "/index",
        "/index/1",
        "/index-admin",
        "/index/é中/x",
        "/index/../x",
        "/index//x",
        "/index/%2e/x",
        "",
    ]);
    let peer = select(vec![None, Some("10.1.2.3"), Some("::ffff:10.1.2.3"), Some("2001:db8::7"), Some("192.0.2.1")]);
    let name = || proptest::option::of(select(vec!["aud-demo", "9f86d081"]));
    (
        now,
        select(vec!["GET", "get", "POST", "X-PURGE"]),
        path,
        select(vec!["acme", "test"]),
        peer,
        (name(), name()),
        proptest::option::of(number()),
        any::<bool>(),
    )
        .prop_map(|(now, method, path, tenant, peer, (audience, digest), content_len, amnesia)| {
            let mut ctx = RequestCtx::new(now, method, path, tenant)
                .peer_ip(peer.map(|peer| peer.parse::<IpAddr>().unwrap()))
                .content_len(content_len)
                .amnesia(amnesia);
            if let Some(audience) = audience {
                ctx = ctx.audience(audience);
            }
            if let Some(digest) = digest {
                ctx = ctx.policy_digest(digest);
            }
            ctx
        })
}

/// Canonical items, built from the bottom up.
fn canonical_item() -> impl Strategy<Value = Vec<u8>> {
    nearly_canonical_item()
        .prop_map(|item| if wire::canonical_item_len(&item) == Ok(item.len()) { item } else { vec![0xf6] })
}

/// Items of all shapes, most of them canonical: long heads, unsorted maps, odd floats and the like are mixed in.
pub fn nearly_canonical_item() -> impl Strategy<Value = Vec<u8>> {
    let float = prop_oneof![
        any::<u16>().prop_map(|bits| [&[0xf9][..], &bits.to_be_bytes()].concat()),
        any::<u32>().prop_map(|bits| [&[0xfa][..], &bits.to_be_bytes()].concat()),
        any::<u64>().prop_map(|bits| [&[0xfb][..], &bits.to_be_bytes()].concat()),
        // Where one width passes into the next.
        (any::<i16>(), -30..30_i32).prop_map(|(units, exponent)| {
            let value = f32::from(units) * 2_f32.powi(exponent);
            [&[0xfa][..], &value.to_bits().to_be_bytes()].concat()
        }),
        (any::<i16>(), -160..160_i32).prop_map(|(units, exponent)| {
            let value = f64::from(units) * 2_f64.powi(exponent);
            [&[0xfb][..], &value.to_bits().to_be_bytes()].concat()
        }),
        select(vec!["f97e00", "f97e01", "f9fe00", "fa7fc00000", "fb7ff8000000000000", "f97c00", "f98000", "f90001"])
            .prop_map(|digits| hex::decode(digits).unwrap()),
    ];
    let head = |major: u8| number().prop_map(move |argument| head(major, argument));
    let leaf = prop_oneof![
        3 => head(0),
        2 => head(1),
        3 => float,
        2 => select(vec![0xf4_u8, 0xf5, 0xf6]).prop_map(|simple| vec![simple]),
        1 => any::<u8>().prop_map(|simple| vec![0xe0 | simple & 0x1f, simple]),
        1 => any::<u8>().prop_map(|simple| vec![0xe0 | simple & 0x1f]),
        2 => proptest::collection::vec(any::<u8>(), 0..30).prop_map(|bytes| [head_of(2, bytes.len()), bytes].concat()),
        3 => "[a-zé]{0,30}".prop_map(|text| [head_of(3, text.len()), text.into_bytes()].concat()),
        1 => proptest::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| [head_of(3, bytes.len()), bytes].concat()),
        // An item behind its head written long, tagged, or cut short.
        1 => select(vec!["1817", "190017", "1b00000000ffffffff", "7803616263", "c000", "5f4100ff", "9fff", "6261", ""])
            .prop_map(|digits| hex::decode(digits).unwrap()),
    ];
    leaf.prop_recursive(6, 40, 5, |item| {
        let entries = proptest::collection::vec((item.clone(), item.clone()), 0..5);
        prop_oneof![
            proptest::collection::vec(item.clone(), 0..5)
                .prop_map(|items| [head_of(4, items.len()), items.concat()].concat()),
            (entries, prop::bool::weighted(0.8)).prop_map(|(mut entries, sorted)| {
                if sorted {
                    entries.sort_by_key(|(key, _)| (key.first().map(|initial| initial >> 5), key.len(), key.clone()));
                    entries.dedup_by(|(a, _), (b, _)| a == b);
                }
                let items =
                    entries.iter().flat_map(|(key, value)| [key.as_slice(), value]).collect::<Vec<_>>().concat();
                [head_of(5, entries.len()), items].concat()
            }),
            // Deep enough to come near the limit now and then.
            (item, 1..36_usize).prop_map(|(item, levels)| [vec![0x81; levels], item].concat()),
        ]
    })
}

fn head_of(major: u8, len: usize) -> Vec<u8> {
    head(major, len as u64)
}

fn head(major: u8, argument: u64) -> Vec<u8> {
    let bytes = argument.to_be_bytes();
    let (info, from) = match argument {
        0..=23 => (argument as u8, 8),
        24..=0xff => (24, 7),
        0x100..=0xffff => (25, 6),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 0),
    };
    [&[major << 5 | info][..], &bytes[from..]].concat()
}

/// A token with one custom caveat that holds `value` as it is, with a good MAC.
pub fn token_around(value: &[u8]) -> Vec<u8> {
    let text = |text: &str| [head_of(3, text.len()), text.as_bytes().to_vec()].concat();
    let [tid, kid] = ["acme", "k1"].map(text);
    let mut scope = Vec::new();
    wire::encode_scope(&Scope::default(), &mut scope);
    let caveat = [&b"\xa2\x61t\x66Custom\x61v\xa3\x62ns\x61n\x64name\x60\x64cbor"[..], value].concat();
    let tag = blake3::keyed_hash(&KEY, &[&[0x83][..], &tid, &kid, &scope].concat());
    let mac = blake3::keyed_hash(&KEY, &[tag.as_bytes(), &caveat[..]].concat());
    let parts: [&[u8]; 11] = [
        b"\xa5\x63tid",
        &tid,
        b"\x63kid",
        &kid,
        b"\x65scope",
        &scope,
        b"\x67caveats\x81",
        &caveat,
        b"\x63mac\x58\x20",
        mac.as_bytes(),
        b"",
    ];
    parts.concat()
}
