//! Random requests, rules, and tokens that nearly fit them: what a caveat says lies at the edge of what the request is.
//!
//! Tokens are written and signed here, without the verifier's own encoder.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use ron_auth_core::Semantics;

use crate::common::{base64url, nearly_canonical_item};
use crate::interpreter::{Caveat, Request, Rules, Token, TokenScope, chain, key_of};

/// A batch of tokens, with what they are judged by.
#[derive(Clone, Debug)]
pub struct Case {
    pub request: Request,
    /// Another one, for batches in which not all tokens come with the same.
    pub other: Request,
    pub rules: Rules,
    pub drafts: Vec<Draft>,
    /// Speed only.
    pub soa_threshold: usize,
    /// Speed only.
    pub par_min_batch: usize,
}

impl Case {
    pub fn texts(&self) -> Vec<String> {
        self.drafts.iter().map(Draft::text).collect()
    }
}

/// A token to be written, and what is to go wrong with it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub token: Token,
    pub flaw: Flaw,
}

#[derive(Clone, Debug)]
pub enum Flaw {
    None,
    /// One of the items is changed, and the MAC covers the changed one.
    SignedItem(Index, Change),
    /// The caveat array announces so many caveats, however many follow.
    Announced(u64),
    /// The token's bytes are changed at a place.
    Cbor(Change),
    /// A bit of the MAC is changed.
    Mac(u8),
    /// The text is changed.
    Text(TextChange),
}

#[derive(Clone, Debug)]
pub enum Change {
    FlipBit(Index, u8),
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
    Append(u8),
    /// The argument of the head there in one byte more than it needs.
    LongHead(Index),
}

#[derive(Clone, Debug)]
pub enum TextChange {
    Append(&'static str),
    Set(Index, char),
    Cut(Index),
    /// Trailing bits that are not zero, where the last character has any.
    TrailingBits,
    /// As many characters as no token has.
    Long,
}

/// Which paths are tried.
#[derive(Clone, Copy, Debug)]
pub enum Paths {
    /// Names that no server reads otherwise, and dot segments and separators in a few spellings.
    Ordinary,
    /// Any characters, those first that some server takes for a separator or the end of a path.
    Anything,
}

// What is tried

pub fn case(paths: Paths, tokens: std::ops::Range<usize>) -> impl Strategy<Value = Case> {
    let requests = (request(paths), request(paths));
    (requests, semantics(), skew(), handled()).prop_flat_map(move |((request, other), semantics, skew_s, handled)| {
        let rules = Rules { semantics, max_token_bytes: 4096, max_caveats: 64, skew_s, handled };
        let drafts = proptest::collection::vec(draft(&request, &rules), tokens.clone());
        let speed = (select(vec![0, 2, 8, usize::MAX]), select(vec![0, 48, usize::MAX]));
        (Just((request, other)), Just(rules), drafts, bounds(), speed).prop_map(
            |((request, other), mut rules, drafts, bounds, speed)| {
                bounds.set(&mut rules, &drafts[0]);
                Case { request, other, rules, drafts, soa_threshold: speed.0, par_min_batch: speed.1 }
            },
        )
    })
}

/// Rules under which bounds are no matter, and no caveat has a handler.
pub fn rules(semantics: Semantics) -> Rules {
    Rules { semantics, max_token_bytes: 1 << 16, max_caveats: 80, skew_s: 60, handled: vec![] }
}

pub fn a_request() -> Request {
    Request {
        now_s: 1_762_700_000,
        method: "GET".into(),
        path: "/index/1".into(),
        tenant: "acme".into(),
        peer: Some(IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3))),
        audience: Some("aud-demo".into()),
        policy_digest: Some("9f86d081".into()),
        content_len: Some(256),
        amnesia: false,
    }
}

/// A token that permits the request if its one caveat does.
pub fn token_for(request: &Request, caveat: Caveat) -> Token {
    let scope = TokenScope { methods: vec![request.method.clone()], ..TokenScope::default() };
    Token { tid: request.tenant.clone(), kid: "k1".into(), scope, caveats: vec![caveat] }
}

/// A request, rules, and a token that nothing is wrong with, within bounds.
pub fn sound() -> impl Strategy<Value = (Request, Rules, Token)> {
    (request(Paths::Ordinary), semantics(), skew(), handled()).prop_flat_map(|(request, semantics, skew_s, handled)| {
        let rules = Rules { skew_s, handled, ..rules(semantics) };
        (Just(request.clone()), Just(rules.clone()), token(&request, &rules))
    })
}

