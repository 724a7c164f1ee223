//! Evidence: exact counts beside what the clock says.
//!
//! A time may change without the code doing more: the same instructions, at other addresses, meet other cache sets and
//! branch predictor entries. Such a change is real on this machine and gone with the next build. Instructions and
//! allocations don't know where they lie, so the two together tell more than either:
//!
//! | time | counts | what follows |
//! |---|---|---|
//! | up | up | the code does more: a warning or a failure, as the time says |
//! | up | equal | a layout or memory effect: a warning; a failure once confirmed with a layout for each side |
//! | up | unknown | as the time says, and that nothing was counted |
//! | not up | up | noted |
//!
//! Where callgrind saw another SIMD path than the clock did (it has no AVX-512), equal instructions prove less; that,
//! too, is why a confirmed slow-down fails.

use serde::{Deserialize, Serialize};

use super::decide::Claim;

/// Instruction counts that differ by less than this part of one are equal: hash seeds and addresses move a few.
const EQUAL_INSTRUCTIONS: f64 = 0.005;
/// Allocation counts per item that differ by less than this part of one are equal.
const EQUAL_ALLOCATIONS: f64 = 0.005;

/// What one side was counted to do, per item; `None` is what was not counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Instructions, as counted by callgrind.
    pub instructions: Option<f64>,
    /// Number of allocations and reallocations.
    pub allocations: Option<f64>,
    /// Bytes that were asked for in allocations.
    pub allocated_bytes: Option<f64>,
}

/// Counts of both sides of a case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PairCounts {
    /// Counts of the base.
    pub base: Counts,
    /// Counts of the candidate.
    pub candidate: Counts,
}

/// How a count changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Equal,
    Down,
}

impl PairCounts {
    /// Instructions of the candidate / those of the base; `None` unless both were counted.
    #[must_use]
    pub fn instructions_ratio(&self) -> Option<f64> {
        let (base, candidate) = (self.base.instructions?, self.candidate.instructions?);
        (base > 0.0).then(|| candidate / base)
    }

    fn instructions(&self) -> Option<Direction> {
        self.instructions_ratio().map(|ratio| direction(ratio - 1.0, EQUAL_INSTRUCTIONS))
    }

    fn allocations(&self) -> Option<Direction> {
        let more = |of: fn(&Counts) -> Option<f64>| Some(of(&self.candidate)? - of(&self.base)?);
        let count = direction(more(|counts| counts.allocations)?, EQUAL_ALLOCATIONS);
        // The same number of allocations may be of larger ones.
        let bytes = more(|counts| counts.allocated_bytes).map_or(Direction::Equal, |bytes| direction(bytes, 0.5));
        Some(if count == Direction::Equal { bytes } else { count })
    }
}

fn direction(change: f64, tolerance: f64) -> Direction {
    if change > tolerance {
        Direction::Up
    } else if change < -tolerance {
        Direction::Down
    } else {
        Direction::Equal
    }
}

/// The verdict on a case, when times, counts and waiting are weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateVerdict {
    /// Shown to be less than the warn level slower.
    Pass,
    /// Shown to be faster; a gain of the warn level's size is possible.
    Faster,
    /// Shown to be slower; a slow-down of the warn level's size is possible.
    Warn,
    /// Shown to be slower; a slow-down of the fail level's size is possible.
    Regression,
    /// Slower by what the clock of the case does not see: it waits, or other threads work for it.
    Waits,
    /// Neither a pass nor a slow-down was shown.
    Inconclusive,
    /// The control came out different from the base.
    CouldNotMeasure,
}

impl GateVerdict {
    /// The words that people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Faster => "faster",
            Self::Warn => "warn",
            Self::Regression => "regression",
            Self::Waits => "waits",
            Self::Inconclusive => "inconclusive",
            Self::CouldNotMeasure => "could not measure",
        }
    }

    /// Whether a slow-down was noticed.
    #[must_use]
    pub const fn is_alarm(self) -> bool {
        matches!(self, Self::Warn | Self::Regression | Self::Waits)
    }
}

/// A verdict with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// The verdict on the case.
    pub verdict: GateVerdict,
    /// Why the verdict is what it is, or what else was noticed.
    pub reason: Option<String>,
}

/// Whether a slow-down has to be confirmed with independent layouts before it may fail.
#[must_use]
pub fn needs_confirmation(claim: Claim, counts: &PairCounts) -> bool {
    claim == Claim::Fail && is_layout_effect(counts)
}

/// Whether nothing that was counted is up, and instructions were counted: without them more work may have gone unseen.
fn is_layout_effect(counts: &PairCounts) -> bool {
    let up = Some(Direction::Up);
    counts.instructions().is_some() && counts.instructions() != up && counts.allocations() != up
}

/// Weighs time against counts. `confirmed` is the claim of the confirmation with independent layouts, where there was
/// one.
#[must_use]
pub fn weigh(claim: Claim, counts: &PairCounts, confirmed: Option<Claim>) -> Weighed {
    let weighed = |verdict, reason| Weighed { verdict, reason };
    match claim {
        Claim::Inconclusive => weighed(GateVerdict::Inconclusive, None),
        Claim::ControlFailed => {
            weighed(GateVerdict::CouldNotMeasure, Some("the base differs from itself on this machine now".to_owned()))
        }
        Claim::Pass => weighed(GateVerdict::Pass, more_without_time(counts)),
        Claim::Faster => weighed(GateVerdict::Faster, more_without_time(counts)),
        Claim::Warn | Claim::Fail if is_layout_effect(counts) => {
            let effect = "layout or memory effect: time is up, instructions and allocations are not";
            match (claim, confirmed) {
                (Claim::Fail, Some(Claim::Fail)) => weighed(
                    GateVerdict::Regression,
                    Some("time is up in every layout, though instructions and allocations are not".to_owned()),
                ),
                (Claim::Fail, Some(_)) => {
                    weighed(GateVerdict::Warn, Some(format!("{effect}; not confirmed with other layouts")))
                }
                (Claim::Fail, None) => {
                    weighed(GateVerdict::Warn, Some(format!("{effect}; no time left to confirm it")))
                }
                _ => weighed(GateVerdict::Warn, Some(effect.to_owned())),
            }
        }
        Claim::Warn => weighed(GateVerdict::Warn, Some(what_is_up(counts))),
        Claim::Fail => weighed(GateVerdict::Regression, Some(what_is_up(counts))),
    }
}

