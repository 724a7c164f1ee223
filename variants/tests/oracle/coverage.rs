//! What the random cases reached: a test that never saw an answer, or never came near an edge, shows nothing about it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ron_auth_core::{AuthError, Decision, DenyReason, Semantics};

use crate::generator::{Case, Flaw};
use crate::interpreter::{Answer, Caveat, Judgement, Request, Rules, judge_caveat};

/// How often each answer and each edge occurred.
#[derive(Default)]
pub struct Coverage {
    times: BTreeMap<String, usize>,
}

/// Answers, of which each must occur this often.
const ANSWERS: (usize, &[&str]) = (
    10,
    &[
        "Bounds",
        "Malformed(Base64)",
        "Malformed(Cbor)",
        "UnknownKid",
        "MacMismatch",
        "Expired",
        "NotYetValid",
        "BadAudience",
        "MethodNotAllowed",
        "PathNotAllowed",
        "IpNotAllowed",
        "BytesExceed",
        "TenantMismatch",
        "GovPolicyDigestMismatch",
        "AmnesiaMismatch",
        "Deny for several reasons",
        "Allow",
    ],
);

/// Answers of the strict semantics alone.
const STRICT_ANSWERS: (usize, &[&str]) = (
    10,
    &[
        "Allow with obligations",
        "TidMismatch",
        "Unhandled",
        "a handler refused",
        "a handler refused with an empty text",
    ],
);

/// Edges that need two rare things at once.
const RARE_EDGES: (usize, &[&str]) = (1, &["both hard errors"]);

/// Edges, under the strict semantics.
const EDGES: (usize, &[&str]) = (
    5,
    &[
        "Exp in its last second",
        "Exp one second too late",
        "Nbf in its first second",
        "Nbf one second too early",
        "Exp + skew beyond 64 bits",
        "now + skew beyond 64 bits",
        "a skew of 0",
        "the longest skew",
        "BytesLe of the length",
        "BytesLe one byte short",
        "BytesLe of an unknown length",
        "a prefix that ends in /",
        "a prefix that the path continues with /",
        "a prefix that is the path",
        "a prefix that ends within a segment",
        "a prefix of a path that is spelled oddly",
        "an empty prefix",
        "a net that holds a mapped peer",
        "a net that is not strictly one, but is to a lenient parser",
        "a net of an unknown peer",
        "a net of the other family",
        "a net of all addresses",
        "a method in another case",
        "a list of no methods",
        "no rate at all",
        "the highest rate",
        "a handler was asked",
        "a kind twice, once held and once not",
        "as many caveats as permitted",
        "one caveat more than permitted",
        "64 caveats",
        "a text as long as permitted",
        "a text one byte longer than permitted",
        "a hard error after a reason",
    ],
);

impl Coverage {
    /// Counts what a case reached; `expected` are the answers to its tokens.
    pub fn count(&mut self, case: &Case, texts: &[String], expected: &[Answer]) {
        let is_strict = case.rules.semantics == Semantics::Strict;
        let semantics = if is_strict { "strict" } else { "compat" };
        for ((draft, text), answer) in case.drafts.iter().zip(texts).zip(expected) {
            for label in answers(answer) {
                *self.times.entry(format!("{semantics}: {label}")).or_default() += 1;
            }
            let mut edges = of_the_bounds(&case.rules, text, draft.token.caveats.len(), answer);
            // Caveats are judged where all before them is right.
            let is_judged = matches!(answer.result, Ok(_) | Err(AuthError::Expired | AuthError::NotYetValid));
            if is_judged && is_strict && matches!(draft.flaw, Flaw::None) {
                edges.extend(of_the_whole(&case.rules, &draft.token.caveats, &case.request));
                edges.extend(
                    draft.token.caveats.iter().flat_map(|caveat| of_a_caveat(&case.rules, caveat, &case.request)),
                );
                edges.extend((!answer.asked.is_empty()).then_some("a handler was asked"));
                for caveat in &draft.token.caveats {
                    let judgement = judge_caveat(&case.rules, caveat, &case.request, &mut Vec::new());
                    let outcome = if is_kept(&judgement) { "holds" } else { "does not hold" };
                    *self.times.entry(format!("strict: {} {outcome}", kind(caveat))).or_default() += 1;
                }
            }
            edges.sort_unstable();
            edges.dedup();
            for edge in edges {
                *self.times.entry(edge.to_owned()).or_default() += 1;
            }
        }
    }