pub fn request(paths: Paths) -> impl Strategy<Value = Request> {
    let now_s = prop_oneof![
        3 => Just(1_762_700_000),
        3 => select(vec![0, 1, 59, 60, 61, u64::MAX - 61, u64::MAX - 60, u64::MAX - 59, u64::MAX - 1, u64::MAX]),
        1 => any::<u64>(),
    ];
    let method = select(vec!["GET", "get", "pOsT", "DELETE", "X-PURGE", "", "SUCHÉ", "\u{212a}ILL"]);
    let name = || proptest::option::weighted(0.8, select(vec!["aud-demo", "9f86d081", "", "Aud-Demo", "t-ü"]));
    let content_len = proptest::option::weighted(
        0.8,
        prop_oneof![3 => select(vec![0, 1, 23, 24, 256, 65_536, 1 << 32, u64::MAX - 1, u64::MAX]), 1 => any::<u64>()],
    );
    (now_s, method, path(paths), tenant(), peer(), (name(), name()), content_len, any::<bool>()).prop_map(
        |(now_s, method, path, tenant, peer, (audience, policy_digest), content_len, amnesia)| Request {
            now_s,
            method: method.into(),
            path,
            tenant: tenant.into(),
            peer,
            audience: audience.map(str::to_owned),
            policy_digest: policy_digest.map(str::to_owned),
            content_len,
            amnesia,
        },
    )
}

fn semantics() -> impl Strategy<Value = Semantics> {
    prop_oneof![3 => Just(Semantics::Strict), 2 => Just(Semantics::Compat)]
}

fn skew() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(60), 3 => select(vec![0, 1, u64::MAX - 1, u64::MAX]), 1 => any::<u64>()]
}

fn handled() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![4 => Just(vec!["always", "never", "null", "tenant"]), 1 => Just(vec!["null", ""]), 1 => Just(vec![])]
}

fn tenant() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just("acme"), 1 => select(vec!["test", "", "t-ü", "Acme"])]
}

fn peer() -> impl Strategy<Value = Option<IpAddr>> {
    let notable = [
        "10.1.2.3",
        "192.0.2.1",
        "0.0.0.0",
        "255.255.255.255",
        "127.0.0.1",
        "::ffff:10.1.2.3",
        "::ffff:0.0.0.0",
        "::ffff:255.255.255.255",
        "2001:db8::7",
        "::",
        "::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        // Spelled otherwise by some: zero groups alone and in runs of equal length, IPv4 at the end.
        "1:0:2:0:3:0:4:0",
        "1:0:0:2:3:0:0:4",
        "1:0:0:2:0:0:0:3",
        "0:1:2:3:4:5:6:7",
        "::102:304",
        "::fffe:102:304",
        "::ffff:0:102:304",
        "64:ff9b::102:304",
        "fe80::ffff:a01:203",
    ];
    prop_oneof![
        1 => Just(None),
        6 => select(notable.to_vec()).prop_map(|peer| peer.parse().ok()),
        1 => any::<u32>().prop_map(|bits| Some(IpAddr::V4(bits.into()))),
        1 => any::<u128>().prop_map(|bits| Some(IpAddr::V6(bits.into()))),
    ]
}