fn what_is_up(counts: &PairCounts) -> String {
    match (counts.instructions(), counts.allocations()) {
        (Some(Direction::Up), Some(Direction::Up)) => "time, instructions and allocations are up",
        (Some(Direction::Up), _) => "time and instructions are up",
        (_, Some(Direction::Up)) => "time and allocations are up",
        (None, None) => "time is up; nothing was counted",
        (None, _) => "time is up, allocations are not; instructions were not counted",
        _ => "time is up",
    }
    .to_owned()
}

fn more_without_time(counts: &PairCounts) -> Option<String> {
    let up = Some(Direction::Up);
    match (counts.instructions() == up, counts.allocations() == up) {
        (true, true) => Some("instructions and allocations are up, time is not".to_owned()),
        (true, false) => Some("instructions are up, time is not".to_owned()),
        (false, true) => Some("allocations are up, time is not".to_owned()),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(instructions: Option<f64>, allocations: Option<f64>) -> PairCounts {
        let side = |instructions, allocations| Counts { instructions, allocations, allocated_bytes: None };
        PairCounts {
            base: side(instructions.map(|_| 1000.0), allocations.map(|_| 3.0)),
            candidate: side(instructions, allocations),
        }
    }

    const SAME: (Option<f64>, Option<f64>) = (Some(1001.0), Some(3.0));

    fn verdict(
        claim: Claim,
        (instructions, allocations): (Option<f64>, Option<f64>),
        confirmed: Option<Claim>,
    ) -> (GateVerdict, String) {
        let weighed = weigh(claim, &counts(instructions, allocations), confirmed);
        (weighed.verdict, weighed.reason.unwrap_or_default())
    }

    #[test]
    fn time_and_counts_up_is_a_regression() {
        for up in [(Some(1070.0), Some(3.0)), (Some(1000.0), Some(4.0)), (Some(1070.0), None)] {
            let (verdict, reason) = verdict(Claim::Fail, up, None);
            assert_eq!(verdict, GateVerdict::Regression, "{reason}");
            assert!(!needs_confirmation(Claim::Fail, &counts(up.0, up.1)));
        }
        assert_eq!(verdict(Claim::Warn, (Some(1070.0), Some(3.0)), None).0, GateVerdict::Warn);
    }

    #[test]
    fn time_up_alone_is_a_layout_effect_that_warns_and_fails_only_when_confirmed() {
        assert!(needs_confirmation(Claim::Fail, &counts(SAME.0, SAME.1)));
        assert!(!needs_confirmation(Claim::Warn, &counts(SAME.0, SAME.1)));
        for (confirmed, expected) in [
            (None, GateVerdict::Warn),
            (Some(Claim::Pass), GateVerdict::Warn),
            (Some(Claim::Warn), GateVerdict::Warn),
            (Some(Claim::Inconclusive), GateVerdict::Warn),
            (Some(Claim::Fail), GateVerdict::Regression),
        ] {
            let (verdict, reason) = verdict(Claim::Fail, SAME, confirmed);
            assert_eq!(verdict, expected, "{confirmed:?}: {reason}");
        }
        assert!(verdict(Claim::Warn, SAME, None).1.starts_with("layout or memory effect"));
    }

    #[test]
    fn without_instruction_counts_the_time_decides() {
        assert_eq!(verdict(Claim::Fail, (None, Some(3.0)), None).0, GateVerdict::Regression);
        let (verdict, reason) = verdict(Claim::Fail, (None, None), None);
        assert_eq!((verdict, reason.as_str()), (GateVerdict::Regression, "time is up; nothing was counted"));
    }

    #[test]
    fn more_work_that_takes_no_time_is_noted() {
        let (passed, reason) = verdict(Claim::Pass, (Some(1100.0), Some(3.0)), None);
        assert_eq!((passed, reason.as_str()), (GateVerdict::Pass, "instructions are up, time is not"));
        assert_eq!(verdict(Claim::Pass, SAME, None), (GateVerdict::Pass, String::new()));
        assert_eq!(verdict(Claim::Faster, (Some(900.0), Some(2.0)), None), (GateVerdict::Faster, String::new()));
    }

    #[test]
    fn larger_allocations_count_as_more() {
        let mut counts = counts(SAME.0, SAME.1);
        counts.base.allocated_bytes = Some(100.0);
        counts.candidate.allocated_bytes = Some(164.0);
        assert_eq!(counts.allocations(), Some(Direction::Up));
    }

    #[test]
    fn what_the_times_could_not_tell_the_counts_do_not_either() {
        let more = (Some(2000.0), Some(9.0));
        assert_eq!(verdict(Claim::Inconclusive, more, None).0, GateVerdict::Inconclusive);
        assert_eq!(verdict(Claim::ControlFailed, more, None).0, GateVerdict::CouldNotMeasure);
    }
}
