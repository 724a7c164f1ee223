//! Policies: bundles, compiled.

pub(crate) mod check;
pub(crate) mod facts;
pub(crate) mod symbols;
mod trace;

pub use self::trace::MAX_TRACE_MISSES;

use self::check::{Checks, Truth};
use self::facts::{Facts, Lists};
use self::symbols::Symbols;
use crate::bundle::{Bundle, Rule, Schema};
use crate::decision::{Decision, Effect, Field, Obligation, Trace};
use crate::error::EvalError;
use crate::index::{Index, Visits};
use crate::request::Request;

const DEFAULT: &str = "default";
const BODY_TOO_LARGE: &str = "body too large (defaults)";
const BODY_UNKNOWN: &str = "body length unknown (defaults)";

/// A bundle that was made fit to decide. Deciding takes no lock and no memory, and can't fail but for requests that are
/// out of bounds.
#[derive(Debug)]
pub struct Policy {
    schema: Schema,
    version: u32,
    digest: String,
    default_effect: Effect,
    max_body_bytes: Option<u64>,
    symbols: Symbols,
    rules: Vec<CompiledRule>,
    outcomes: Vec<Outcome>,
    /// Asked in this order; the first that has a rule that matches decides, by the first such rule of the document.
    phases: [Phase; 2],
}

/// Some of the rules.
#[derive(Debug)]
struct Phase {
    index: Index,
    /// Numbers of the rules, in the order of the document.
    rules: Vec<u32>,
    unknown: WhatIsUnknown,
}

/// What becomes of a rule that matches but for conditions about something that the request does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhatIsUnknown {
    /// It matches: it denies.
    Matches,
    /// It doesn't match: it would permit.
    Fails,
}

/// What a rule asks for. Apart from what it leads to, so that rules which don't match stay close together in memory.
#[derive(Debug)]
pub(crate) struct CompiledRule {
    pub(crate) checks: Checks,
}

impl CompiledRule {
    /// Whether the rule matches.
    pub(crate) fn matches(&self, facts: &Facts<'_>, unknown: WhatIsUnknown) -> bool {
        self.checks.iter().all(|check| match check.truth(facts) {
            Truth::Holds => true,
            Truth::Fails => false,
            Truth::Unknown => unknown == WhatIsUnknown::Matches,
        })
    }
}

/// What a rule leads to.
#[derive(Debug)]
struct Outcome {
    id: String,
    effect: Effect,
    reason: Option<String>,
    obligations: Vec<Obligation>,
}

impl Policy {
    pub(crate) fn new(bundle: Bundle) -> Self {
        let mut symbols = Symbols::default();
        let rules: Vec<CompiledRule> =
            bundle.rules.iter().map(|rule| CompiledRule { checks: check::compile(&rule.when, &mut symbols) }).collect();
        let is_first: fn(&Rule) -> bool = match bundle.schema {
            Schema::Deployed => |rule| rule.when.methods.is_some(),
            Schema::V2 => |rule| rule.effect == Effect::Deny,
        };
        let first_unknown = match bundle.schema {
            // Nothing is unknown there.
            Schema::Deployed => WhatIsUnknown::Fails,
            Schema::V2 => WhatIsUnknown::Matches,
        };
        let phase = |of_first: bool, unknown| {
            let numbered = (0..).zip(&bundle.rules).filter(|(_, rule)| is_first(rule) == of_first);
            let numbers: Vec<u32> = numbered.map(|(number, _)| number).collect();
            let index = Index::new(&numbers, &rules, unknown);
            Phase { index, rules: numbers, unknown }
        };
        let phases = [phase(true, first_unknown), phase(false, WhatIsUnknown::Fails)];
        let outcome = |rule: Rule| Outcome {
            id: rule.id,
            effect: rule.effect,
            reason: rule.reason,
            obligations: rule.obligations,
        };
        Self {
            schema: bundle.schema,
            version: bundle.version,
            digest: bundle.digest,
            default_effect: bundle.default_effect,
            max_body_bytes: bundle.max_body_bytes,
            symbols,
            rules,
            outcomes: bundle.rules.into_iter().map(outcome).collect(),
            phases,
        }
    }