    /// Asserts that nothing on the lists is missing.
    pub fn assert_complete(&self) {
        let of = |prefix: &'static str, (least, labels): (usize, &'static [&'static str])| {
            labels.iter().map(move |label| (format!("{prefix}{label}"), least))
        };
        let kinds = KINDS.iter().flat_map(|kind| {
            let outcomes: &[&str] = if *kind == "Rate" { &["holds"] } else { &["holds", "does not hold"] };
            outcomes.iter().map(move |outcome| (format!("strict: {kind} {outcome}"), 20))
        });
        let wanted = of("strict: ", ANSWERS)
            .chain(of("strict: ", STRICT_ANSWERS))
            .chain(of("compat: ", ANSWERS))
            .chain(of("", EDGES))
            .chain(of("", RARE_EDGES))
            .chain(kinds);
        let rare: Vec<_> = wanted
            .map(|(label, least)| (self.times.get(&label).copied().unwrap_or(0), least, label))
            .filter(|(times, least, _)| times < least)
            .collect();
        assert!(rare.is_empty(), "too rare (times, least, what): {rare:#?}\nof {:#?}", self.times);
    }
}

fn answers(answer: &Answer) -> Vec<String> {
    match &answer.result {
        Err(error) => vec![format!("{error:?}")],
        Ok(Decision::Allow { obligations, .. }) if obligations.is_empty() => vec!["Allow".into()],
        Ok(Decision::Allow { .. }) => vec!["Allow with obligations".into()],
        Ok(Decision::Deny { reasons }) => {
            let several = (reasons.len() > 1).then(|| "Deny for several reasons".to_owned());
            reasons.iter().map(reason).chain(several).collect()
        }
    }
}

fn reason(reason: &DenyReason) -> String {
    match reason {
        DenyReason::Custom(text) if text.is_empty() => "a handler refused with an empty text".into(),
        DenyReason::Custom(text) if text.starts_with("refused") => "a handler refused".into(),
        DenyReason::Unhandled { .. } => "Unhandled".into(),
        other => format!("{other:?}"),
    }
}

fn of_the_bounds(rules: &Rules, text: &str, caveats: usize, answer: &Answer) -> Vec<&'static str> {
    let longest = rules.max_token_bytes.saturating_mul(8).div_ceil(6);
    let is_bounds = answer.result == Err(AuthError::Bounds);
    let edges = [
        (!is_bounds && text.len() == longest, "a text as long as permitted"),
        (is_bounds && text.len() == longest + 1, "a text one byte longer than permitted"),
        (!is_bounds && caveats == rules.max_caveats, "as many caveats as permitted"),
        (
            is_bounds && text.len() <= longest && caveats == rules.max_caveats.saturating_add(1),
            "one caveat more than permitted",
        ),
        (answer.result.is_ok() && caveats == 64, "64 caveats"),
    ];
    edges.into_iter().filter(|(holds, _)| *holds).map(|(_, edge)| edge).collect()
}

fn of_the_whole(rules: &Rules, caveats: &[Caveat], request: &Request) -> Vec<&'static str> {
    let judged: Vec<_> =
        caveats.iter().map(|caveat| (kind(caveat), judge_caveat(rules, caveat, request, &mut Vec::new()))).collect();
    let ends_at = |error| judged.iter().position(|(_, judgement)| *judgement == Judgement::Ends(error));
    let (expired, early) = (ends_at(AuthError::Expired), ends_at(AuthError::NotYetValid));
    let first_reason = judged.iter().position(|(_, judgement)| matches!(judgement, Judgement::Fails(_)));
    let contradicts = |(kind, judgement): &(&str, Judgement)| {
        is_kept(judgement) && judged.iter().any(|(other, judgement)| other == kind && !is_kept(judgement))
    };
    let edges = [
        (judged.iter().any(contradicts), "a kind twice, once held and once not"),
        (expired.is_some() && early.is_some(), "both hard errors"),
        (first_reason.is_some() && first_reason < expired.or(early), "a hard error after a reason"),
    ];
    edges.into_iter().filter(|(holds, _)| *holds).map(|(_, edge)| edge).collect()
}

