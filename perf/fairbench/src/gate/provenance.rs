//! What is known from how both sides were built, beside what the clock says.

use super::outcome::GateOutcome;
use crate::compare::evidence::GateVerdict;
use crate::side::manifest::Likeness;

/// Number of files that the verdict line names.
const NAMED: usize = 2;

/// Whether there is nothing to time: both programs load the same, and their sources explain why.
#[must_use]
pub fn nothing_to_time(likeness: &Likeness) -> bool {
    likeness.equal_programs && likeness.differing_sources.is_empty()
}

/// Whether these are two programs that were timed before, by the digests of what they load.
#[must_use]
pub fn timed_before(likeness: &Likeness, programs: &[String]) -> bool {
    likeness.programs.as_ref().is_some_and(|own| own.as_slice() == programs)
}

/// The verdict line of a comparison of equal programs, none of which was timed.
pub(super) fn equal_line() -> String {
    "pass: equal programs: no code differs and neither does anything that is loaded, so nothing was timed".to_owned()
}

/// What the verdict line says about how the sides were built.
pub(super) fn addition(outcome: &GateOutcome) -> String {
    let Some(likeness) = &outcome.likeness else { return String::new() };
    let mut addition = String::new();
    if likeness.equal_programs && !likeness.differing_sources.is_empty() {
        let files = named(&likeness.differing_sources);
        addition = format!("; the programs are equal although code differs in {files}: what changed is not in them");
    }
    if !likeness.built_differently.is_empty() {
        addition.push_str(&format!("; built differently: {}", likeness.built_differently.join(", ")));
    }
    addition
}

fn named(files: &[String]) -> String {
    let first = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match files.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

impl GateOutcome {
    /// The outcome for two sides whose programs are equal: nothing was timed.
    #[must_use]
    pub fn equal(base: &str, candidate: &str, config: &crate::settings::GateConfig, likeness: Likeness) -> Self {
        let mut outcome = Self { likeness: Some(likeness), ..Self::empty(base, candidate, config) };
        outcome.notes.push("--time-equal times equal programs as well: a test of this machine.".to_owned());
        outcome.conclude(false);
        outcome
    }

    /// The outcome for two sides whose programs were timed before: nothing was timed and nothing decided.
    #[must_use]
    pub fn not_again(base: &str, candidate: &str, config: &crate::settings::GateConfig, likeness: Likeness) -> Self {
        let stopped = Some("these two programs were timed before".to_owned());
        let mut outcome = Self { likeness: Some(likeness), stopped, ..Self::empty(base, candidate, config) };
        outcome.conclude(false);
        outcome
    }

    /// Whether the outcome rests on equal programs alone.
    pub(super) fn is_of_equal_programs(&self) -> bool {
        self.rows.is_empty() && self.stopped.is_none() && self.likeness.as_ref().is_some_and(nothing_to_time)
    }

    /// The verdict if nothing was timed because the programs are equal; `None` otherwise.
    pub(super) fn untimed_verdict(&self) -> Option<GateVerdict> {
        self.is_of_equal_programs().then_some(GateVerdict::Pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::test_data::{outcome, row};
    use crate::settings::GateConfig;

    fn likeness(equal: bool, sources: &[&str], built: &[&str]) -> Likeness {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Likeness {
            equal_programs: equal,
            differing_sources: owned(sources),
            built_differently: owned(built),
            programs: None,
        }
    }

    fn line(likeness: Likeness) -> String {
        let mut outcome = outcome(vec![row("a", GateVerdict::Pass, (0.99, 1.0, 1.01))]);
        outcome.likeness = Some(likeness);
        outcome.conclude(false);
        outcome.verdict_line
    }

    #[test]
    fn equal_programs_with_equal_code_pass_untimed() {
        let settings: GateConfig = GateConfig::default();
        let outcome = GateOutcome::equal("HEAD~1", "working tree", &settings, likeness(true, &[], &[]));
        assert_eq!((outcome.verdict, outcome.exit_code), (Some(GateVerdict::Pass), 0));
        assert!(outcome.verdict_line.starts_with("pass: equal programs: "), "{}", outcome.verdict_line);
        assert!(outcome.rows.is_empty());
    }

    #[test]
    fn code_that_differs_in_the_sources_and_not_in_the_programs_is_said() {
        assert!(!nothing_to_time(&likeness(true, &["a.rs"], &[])));
        assert!(!nothing_to_time(&likeness(false, &[], &[])));
        let said = line(likeness(true, &["a.rs", "b.rs", "c.rs"], &[]));
        assert!(said.contains("the programs are equal although code differs in a.rs, b.rs and 1 more"), "{said}");
    }

    #[test]
    fn a_difference_in_how_the_sides_were_built_is_said() {
        let said = line(likeness(false, &["a.rs"], &["profiles", "Cargo configuration"]));
        assert!(said.ends_with("; built differently: profiles, Cargo configuration"), "{said}");
        assert!(!line(likeness(false, &["a.rs"], &[])).contains(';'));
    }
}