pub fn path(paths: Paths) -> BoxedStrategy<String> {
    let name = select(vec!["a", "b", "ab", "index", "x-1", "a.b", "a%20b", "v1", "A", "7"]);
    let segment = prop_oneof![40 => name, 1 => select(vec![".", "..", "%2e", "%2E%2e", ".%2e", "a%2Fb", "%2f", ""])];
    let ordinary = (proptest::collection::vec(segment, 0..5), any::<bool>()).prop_map(|(segments, is_folder)| {
        let end = if is_folder && !segments.is_empty() { "/" } else { "" };
        format!("/{}{end}", segments.join("/"))
    });
    let pieces = [
        // What most pieces come between.
        "/",
        "/",
        "/",
        "/",
        "a",
        "b",
        "c",
        // Dots, leads, what follows them, drives.
        ".",
        "..",
        "...",
        "%2e",
        "%20",
        " ",
        "+",
        "%2B",
        "%C2%A0",
        "\u{a0}",
        "\u{200b}",
        "%e2%80%8b",
        "\u{3000}",
        "\u{feff}",
        "\u{e0100}",
        "\u{2024}",
        "\u{2026}",
        "\u{ff0e}",
        "\u{fe52}",
        "%EF%BC%8E",
        ";",
        ":",
        "%3a",
        "\u{ff1a}",
        "\u{2236}",
        "é",
        "\u{42f}",
        "\u{3042}",
        "%d0%af",
        "%61",
        "7",
        "_",
        // Separators and ends.
        "\\",
        "%5c",
        "%5C",
        "%2F",
        "%3b",
        "%3B",
        "?",
        "#",
        "%3f",
        "%23",
        "\0",
        "%00",
        "\t",
        "\r\n",
        "%0a",
        "\x7f",
        "%7f",
        "\u{85}",
        "%c2%85",
        "\u{2028}",
        "\u{2215}",
        "\u{ff0f}",
        "\u{2216}",
        "\u{a5}",
        "\u{37e}",
        "\u{ff1b}",
        "\u{ff1f}",
        "\u{2048}",
        "\u{ff03}",
        "\u{ff05}",
        "\u{66a}",
        "\u{2ba}",
        "\u{30e}",
        "\u{226e}",
        "\u{3008}",
        "\u{ff1e}",
        "\"",
        "%22",
        "<",
        "%3E",
        // Escapes that are none, not once, or of no character.
        "%",
        "%2",
        "%g0",
        "%u002e",
        "%25",
        "%252e",
        "%%32%65",
        "%c0%ae",
        "%c1%9c",
        "%e0%80%ae",
        "%ed%a0%80",
        "%ff",
        "%c3",
        "%a9",
        "%f0%9f%98%80",
        "%f4%90%80%80",
        "\u{1f600}",
        "%uff0e",
        // The rest of what a path may have, what it may not, and what nobody would think of.
        "-",
        "~",
        "!",
        "$",
        "&",
        "'",
        "(",
        ")",
        "*",
        ",",
        "=",
        "@",
        "[",
        "]",
        "{",
        "}",
        "|",
        "^",
        "`",
        "\u{3002}",
        "\u{2c6f}",
        "\u{301}",
        "v=1",
        "::$DATA",
        "no-slash",
    ];
    match paths {
        Paths::Ordinary => ordinary.boxed(),
        Paths::Anything => prop_oneof![
            2 => ordinary,
            12 => proptest::collection::vec(select(pieces.to_vec()), 0..6)
                .prop_map(|pieces| format!("/{}", pieces.concat())),
            1 => proptest::collection::vec(select(pieces.to_vec()), 0..4).prop_map(|pieces| pieces.concat()),
            1 => any::<String>(),
            1 => any::<String>().prop_map(|path| format!("/{path}")),
        ]
        .boxed(),
    }
}

/// Floats where one width passes into the next: the least and the greatest of a width, and their neighbours beyond.
const FLOATS_AT_AN_EDGE: [&str; 24] = [
    "f90000",
    "f98000",
    "f90001",
    "f903ff",
    "f90400",
    "f97bff",
    "f97c00",
    "fa00000000",
    "fa80000000",
    "fa33800000",
    "fa33800001",
    "fa33000000",
    "fa387fc000",
    "fa387fe000",
    "fa477fe000",
    "fa477ff000",
    "fa47800000",
    "fa7f800000",
    "fb8000000000000000",
    "fb36a0000000000000",
    "fb3690000000000000",
    "fb47efffffe0000000",
    "fb47efffffe0000001",
    "fb47f0000000000000",
];

/// Values for a custom caveat, most of them canonical.
pub fn custom_value() -> impl Strategy<Value = Vec<u8>> {
    let levels = (select(vec![[0x81].to_vec(), [0xa1, 0x00].to_vec()]), 30..35_usize, select(vec![0x00, 0x80, 0xa0]));
    let floats = select(FLOATS_AT_AN_EDGE.to_vec()).prop_map(|digits| hex::decode(digits).unwrap());
    prop_oneof![
        7 => nearly_canonical_item(),
        1 => floats,
        1 => levels.prop_map(|(level, levels, innermost)| [level.repeat(levels), vec![innermost]].concat()),
    ]
}