    /// Which schema the bundle has.
    #[must_use]
    pub const fn schema(&self) -> Schema {
        self.schema
    }

    /// The version that the bundle says it has.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// BLAKE3 of the bundle's bytes, in lower-case hexadecimal digits. It is what a `GovPolicyDigest` caveat names:
    /// give it to the verifier as the request's policy digest.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Number of rules.
    #[must_use]
    pub const fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// Decides.
    ///
    /// # Errors
    /// The request is longer than what is judged. That is no permit.
    pub fn decide<'p>(&'p self, request: &Request<'_>) -> Result<Decision<'p>, EvalError> {
        self.decide_counting(request, &mut ())
    }

    /// Decides, and counts what was looked at: the cost of a decision without a clock.
    ///
    /// # Errors
    /// As [`decide`](Self::decide).
    pub fn decide_with_cost<'p>(&'p self, request: &Request<'_>) -> Result<(Decision<'p>, Cost), EvalError> {
        let mut cost = Cost::default();
        let decision = self.decide_counting(request, &mut cost)?;
        Ok((decision, cost))
    }

    fn decide_counting<'p>(
        &'p self,
        request: &Request<'_>,
        visits: &mut impl Visits,
    ) -> Result<Decision<'p>, EvalError> {
        request.check_bounds()?;
        let mut lists = Lists::default();
        let facts = Facts::new(request, &self.symbols, self.schema, &mut lists);
        if let Some(reason) = self.refused_by_defaults(&facts) {
            return Ok(by_default(Effect::Deny, reason));
        }
        for phase in &self.phases {
            if let Some(number) = phase.index.first_match(&self.rules, &facts, phase.unknown, visits) {
                // Numbers in an index are those of rules; without an outcome there would be no permit.
                return Ok(self.outcome(number).map_or(by_default(Effect::Deny, DEFAULT), Outcome::decision));
            }
        }
        Ok(by_default(self.default_effect, DEFAULT))
    }

    /// Decides, and tells how that came about. This looks at one rule after the other, so its time grows with the
    /// number of rules.
    ///
    /// # Errors
    /// As [`decide`](Self::decide).
    pub fn trace<'p>(&'p self, request: &Request<'_>) -> Result<Trace<'p>, EvalError> {
        request.check_bounds()?;
        let mut lists = Lists::default();
        Ok(trace::trace(self, &Facts::new(request, &self.symbols, self.schema, &mut lists)))
    }

    fn refused_by_defaults(&self, facts: &Facts<'_>) -> Option<&'static str> {
        let most = self.max_body_bytes?;
        match facts.body_bytes {
            Some(body) if body <= most => None,
            Some(_) => Some(BODY_TOO_LARGE),
            None => Some(BODY_UNKNOWN),
        }
    }

    fn outcome(&self, number: u32) -> Option<&Outcome> {
        self.outcomes.get(number as usize)
    }
}

impl Outcome {
    fn decision(&self) -> Decision<'_> {
        Decision {
            effect: self.effect,
            rule: Some(&self.id),
            reason: self.reason.as_deref(),
            obligations: &self.obligations,
        }
    }
}

const fn by_default(effect: Effect, reason: &str) -> Decision<'_> {
    Decision { effect, rule: None, reason: Some(reason), obligations: &[] }
}

/// What a decision looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Rules whose conditions were judged.
    pub rules: usize,
    /// Places of the index that were visited.
    pub places: usize,
}

impl Visits for Cost {
    fn rule(&mut self) {
        self.rules += 1;
    }
    fn place(&mut self) {
        self.places += 1;
    }
}

/// The first condition of a rule that does not hold, and whether that is because it is unknown; else the first that was
/// taken to hold although it is unknown.
fn judged(rule: &CompiledRule, facts: &Facts<'_>, unknown: WhatIsUnknown) -> Result<Option<Field>, (Field, bool)> {
    let mut assumed = None;
    for check in &rule.checks {
        match check.truth(facts) {
            Truth::Holds => {}
            Truth::Fails => return Err((check.field(), false)),
            Truth::Unknown if unknown == WhatIsUnknown::Fails => return Err((check.field(), true)),
            Truth::Unknown => assumed = assumed.or(Some(check.field())),
        }
    }
    Ok(assumed)
}
