//! What to expect from a composition: tokens per second, core time and money.

use fairbench::measure::stats::Quartiles;

use super::{Candidate, Question};

const NS_PER_S: f64 = 1e9;
const S_PER_HOUR: f64 = 3600.0;
/// Number of verifications that a cost is given for.
const MILLION: f64 = 1e6;

/// What to expect from a composition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// Time per token for one caller, in nanoseconds, over blocks.
    pub ns_per_token: Quartiles,
    /// Number of cores that one caller's batch is spread over, at most.
    pub busy_cores: usize,
    /// Number of cores that the service may use.
    pub cores: usize,
}

impl Expected {
    pub(super) fn new(ns_per_token: Quartiles, chosen: &Candidate, question: &Question) -> Self {
        // A token counts up to four times towards `par_min_batch` (`VerifierConfig::par_min_batch`).
        let may_spread = chosen.variant.is_parallel()
            && question.batch > 1
            && question.batch.saturating_mul(4) >= chosen.knobs.par_min_batch;
        let busy_cores = if may_spread { chosen.knobs.threads } else { 1 };
        Self { ns_per_token, busy_cores, cores: question.cores }
    }

    /// Tokens that one core verifies per second, over blocks; for a batch that is spread, the part of each core.
    #[must_use]
    pub fn tokens_per_second_per_core(&self) -> Quartiles {
        let rate = |ns_per_token: f64| NS_PER_S / ns_per_token / self.busy_cores as f64;
        let Quartiles { q1, median, q3 } = self.ns_per_token;
        // The longest time is the lowest rate.
        Quartiles { q1: rate(q3), median: rate(median), q3: rate(q1) }
    }

    /// Tokens that all cores verify per second if they do not slow each other down: for cores that were not measured,
    /// the most to hope for. Where a batch is spread over all of them it is what was measured.
    #[must_use]
    pub fn tokens_per_second(&self) -> Quartiles {
        self.tokens_per_second_per_core().scaled(self.cores as f64)
    }

    /// Whether [`tokens_per_second`](Self::tokens_per_second) was measured as it stands.
    #[must_use]
    pub const fn is_measured_on_all_cores(&self) -> bool {
        self.busy_cores == self.cores
    }

    /// Core time of a million verifications, in seconds, over blocks. For a batch that is spread, every core counts for
    /// as long as the batch takes.
    #[must_use]
    pub fn core_seconds_per_million(&self) -> Quartiles {
        self.ns_per_token.scaled(self.busy_cores as f64 * MILLION / NS_PER_S)
    }

    /// Cost of a million verifications, in the currency of the price.
    #[must_use]
    pub fn cost_per_million(&self, price_per_core_hour: f64) -> Quartiles {
        self.core_seconds_per_million().scaled(price_per_core_hour / S_PER_HOUR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Quartiles = Quartiles { q1: 400.0, median: 500.0, q3: 1000.0 };

    #[test]
    fn a_core_of_500_ns_per_token_verifies_two_million_a_second() {
        let expected = Expected { ns_per_token: TIME, busy_cores: 1, cores: 4 };
        let rate = expected.tokens_per_second_per_core();
        assert_eq!((rate.q1, rate.median, rate.q3), (1e6, 2e6, 2.5e6));
        assert_eq!(expected.tokens_per_second().median, 8e6);
        assert!(!expected.is_measured_on_all_cores());
        assert_eq!(expected.core_seconds_per_million().median, 0.5);
        assert!((expected.cost_per_million(0.36).median - 0.00005).abs() < 1e-12);
    }

    #[test]
    fn a_batch_that_is_spread_costs_the_time_of_every_core() {
        let expected = Expected { ns_per_token: TIME, busy_cores: 2, cores: 2 };
        assert_eq!(expected.tokens_per_second_per_core().median, 1e6);
        assert_eq!(expected.tokens_per_second().median, 2e6);
        assert!(expected.is_measured_on_all_cores());
        assert_eq!(expected.core_seconds_per_million().median, 1.0);
    }
}
