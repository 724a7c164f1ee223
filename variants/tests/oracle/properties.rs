//! What follows from the rules as a whole: how the answer changes when the token, the rules or the request change.

use std::net::IpAddr;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use ron_auth_catalogue::{Verifier, find};
use ron_auth_core::{AuthError, Decision, EvalMode, Semantics};

use crate::common::cases;
use crate::generator::{Draft, Flaw, a_request, caveat, rules, sound, token_for};
use crate::interpreter::{Caveat, Request, Rules, Token, verify};
use crate::subject::Subject;

static ENGINES: LazyLock<[(EvalMode, Box<dyn Verifier>); 3]> = LazyLock::new(|| {
    [
        (EvalMode::StreamingOnly, "minicbor-zerocopy"),
        (EvalMode::SoaOnly, "minicbor-zerocopy"),
        (EvalMode::Adaptive, "prod"),
    ]
    .map(|(mode, name)| (mode, find(name).unwrap().build()))
});

/// The verifier's answer, which is the oracle's.
fn decided(rules: &Rules, token: &Token, request: &Request) -> Result<Decision, AuthError> {
    let text = Draft { token: token.clone(), flaw: Flaw::None }.text();
    let answer = verify(rules, &text, request);
    let subject = Subject::new(rules, request);
    for (mode, engine) in &*ENGINES {
        assert_eq!(subject.alone(&**engine, *mode, &text), answer, "{mode:?} on {text}");
    }
    answer.result
}

fn is_allowed(rules: &Rules, token: &Token, request: &Request) -> bool {
    decided(rules, token, request).is_ok_and(|decision| decision.is_allow())
}

/// Whether one list is what is left of another when elements are taken out.
fn is_within<T: PartialEq>(part: &[T], whole: &[T]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|element| whole.any(|other| other == element))
}

/// How a token is made narrower.
#[derive(Clone, Debug)]
enum Narrowing {
    /// The scope's prefix goes on by whole segments, or there is one where there was none.
    Prefix(&'static str),
    /// These of the scope's methods are left.
    Methods(Vec<usize>),
    /// The scope's limit is so much lower, or is set.
    MaxBytes(u64),
    /// A time, list, limit or prefix in a caveat is tightened.
    Caveat(Index, u64),
}

impl Narrowing {
    fn of(&self, token: &Token) -> Token {
        let mut narrow = token.clone();
        match self {
            Self::Prefix(more) => narrow.scope.prefix = Some(continued(token.scope.prefix.as_deref(), more)),
            Self::Methods(kept) => {
                let methods = token.scope.methods.iter().enumerate();
                narrow.scope.methods =
                    methods.filter(|(index, _)| kept.contains(index)).map(|(_, name)| name.clone()).collect();
            }
            Self::MaxBytes(less) => {
                narrow.scope.max_bytes = Some(token.scope.max_bytes.unwrap_or(u64::MAX).saturating_sub(*less));
            }
            Self::Caveat(place, by) if !narrow.caveats.is_empty() => {
                let place = place.index(narrow.caveats.len());
                match &mut narrow.caveats[place] {
                    Caveat::Exp(number) | Caveat::BytesLe(number) => *number = number.saturating_sub(*by),
                    Caveat::Nbf(number) => *number = number.saturating_add(*by),
                    Caveat::Method(names) => drop(names.pop()),
                    Caveat::PathPrefix(prefix) => *prefix = continued(Some(prefix.as_str()), "a"),
                    _ => {}
                }
            }
            Self::Caveat(..) => {}
        }
        narrow
    }
}

/// A prefix that goes on by whole segments.
fn continued(prefix: Option<&str>, more: &str) -> String {
    let prefix = prefix.unwrap_or_default();
    if prefix.ends_with('/') { format!("{prefix}{more}") } else { format!("{prefix}/{more}") }
}

fn narrowing() -> impl Strategy<Value = Narrowing> {
    prop_oneof![
        prop::sample::select(vec!["", "a", "a/", "b", "index", "x/y"]).prop_map(Narrowing::Prefix),
        subsequence((0..4).collect::<Vec<usize>>(), 0..4).prop_map(Narrowing::Methods),
        amount().prop_map(Narrowing::MaxBytes),
        (any::<Index>(), amount()).prop_map(|(place, by)| Narrowing::Caveat(place, by)),
    ]
}

/// By how much a number is changed: by as little as can be, or by anything.
fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1), any::<u64>()]
}