fn draft(request: &Request, rules: &Rules) -> impl Strategy<Value = Draft> + use<> {
    (token(request, rules), flaw()).prop_map(|(token, flaw)| Draft { token, flaw })
}

fn token(request: &Request, rules: &Rules) -> impl Strategy<Value = Token> + use<> {
    let tid = either(7, vec![request.tenant.clone()], others(&request.tenant));
    let kid = prop_oneof![
        12 => select(vec!["k1", "k2", "", "a rather long key id, longer than 23 bytes"]),
        1 => Just("gone"),
    ];
    let holding = caveat(request, rules, true);
    let mixed = prop_oneof![2 => holding.clone(), 1 => caveat(request, rules, false)];
    let caveats = prop_oneof![
        5 => proptest::collection::vec(holding.clone(), 0..7),
        6 => proptest::collection::vec(mixed.clone(), 1..6),
        // Contradictory ones, and one kind twice, more often than by chance.
        2 => (holding.clone(), mixed.clone(), mixed).prop_map(|(a, b, c)| vec![b.clone(), a.clone(), c, a, b]),
        1 => proptest::collection::vec(holding.clone(), 60..63),
        1 => proptest::collection::vec(holding, 64..66),
    ];
    (tid, kid.prop_map(str::to_owned), scope(request), caveats).prop_map(|(tid, kid, scope, caveats)| Token {
        tid,
        kid,
        scope,
        caveats,
    })
}

fn scope(request: &Request) -> impl Strategy<Value = TokenScope> + use<> {
    let prefixes = prefixes(&request.path);
    let prefix = prop_oneof![1 => Just(None), 2 => either(7, prefixes.0, prefixes.1).prop_map(Some)];
    let methods = method_lists(&request.method);
    let lengths = lengths(request);
    let max_bytes = prop_oneof![2 => Just(None), 1 => either(7, lengths.0, lengths.1).prop_map(Some)];
    (prefix, either(7, methods.0, methods.1), max_bytes).prop_map(|(prefix, methods, max_bytes)| TokenScope {
        prefix,
        methods,
        max_bytes,
    })
}

/// A caveat that is meant to hold, or one that is meant not to. The oracle decides whether it does.
pub fn caveat(request: &Request, rules: &Rules, holds: bool) -> BoxedStrategy<Caveat> {
    let mut kinds = Vec::new();
    let mut kind = |weight: u32, (good, bad): (Vec<Caveat>, Vec<Caveat>)| {
        let own = if holds { good } else { bad };
        if !own.is_empty() {
            kinds.push((weight, select(own).boxed()));
        }
    };
    kind(2, map(expiries(request, rules), Caveat::Exp));
    kind(2, map(beginnings(request, rules), Caveat::Nbf));
    let is_strict = rules.semantics == Semantics::Strict;
    kind(1, map(names(if is_strict { &request.audience } else { &request.policy_digest }), Caveat::Aud));
    kind(1, map(names(&request.policy_digest), Caveat::GovPolicyDigest));
    kind(1, map(method_lists(&request.method), Caveat::Method));
    kind(1, map(prefixes(&request.path), Caveat::PathPrefix));
    kind(2, map(nets(request.peer), Caveat::IpCidr));
    kind(1, map(lengths(request), Caveat::BytesLe));
    kind(1, (rates(), vec![]));
    kind(1, map((vec![request.tenant.clone()], others(&request.tenant)), Caveat::Tenant));
    kind(1, map((vec![request.amnesia], vec![!request.amnesia]), Caveat::Amnesia));
    let custom = |(ns, name, cbor)| Caveat::Custom { ns: String::from(ns), name, cbor };
    let tenant = &request.tenant;
    let custom = if holds && !rules.handled.contains(&"always") && is_strict {
        select(rates()).boxed()
    } else if holds {
        prop_oneof![
            (Just("always"), "[a-z]{0,30}", any::<bool>().prop_map(|is_one| vec![0x81, u8::from(is_one)]))
                .prop_map(custom),
            (Just("always"), "[a-z]{0,30}", custom_value()).prop_map(custom),
            (Just("null"), "[a-z]{0,30}", Just(vec![0xf6])).prop_map(custom),
            (Just("tenant"), Just(tenant.clone()), Just(vec![0x80])).prop_map(custom),
        ]
        .boxed()
    } else {
        (
            select(vec!["nobody", "never", "never", "null", "null", "tenant", "", "né", "Always"]),
            select([others(tenant), vec!["plan".into(), "é/\u{0}".into()]].concat()),
            select(vec![vec![0xf5], vec![0x81, 0x00], vec![0xf9, 0x7e, 0x00]]),
        )
            .prop_map(custom)
            .boxed()
    };
    kinds.push((2, custom));
    proptest::strategy::Union::new_weighted(kinds).boxed()
}