fn of_a_caveat(rules: &Rules, caveat: &Caveat, request: &Request) -> Vec<&'static str> {
    let (now_s, skew_s) = (u128::from(request.now_s), u128::from(rules.skew_s));
    let holds = is_kept(&judge_caveat(rules, caveat, request, &mut Vec::new()));
    let edges = match caveat {
        Caveat::Exp(last_s) => {
            let end_s = u128::from(*last_s) + skew_s;
            vec![
                (end_s == now_s, "Exp in its last second"),
                (end_s + 1 == now_s, "Exp one second too late"),
                (end_s > u64::MAX.into(), "Exp + skew beyond 64 bits"),
                (skew_s == 0, "a skew of 0"),
                (skew_s == u64::MAX.into(), "the longest skew"),
            ]
        }
        Caveat::Nbf(first_s) => vec![
            (now_s + skew_s == (*first_s).into(), "Nbf in its first second"),
            (now_s + skew_s + 1 == (*first_s).into(), "Nbf one second too early"),
            (now_s + skew_s > u64::MAX.into(), "now + skew beyond 64 bits"),
        ],
        Caveat::BytesLe(limit) => vec![
            (request.content_len == Some(*limit), "BytesLe of the length"),
            (limit.checked_add(1).is_some_and(|more| request.content_len == Some(more)), "BytesLe one byte short"),
            (request.content_len.is_none(), "BytesLe of an unknown length"),
        ],
        Caveat::PathPrefix(prefix) => {
            let beyond = request.path.strip_prefix(prefix.as_str());
            let ends_within = beyond.is_some_and(|beyond| {
                !prefix.is_empty() && !prefix.ends_with('/') && !beyond.is_empty() && !beyond.starts_with('/')
            });
            let at_a_boundary = beyond.is_some() && !ends_within;
            let continued = beyond.is_some_and(|beyond| beyond.starts_with('/'));
            vec![
                (holds && prefix.ends_with('/') && beyond != Some(""), "a prefix that ends in /"),
                (holds && !prefix.ends_with('/') && continued, "a prefix that the path continues with /"),
                (holds && beyond == Some(""), "a prefix that is the path"),
                (!holds && ends_within, "a prefix that ends within a segment"),
                (!holds && at_a_boundary, "a prefix of a path that is spelled oddly"),
                (prefix.is_empty(), "an empty prefix"),
            ]
        }
        Caveat::IpCidr(net) => {
            let parsed = net.parse::<ipnet::IpNet>().ok();
            let mapped = match request.peer {
                Some(IpAddr::V6(v6)) => v6.to_ipv4_mapped(),
                _ => None,
            };
            let is_other_family =
                request.peer.zip(parsed).is_some_and(|(peer, net)| peer.is_ipv4() != net.addr().is_ipv4());
            vec![
                (holds && mapped.is_some(), "a net that holds a mapped peer"),
                (
                    !holds
                        && mapped.is_none()
                        && request.peer.zip(parsed).is_some_and(|(peer, net)| net.contains(&peer)),
                    "a net that is not strictly one, but is to a lenient parser",
                ),
                (request.peer.is_none(), "a net of an unknown peer"),
                (!holds && is_other_family, "a net of the other family"),
                (holds && net.ends_with("/0"), "a net of all addresses"),
            ]
        }
        Caveat::Method(names) => vec![
            (holds && !names.contains(&request.method), "a method in another case"),
            (names.is_empty(), "a list of no methods"),
        ],
        Caveat::Rate { per_s, burst } => vec![
            ((*per_s, *burst) == (0, 0), "no rate at all"),
            ((*per_s, *burst) == (u32::MAX, u32::MAX), "the highest rate"),
        ],
        _ => vec![],
    };
    edges.into_iter().filter(|(reached, _)| *reached).map(|(_, edge)| edge).collect()
}

fn is_kept(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Holds | Judgement::Owed(_))
}

const KINDS: [&str; 12] = [
    "Exp",
    "Nbf",
    "Aud",
    "Method",
    "PathPrefix",
    "IpCidr",
    "BytesLe",
    "Rate",
    "Tenant",
    "Amnesia",
    "GovPolicyDigest",
    "Custom",
];

fn kind(caveat: &Caveat) -> &'static str {
    match caveat {
        Caveat::Exp(_) => "Exp",
        Caveat::Nbf(_) => "Nbf",
        Caveat::Aud(_) => "Aud",
        Caveat::Method(_) => "Method",
        Caveat::PathPrefix(_) => "PathPrefix",
        Caveat::IpCidr(_) => "IpCidr",
        Caveat::BytesLe(_) => "BytesLe",
        Caveat::Rate { .. } => "Rate",
        Caveat::Tenant(_) => "Tenant",
        Caveat::Amnesia(_) => "Amnesia",
        Caveat::GovPolicyDigest(_) => "GovPolicyDigest",
        Caveat::Custom { .. } => "Custom",
    }
}
