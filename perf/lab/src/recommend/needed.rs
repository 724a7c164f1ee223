//! How long an answer takes at least, as found from one block of what it rests on.
//!
//! A block starts a program for each composition, has each prove its answers on all tokens, and gives each its turns.
//! With long tokens a single pass of `plain` is longer than a turn is meant to be, and so is every block: only a block
//! itself tells how long one takes.

use std::time::Duration;

use fairbench::exit::Failure;

/// Factor on the pilot's block, which may have been a quick one.
const MARGIN: f64 = 1.1;

/// The time that an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The amount of time.
    pub time: Duration,
    /// Whether to give no answer if it takes longer. Otherwise it takes as long as it needs.
    pub is_strict: bool,
}

/// The time that an answer takes at least.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Needed {
    /// Time that was spent before: on checking, and on the pilot.
    pub(super) spent: Duration,
    /// Time of a block of each panel that the answer rests on.
    pub(super) blocks: Vec<Duration>,
    /// Number of blocks that each panel needs in all.
    pub(super) least: usize,
    /// Number of blocks that each panel has already.
    pub(super) done: usize,
}

impl Needed {
    /// All the time that is needed, including what is spent.
    fn time(&self) -> Duration {
        let missing = u32::try_from(self.least.saturating_sub(self.done)).unwrap_or(u32::MAX);
        self.spent + self.blocks.iter().sum::<Duration>().saturating_mul(missing).mul_f64(MARGIN)
    }

    /// What to tell the user, who waits for the answer.
    ///
    /// # Errors
    /// The time is more than a strict budget: exit 3.
    pub(super) fn told(&self, budget: Budget) -> Result<String, Failure> {
        let given = humantime::format_duration(budget.time);
        let needed = in_words(self.time());
        let all: Duration = self.blocks.iter().sum();
        let why = format!("{} blocks of {:.1} s each", self.least, all.as_secs_f64());
        if self.time() <= budget.time {
            return Ok(format!("an answer needs about {needed} at least ({why}); --budget is {given}"));
        }
        if budget.is_strict {
            return Err(Failure::could_not(format_args!(
                "--budget {given} is too short: an answer needs about {needed} ({why}); give it that much, or leave out \
                 --strict-budget so that it takes as long as it needs"
            )));
        }
        Ok(format!(
            "an answer needs about {needed} ({why}), more than the {given} of --budget, and takes it; --strict-budget \
             would stop here"
        ))
    }
}

/// The time in whole seconds, rounded up: half of one is nothing to wait for.
fn in_words(time: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(time.as_secs_f64().ceil() as u64))
}

#[cfg(test)]
mod tests {
    use fairbench::exit::Exit;

    use super::*;

    fn needed(block_s: f64) -> Needed {
        let blocks = vec![Duration::from_secs_f64(block_s), Duration::from_secs_f64(block_s)];
        Needed { spent: Duration::from_secs(4), blocks, least: 12, done: 1 }
    }

    fn budget(seconds: u64, is_strict: bool) -> Budget {
        Budget { time: Duration::from_secs(seconds), is_strict }
    }

    #[test]
    fn what_is_missing_counts_with_a_margin_beside_what_is_spent() {
        assert_eq!(needed(2.5).time(), Duration::from_secs_f64(4.0 + 2.0 * 2.5 * 11.0 * 1.1));
    }

    #[test]
    fn time_that_fits_is_told_whether_strict_or_not() {
        for is_strict in [false, true] {
            let told = needed(0.1).told(budget(40, is_strict)).unwrap();
            assert_eq!(told, "an answer needs about 7s at least (12 blocks of 0.2 s each); --budget is 40s");
        }
    }

    #[test]
    fn time_that_does_not_fit_is_taken_unless_told_not_to() {
        let told = needed(2.5).told(budget(40, false)).unwrap();
        assert!(told.starts_with("an answer needs about 1m 5s (12 blocks of 5.0 s each), more than the 40s"), "{told}");
        let failure = needed(2.5).told(budget(40, true)).unwrap_err();
        assert_eq!(failure.exit(), Exit::CouldNot);
        let said = failure.to_string();
        assert!(
            said.starts_with("--budget 40s is too short: an answer needs about 1m 5s") && !said.contains('\n'),
            "{said}"
        );
    }
}