/// The first list's elements `odds` times out of `odds + 1`, where both have any.
fn either<T: Clone + std::fmt::Debug + 'static>(odds: u32, good: Vec<T>, bad: Vec<T>) -> BoxedStrategy<T> {
    match (good.is_empty(), bad.is_empty()) {
        (true, _) => select(bad).boxed(),
        (_, true) => select(good).boxed(),
        _ => prop_oneof![odds => select(good), 1 => select(bad)].boxed(),
    }
}

fn map<T>((good, bad): (Vec<T>, Vec<T>), caveat: fn(T) -> Caveat) -> (Vec<Caveat>, Vec<Caveat>) {
    (good.into_iter().map(caveat).collect(), bad.into_iter().map(caveat).collect())
}

// What is meant to hold, and what is not, given a request

fn expiries(request: &Request, rules: &Rules) -> (Vec<u64>, Vec<u64>) {
    let last = request.now_s.saturating_sub(rules.skew_s);
    let bad = [1, 2, 1 << 32].map(|late| last.checked_sub(late)).into_iter().flatten().collect();
    (vec![last, last.saturating_add(1), request.now_s, u64::MAX, 1 << 63], bad)
}

fn beginnings(request: &Request, rules: &Rules) -> (Vec<u64>, Vec<u64>) {
    let first = request.now_s.saturating_add(rules.skew_s);
    let bad = [1, 2, 1 << 32].map(|early| first.checked_add(early)).into_iter().flatten().collect();
    (vec![first, first.saturating_sub(1), request.now_s, 0], bad)
}

fn names(own: &Option<String>) -> (Vec<String>, Vec<String>) {
    match own {
        Some(own) => (vec![own.clone()], others(own)),
        None => (vec![], vec![String::new(), "aud-demo".into()]),
    }
}

fn others(own: &str) -> Vec<String> {
    let mut cases = own.to_uppercase();
    if cases == own {
        cases = own.to_lowercase();
    }
    let mut others = vec![cases, format!("{own}\0"), format!(" {own}"), "other".into(), String::new()];
    others.retain(|other| other != own);
    others
}

fn method_lists(own: &str) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let (lower, upper) = (own.to_ascii_lowercase(), own.to_ascii_uppercase());
    let good = vec![list(&[own]), list(&[&lower]), list(&[&upper]), list(&["PUT", own]), list(&[&lower, "HEAD", own])];
    // Letters that are equal to others only beyond ASCII: É and é, the Kelvin sign and k.
    let odd = own.replace('É', "é").replace('\u{212a}', "k");
    let mut bad = vec![list(&[]), list(&["PATCH"]), list(&["PUT", "HEAD"])];
    bad.extend(
        [format!("{own} "), format!("{own}\0"), odd].iter().filter(|name| *name != own).map(|name| list(&[name])),
    );
    if !own.is_empty() {
        bad.push(list(&[""]));
    }
    (good, bad)
}

/// Every prefix of the path, and some that are none. Those that end at a segment's end are meant to hold.
fn prefixes(path: &str) -> (Vec<String>, Vec<String>) {
    let (mut good, mut bad) = (vec![path.to_owned()], vec![format!("{path}/"), format!("{path}x"), "/other".into()]);
    for (at, _) in path.char_indices() {
        let (prefix, beyond) = path.split_at(at);
        let is_boundary = prefix.ends_with('/') || beyond.starts_with('/');
        if is_boundary { &mut good } else { &mut bad }.push(prefix.to_owned());
    }
    bad.extend([path.to_uppercase(), path.to_lowercase()].into_iter().filter(|other| other != path));
    (good, bad)
}

