//! Random requests, rules, and tokens that nearly fit them: what a caveat says lies at the edge of what the request is.
//!
//! `path` makes the paths; `edges` gives, for each kind of caveat, what is meant to hold for a request and what is not;
//! `flaw` is what goes wrong with a token; `written` writes and signs it, without the verifier's own encoder.

mod edges;
mod flaw;
mod path;
mod written;

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use proptest::sample::select;
use ron_auth_core::Semantics;

pub use self::edges::custom_value;
pub use self::flaw::Flaw;
pub use self::path::{Paths, path};

use self::edges::{beginnings, either, expiries, lengths, map, method_lists, names, nets, others, prefixes, rates};
use self::flaw::flaw;
use crate::interpreter::{Caveat, Request, Rules, Token, TokenScope};

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
