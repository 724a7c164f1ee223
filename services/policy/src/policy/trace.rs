//! How a decision came about: one rule after the other, without the index.

use super::{DEFAULT, Policy, by_default, judged};
use crate::bundle::Schema;
use crate::decision::{Effect, Field, Step, Trace};
use crate::policy::facts::Facts;

/// Most rules that didn't match that a trace names.
pub const MAX_TRACE_MISSES: usize = 1000;

pub(super) fn trace<'p>(policy: &'p Policy, facts: &Facts<'_>) -> Trace<'p> {
    if let Some(reason) = policy.refused_by_defaults(facts) {
        let decision = by_default(Effect::Deny, reason);
        return Trace { decision, steps: vec![Step::Note { text: reason }], misses_left_out: 0 };
    }
    let mut steps = Vec::new();
    let mut misses_left_out = 0;
    for (phase, number) in policy.phases.iter().flat_map(|phase| phase.rules.iter().map(move |number| (phase, *number)))
    {
        let (Some(rule), Some(outcome)) = (policy.rules.get(number as usize), policy.outcome(number)) else { continue };
        match judged(rule, facts, phase.unknown) {
            Ok(unknown) => {
                let decision = outcome.decision();
                steps.push(Step::Hit { rule: &outcome.id, reason: decision.reason, unknown });
                return Trace { decision, steps, misses_left_out };
            }
            // Deployed evaluators never look at rules of another method.
            Err((Field::Method, _)) if policy.schema == Schema::Deployed => {}
            Err(_) if steps.len() >= MAX_TRACE_MISSES => misses_left_out += 1,
            Err((condition, unknown)) => steps.push(Step::Miss { rule: &outcome.id, condition, unknown }),
        }
    }
    steps.push(Step::Note { text: DEFAULT });
    Trace { decision: by_default(policy.default_effect, DEFAULT), steps, misses_left_out }
}