fn nets(peer: Option<IpAddr>) -> (Vec<String>, Vec<String>) {
    let mut bad: Vec<String> = [
        "10.0.0.0",
        "",
        "nonsense",
        "10.0.0.0/33",
        "10.0.0.0/",
        "/8",
        "::/129",
        "::ffff:0.0.0.0/96",
        "10/8",
        "1.2.3/24",
    ]
    .map(str::to_owned)
    .into();
    let Some(peer) = peer else {
        bad.extend(["0.0.0.0/0", "::/0"].map(str::to_owned));
        return (vec![], bad);
    };
    let mapped = match peer {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    if let Some(v4) = mapped.to_ipv4_mapped() {
        let bits = u32::from(v4);
        let net = |len: u32| Ipv4Addr::from(bits & u32::MAX.checked_shl(32 - len).unwrap_or(0));
        let good = [0, 1, 8, 15, 24, 31, 32].map(|len| format!("{}/{len}", net(len))).to_vec();
        bad.extend([8, 24, 31].map(|len| format!("{}/{len}", Ipv4Addr::from(bits | 1))));
        bad.extend([8, 24, 32].map(|len| format!("{}/{len}", Ipv4Addr::from(u32::from(net(len)) ^ 1 << (32 - len)))));
        bad.extend([
            format!("{mapped}/128"),
            "::/0".into(),
            format!("0{v4}/32"),
            format!("{v4}/032"),
            format!("{v4}/+32"),
            format!(" {v4}/32"),
            format!("{v4}/32 "),
            format!("{v4}/32/32"),
            format!("{v4}%eth0/32"),
            format!("{bits}/32"),
            format!("{bits:#x}/32"),
            format!("::ffff:{:x}:{:x}/128", bits >> 16, bits & 0xffff),
            format!("::ffff:{}/96", Ipv4Addr::UNSPECIFIED),
        ]);
        return (good, bad);
    }
    let bits = u128::from(mapped);
    let net = |len: u32| Ipv6Addr::from(bits & u128::MAX.checked_shl(128 - len).unwrap_or(0));
    let good = [0, 1, 16, 32, 64, 96, 127, 128].map(|len| format!("{}/{len}", net(len))).to_vec();
    let groups = mapped.segments();
    let last = mapped.octets();
    bad.extend([16, 64, 127].map(|len| format!("{}/{len}", Ipv6Addr::from(bits | 1))));
    bad.extend([16, 64, 128].map(|len| format!("{}/{len}", Ipv6Addr::from(u128::from(net(len)) ^ 1 << (128 - len)))));
    bad.extend([
        "0.0.0.0/0".into(),
        "0::/0".into(),
        "0:0:0:0:0:0:0:0/0".into(),
        "::0.0.0.0/0".into(),
        format!("{}/128", mapped.to_string().to_uppercase()),
        format!("{}/128", groups.map(|group| format!("{group:04x}")).join(":")),
        format!("{}/128", groups.map(|group| format!("{group:x}")).join(":")),
        format!(
            "{}:{}.{}.{}.{}/128",
            groups[..6].iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":"),
            last[12],
            last[13],
            last[14],
            last[15],
        ),
        format!("{mapped}%eth0/128"),
        format!("{mapped}%1/128"),
        format!("[{mapped}]/128"),
        format!("{mapped}/0128"),
        format!("{mapped}/128\n"),
    ]);
    (good, bad)
}

fn lengths(request: &Request) -> (Vec<u64>, Vec<u64>) {
    match request.content_len {
        None => (vec![], vec![0, 23, 4096, u64::MAX]),
        Some(len) => {
            let bad = [1, 2, 1 << 20].map(|less| len.checked_sub(less)).into_iter().flatten().collect();
            (vec![len, len.saturating_add(1), u64::MAX], bad)
        }
    }
}

fn rates() -> Vec<Caveat> {
    [(0, 0), (1, 2), (23, 24), (256, 65_536), (0, u32::MAX), (u32::MAX, u32::MAX)]
        .map(|(per_s, burst)| Caveat::Rate { per_s, burst })
        .to_vec()
}

/// Bounds, most of them at the edge of what the first token is.
#[derive(Clone, Debug)]
enum Bounds {
    Usual,
    /// So many bytes more or less than the first token has.
    Bytes(isize),
    /// So many caveats more or less than the first token has.
    Caveats(isize),
    Of(usize, usize),
}

