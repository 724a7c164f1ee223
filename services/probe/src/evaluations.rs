//! Decisions of a policy, without HTTP.

use std::hint::black_box;

use ron_policy::{Bundle, Effect, Format, Policy, Request};

use crate::Fault;
use crate::cases::Work;

/// Rules of the bundle.
const RULES: usize = 100;
/// Decisions of an iteration.
pub(crate) const EVALUATIONS: usize = 64;

/// Requests, each with what is right: the effect, and the rule that decides, if one does.
pub(crate) struct Evaluations {
    policy: Policy,
    asked: Vec<(Request<'static>, Effect, Option<String>)>,
}

impl Evaluations {
    pub(crate) fn new() -> Result<Self, Fault> {
        let rules: Vec<String> = (0..RULES).map(rule).collect();
        let bundle = format!(r#"{{"schema":"ron-policy/2","version":1,"rules":[{}]}}"#, rules.join(","));
        let policy = Bundle::parse(bundle.as_bytes(), Format::Json)?.compile();
        // Each seventh: of all shapes, permitted and denied, and some for which there is no rule.
        let asked = (0..EVALUATIONS).map(|number| asked(number * 7 % (RULES + RULES / 4)));
        Ok(Self { policy, asked: asked.collect() })
    }
}

/// A rule for somebody of its own, in one of four shapes.
fn rule(number: usize) -> String {
    let when = match number % 4 {
        0 => format!(r#""tenants":["t{number}"],"actions":["read","list"]"#),
        1 => format!(r#""roles_any":["role-{number}","chief-{number}"]"#),
        2 => format!(r#""subjects":["user-{number}"],"resources":["docs/{number}/**"]"#),
        _ => format!(r#""actions":["read"],"resources":["docs/{number}/*"],"regions":["eu"]"#),
    };
    let effect = if is_denied(number) { "deny" } else { "permit" };
    format!(r#"{{"id":"r{number}","effect":"{effect}","when":{{{when}}}}}"#)
}

const fn is_denied(number: usize) -> bool {
    number % 3 == 2
}

fn asked(number: usize) -> (Request<'static>, Effect, Option<String>) {
    // What is asked about is borrowed, and is asked about until the process ends.
    let text = |text: String| -> &'static str { text.leak() };
    let request = Request {
        subject: Some(text(format!("user-{number}"))),
        action: Some("read"),
        resource: Some(text(format!("docs/{number}/plan"))),
        tenant: Some(text(format!("t{number}"))),
        region: Some("eu"),
        roles: vec![text(format!("role-{number}")), "reader"].leak(),
        ..Request::default()
    };
    if number < RULES {
        (request, if is_denied(number) { Effect::Deny } else { Effect::Permit }, Some(format!("r{number}")))
    } else {
        (request, Effect::Deny, None)
    }
}

impl Work for Evaluations {
    fn check(&mut self) -> Result<u64, String> {
        for (request, effect, rule) in &self.asked {
            let decision = self.policy.decide(request).map_err(|error| error.to_string())?;
            if (decision.effect, decision.rule) != (*effect, rule.as_deref()) {
                return Err(format!("expected {effect:?} by {rule:?}, got {decision:?} for {request:?}"));
            }
        }
        Ok(self.asked.len() as u64)
    }

    fn run(&mut self) -> Result<(), String> {
        for (request, ..) in &self.asked {
            let _ = black_box(self.policy.decide(black_box(request)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_permits_denials_and_requests_without_a_rule_and_a_wrong_answer_is_told() {
        let asked: Vec<_> = (0..EVALUATIONS).map(|number| asked(number * 7 % (RULES + RULES / 4))).collect();
        for (effect, has_rule, least) in
            [(Effect::Permit, true, 30), (Effect::Deny, true, 10), (Effect::Deny, false, 5)]
        {
            let found = asked.iter().filter(|(_, is, rule)| *is == effect && rule.is_some() == has_rule).count();
            assert!(found >= least, "{effect:?} {has_rule}: {found}");
        }
        let policy = Bundle::parse(br#"{"schema":"ron-policy/2","version":1,"rules":[]}"#, Format::Json).unwrap();
        let wrong = Evaluations { policy: policy.compile(), asked }.check().unwrap_err();
        assert!(wrong.starts_with("expected Permit by Some(\"r0\"), got Decision"), "{wrong}");
    }
}