/// Something that was known of a request is known no more.
fn forgetful(request: &Request, what: usize) -> Request {
    let mut forgetful = request.clone();
    match what {
        0 => forgetful.peer = None,
        1 => forgetful.audience = None,
        2 => forgetful.policy_digest = None,
        _ => forgetful.content_len = None,
    }
    forgetful
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(512), ..ProptestConfig::default() })]

    #[test]
    fn one_more_caveat_never_widens_what_is_allowed(
        ((request, rules, token), more, place) in sound().prop_flat_map(|(request, rules, token)| {
            let more = prop_oneof![caveat(&request, &rules, true), caveat(&request, &rules, false)];
            (Just((request, rules, token)), more, any::<Index>())
        }),
    ) {
        let mut narrow = token.clone();
        narrow.caveats.insert(place.index(token.caveats.len() + 1), more);
        match (decided(&rules, &token, &request), decided(&rules, &narrow, &request)) {
            (Ok(Decision::Allow { scope, obligations }), Ok(Decision::Allow { scope: narrow, obligations: more })) => {
                prop_assert_eq!(scope, narrow);
                prop_assert!(is_within(&obligations, &more));
            }
            (Ok(Decision::Deny { reasons }), Ok(Decision::Deny { reasons: more })) => {
                prop_assert!(is_within(&reasons, &more));
            }
            (Ok(_), Err(_) | Ok(Decision::Deny { .. })) | (Err(_), Err(_)) => {}
            (token, narrow) => prop_assert!(false, "{token:?} became {narrow:?}"),
        }
    }

    #[test]
    fn the_order_of_caveats_changes_no_decision_only_the_order_of_reasons(
        (request, rules, token, caveats) in sound().prop_flat_map(|(request, rules, token)| {
            let caveats = Just(token.caveats.clone()).prop_shuffle();
            (Just(request), Just(rules), Just(token), caveats)
        }),
    ) {
        let permuted = Token { caveats, ..token.clone() };
        let sorted = |decision| match decision {
            Decision::Allow { scope, mut obligations } => {
                obligations.sort_by_key(|rate| (rate.per_s, rate.burst));
                Decision::Allow { scope, obligations }
            }
            Decision::Deny { mut reasons } => {
                reasons.sort_by_key(|reason| format!("{reason:?}"));
                Decision::Deny { reasons }
            }
        };
        let is_of_time = |error| matches!(error, AuthError::Expired | AuthError::NotYetValid);
        match (decided(&rules, &token, &request), decided(&rules, &permuted, &request)) {
            // Which of the two comes first depends on the order.
            (Err(one), Err(other)) if is_of_time(one) && is_of_time(other) => {}
            (one, other) => prop_assert_eq!(one.map(sorted), other.map(sorted)),
        }
    }

    #[test]
    fn a_narrower_scope_or_caveat_never_widens_what_is_allowed(
        (request, rules, token) in sound(),
        narrowing in narrowing(),
    ) {
        let narrow = narrowing.of(&token);
        prop_assert!(!is_allowed(&rules, &narrow, &request) || is_allowed(&rules, &token, &request), "{:?}", narrow);
    }

    #[test]
    fn a_shorter_skew_never_widens_what_is_allowed((request, rules, token) in sound(), less_s in amount()) {
        let skew_s = rules.skew_s.saturating_sub(less_s);
        let strict_about_time = Rules { skew_s, ..rules.clone() };
        prop_assert!(!is_allowed(&strict_about_time, &token, &request) || is_allowed(&rules, &token, &request));
    }

    #[test]
    fn knowing_less_of_a_request_never_widens_what_strict_allows(
        (request, rules, token) in sound(),
        what in 0..4_usize,
    ) {
        let rules = Rules { semantics: Semantics::Strict, ..rules };
        let less = forgetful(&request, what);
        prop_assert!(!is_allowed(&rules, &token, &less) || is_allowed(&rules, &token, &request));
    }

    // Two rows of the table are not laxer under compat, but other: `Aud` is compared with something else, and a mapped
    // peer is in no IPv4 net.
    #[test]
    fn what_strict_allows_compat_allows_but_for_audiences_and_mapped_peers((request, rules, token) in sound()) {
        let of = |semantics| Rules { semantics, ..rules.clone() };
        let [strict, compat] = [Semantics::Strict, Semantics::Compat].map(of);
        let has = |kind: fn(&Caveat) -> bool| token.caveats.iter().any(kind);
        let is_mapped = matches!(request.peer, Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_some());
        let is_other = has(|caveat| matches!(caveat, Caveat::Aud(_))) && request.audience != request.policy_digest
            || has(|caveat| matches!(caveat, Caveat::IpCidr(_))) && is_mapped;
        if let Ok(Decision::Allow { scope, .. }) = decided(&strict, &token, &request) && !is_other {
            prop_assert_eq!(decided(&compat, &token, &request), Ok(Decision::Allow { scope, obligations: vec![] }));
        }
    }

    #[test]
    fn an_error_is_the_same_under_both_semantics((request, rules, token) in sound()) {
        let [strict, compat] = [Semantics::Strict, Semantics::Compat]
            .map(|semantics| decided(&Rules { semantics, ..rules.clone() }, &token, &request).err());
        prop_assert_eq!(strict, compat);
    }
}

// Where nothing is allowed, nothing can be widened.
#[test]
fn a_good_part_of_the_tokens_tried_is_allowed_and_a_good_part_is_not() {
    let outcomes = std::cell::RefCell::new(Vec::new());
    crate::run(crate::fixed(), 1000, &sound(), |(request, rules, token)| {
        let text = Draft { token, flaw: Flaw::None }.text();
        outcomes.borrow_mut().push(verify(&rules, &text, &request).result.map(|decision| decision.is_allow()));
    });
    for outcome in [Ok(true), Ok(false), Err(AuthError::Expired), Err(AuthError::NotYetValid)] {
        let times = outcomes.borrow().iter().filter(|other| **other == outcome).count();
        assert!(times >= 25, "{outcome:?} occurs {times} times");
    }
}

/// The exceptions are real.
#[test]
fn an_audience_or_a_mapped_peer_may_pass_strict_and_not_compat() {
    let request = Request { peer: Some("::ffff:10.1.2.3".parse().unwrap()), ..a_request() };
    for caveat in [Caveat::Aud("aud-demo".into()), Caveat::IpCidr("10.0.0.0/8".into())] {
        let token = token_for(&request, caveat);
        let allowed =
            [Semantics::Strict, Semantics::Compat].map(|semantics| is_allowed(&rules(semantics), &token, &request));
        assert_eq!(allowed, [true, false], "{:?}", token.caveats);
    }
}