impl Bounds {
    fn set(&self, rules: &mut Rules, first: &Draft) {
        match *self {
            Self::Usual => {}
            Self::Bytes(more) => rules.max_token_bytes = first.cbor().len().saturating_add_signed(more),
            Self::Caveats(more) => rules.max_caveats = first.token.caveats.len().saturating_add_signed(more),
            Self::Of(bytes, caveats) => (rules.max_token_bytes, rules.max_caveats) = (bytes, caveats),
        }
    }
}

fn bounds() -> impl Strategy<Value = Bounds> {
    prop_oneof![
        20 => Just(Bounds::Usual),
        2 => (-4..=1_isize).prop_map(Bounds::Bytes),
        2 => (-1..=0_isize).prop_map(Bounds::Caveats),
        3 => Just(Bounds::Of(usize::MAX, usize::MAX)),
        1 => select(vec![(0, 64), (1, 1), (4096, 0), (usize::MAX, 0)])
            .prop_map(|(bytes, caveats)| Bounds::Of(bytes, caveats)),
    ]
}

fn flaw() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        25 => Just(Flaw::None),
        2 => (any::<Index>(), change()).prop_map(|(item, change)| Flaw::SignedItem(item, change)),
        1 => select(vec![0, 1, 63, 64, 65, 80, u64::from(u32::MAX), u64::MAX]).prop_map(Flaw::Announced),
        2 => change().prop_map(Flaw::Cbor),
        1 => any::<u8>().prop_map(Flaw::Mac),
        2 => text_change().prop_map(Flaw::Text),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    let heads: Vec<u8> = (0..8).flat_map(|major| (23..32).map(move |info| major << 5 | info)).collect();
    prop_oneof![
        3 => (place(), 0..8_u8).prop_map(|(place, bit)| Change::FlipBit(place, bit)),
        2 => (place(), select(heads)).prop_map(|(place, byte)| Change::Set(place, byte)),
        1 => (place(), any::<u8>()).prop_map(|(place, byte)| Change::Insert(place, byte)),
        1 => place().prop_map(Change::Remove),
        1 => place().prop_map(Change::Truncate),
        1 => any::<u8>().prop_map(Change::Append),
        2 => place().prop_map(Change::LongHead),
    ]
}

fn text_change() -> impl Strategy<Value = TextChange> {
    prop_oneof![
        select(vec!["=", "==", "A", "AA", "\n", " ", "é", "+", "/"]).prop_map(TextChange::Append),
        (any::<Index>(), prop_oneof![select(vec!['+', '/', '=', '.', '~', 'A', '_']), any::<char>()])
            .prop_map(|(place, character)| TextChange::Set(place, character)),
        any::<Index>().prop_map(TextChange::Cut),
        Just(TextChange::TrailingBits),
        Just(TextChange::Long),
    ]
}

// How it is written

impl Draft {
    pub fn text(&self) -> String {
        let text = base64url(&self.cbor());
        match &self.flaw {
            Flaw::Text(change) => change.applied_to(text),
            _ => text,
        }
    }

    pub fn cbor(&self) -> Vec<u8> {
        let Token { tid, kid, scope, caveats } = &self.token;
        let mut items = vec![text_item(tid), text_item(kid), scope_item(scope)];
        items.extend(caveats.iter().map(caveat_item));
        if let Flaw::SignedItem(item, change) = &self.flaw {
            let index = item.index(items.len());
            change.apply(&mut items[index]);
        }
        let (first, rest) = items.split_at(3);
        let steps: Vec<Vec<u8>> =
            std::iter::once([vec![0x83], first.concat()].concat()).chain(rest.iter().cloned()).collect();
        // Signed by anyone, where there is no key.
        let mut mac = chain(&key_of(tid, kid).unwrap_or_default(), &steps);
        if let Flaw::Mac(bit) = self.flaw {
            mac[usize::from(bit / 8)] ^= 1 << (bit % 8);
        }
        let announced = if let Flaw::Announced(count) = self.flaw { count } else { caveats.len() as u64 };
        let mut cbor = map_item(&[
            ("tid", items[0].clone()),
            ("kid", items[1].clone()),
            ("scope", items[2].clone()),
            ("caveats", [head(4, announced), rest.concat()].concat()),
            ("mac", [head(2, 32), mac.to_vec()].concat()),
        ]);
        if let Flaw::Cbor(change) = &self.flaw {
            change.apply(&mut cbor);
        }
        cbor
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        // No item is empty before it is changed.
        let len = bytes.len();
        let at = |place: &Index| place.index(len);
        match self {
            Self::FlipBit(place, bit) => {
                let at = at(place);
                bytes[at] ^= 1 << bit;
            }
            Self::Set(place, byte) => {
                let at = at(place);
                bytes[at] = *byte;
            }
            Self::Insert(place, byte) => bytes.insert(at(place), *byte),
            Self::Remove(place) => {
                bytes.remove(at(place));
            }
            Self::Truncate(place) => bytes.truncate(at(place)),
            Self::Append(byte) => bytes.push(*byte),
            Self::LongHead(place) => {
                // The place, or the first after it, where there could be a head with its argument within.
                let from = at(place);
                if let Some(at) = (from..len).find(|&at| bytes[at] & 0x1f < 24) {
                    let byte = bytes[at];
                    bytes.splice(at..=at, [byte & 0xe0 | 24, byte & 0x1f]);
                }
            }
        }
    }
}

impl TextChange {
    fn applied_to(&self, text: String) -> String {
        match self {
            Self::Append(end) => text + end,
            Self::Set(place, character) => {
                let at = place.index(text.len());
                format!("{}{character}{}", &text[..at], &text[at + 1..])
            }
            Self::Cut(place) => text[..place.index(text.len())].to_owned(),
            // Zero trailing bits are those of every fourth letter (three characters) or every sixteenth (two).
            Self::TrailingBits if !text.len().is_multiple_of(4) => format!("{}B", &text[..text.len() - 1]),
            Self::TrailingBits => text,
            Self::Long => text + &"A".repeat(6000),
        }
    }
}

fn scope_item(scope: &TokenScope) -> Vec<u8> {
    map_item(&[
        ("prefix", scope.prefix.as_ref().map_or(vec![0xf6], |prefix| text_item(prefix))),
        ("methods", texts_item(&scope.methods)),
        ("max_bytes", scope.max_bytes.map_or(vec![0xf6], |max_bytes| head(0, max_bytes))),
    ])
}

fn caveat_item(caveat: &Caveat) -> Vec<u8> {
    let (kind, value) = match caveat {
        Caveat::Exp(time) => ("Exp", head(0, *time)),
        Caveat::Nbf(time) => ("Nbf", head(0, *time)),
        Caveat::Aud(audience) => ("Aud", text_item(audience)),
        Caveat::Method(names) => ("Method", texts_item(names)),
        Caveat::PathPrefix(prefix) => ("PathPrefix", text_item(prefix)),
        Caveat::IpCidr(net) => ("IpCidr", text_item(net)),
        Caveat::BytesLe(bytes) => ("BytesLe", head(0, *bytes)),
        Caveat::Rate { per_s, burst } => {
            ("Rate", map_item(&[("per_s", head(0, (*per_s).into())), ("burst", head(0, (*burst).into()))]))
        }
        Caveat::Tenant(tenant) => ("Tenant", text_item(tenant)),
        Caveat::Amnesia(amnesia) => ("Amnesia", vec![if *amnesia { 0xf5 } else { 0xf4 }]),
        Caveat::GovPolicyDigest(digest) => ("GovPolicyDigest", text_item(digest)),
        Caveat::Custom { ns, name, cbor } => {
            ("Custom", map_item(&[("ns", text_item(ns)), ("name", text_item(name)), ("cbor", cbor.clone())]))
        }
    };
    map_item(&[("t", text_item(kind)), ("v", value)])
}

fn map_item(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items = entries.iter().flat_map(|(key, value)| [text_item(key), value.clone()].concat());
    head(5, entries.len() as u64).into_iter().chain(items).collect()
}

fn texts_item(texts: &[String]) -> Vec<u8> {
    head(4, texts.len() as u64).into_iter().chain(texts.iter().flat_map(|text| text_item(text))).collect()
}

fn text_item(text: &str) -> Vec<u8> {
    [head(3, text.len() as u64), text.as_bytes().to_vec()].concat()
}

fn head(major: u8, argument: u64) -> Vec<u8> {
    let (info, len) = match argument {
        0..24 => return vec![major << 5 | argument as u8],
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    [&[major << 5 | info][..], &argument.to_be_bytes()[8 - len..]].concat()
}
