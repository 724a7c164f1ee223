//! The binomial distribution: how often something happens by chance in so many tries.
//!
//! Two questions come down to it. How many of n blocks may lie below their true median by bad luck (the sign test, in
//! [`interval`](super::interval))? And what does k false alarms in n trials say about the rate of false alarms?

use serde::{Deserialize, Serialize};

/// Number of halvings after which nothing is left of an interval in an `f64`.
const HALVINGS: usize = 60;

/// Probability of at most `successes` in `tries` independent tries that succeed with `probability` each.
#[must_use]
pub fn at_most(successes: usize, tries: usize, probability: f64) -> f64 {
    if successes >= tries || probability <= 0.0 {
        return 1.0;
    }
    if probability >= 1.0 {
        return 0.0;
    }
    // In logarithms: 2^-n is no longer an f64 from 1075 tries on.
    let (ln_success, ln_failure) = (probability.ln(), (1.0 - probability).ln());
    let mut ln_ways = 0.0;
    let mut sum = 0.0;
    for k in 0..=successes {
        let (k, n) = (k as f64, tries as f64);
        sum += (ln_ways + k * ln_success + (n - k) * ln_failure).exp();
        ln_ways += ((n - k) / (k + 1.0)).ln();
    }
    sum.min(1.0)
}

/// Probability of at least `successes` in `tries` independent tries that succeed with `probability` each.
#[must_use]
pub fn at_least(successes: usize, tries: usize, probability: f64) -> f64 {
    if successes == 0 {
        return 1.0;
    }
    // Summed from the other end, so that a small probability is not the difference of two near 1.
    match tries.checked_sub(successes) {
        Some(failures) => at_most(failures, tries, 1.0 - probability),
        None => 0.0,
    }
}

/// How often something happened, and what that says about how often it happens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Number of times that it happened.
    pub events: usize,
    /// Number of times that it could have happened.
    pub trials: usize,
    /// `events / trials`; 0 without trials.
    pub rate: f64,
    /// Lower end of the 95 % interval.
    pub lower95: f64,
    /// Upper end of the 95 % interval.
    pub upper95: f64,
}

impl Rate {
    /// Computes the rate with the interval of Clopper & Pearson (1934): the rates under which neither so few nor so
    /// many events are a surprise of less than 2.5 %. It holds the truth in at least 95 % of cases, also if there were
    /// no events at all.
    #[must_use]
    pub fn of(events: usize, trials: usize) -> Self {
        let events = events.min(trials);
        let surprise = 0.025;
        let lower95 = if events == 0 { 0.0 } else { root(|p| at_least(events, trials, p) < surprise) };
        let upper95 = if events == trials { 1.0 } else { root(|p| at_most(events, trials, p) > surprise) };
        Self { events, trials, rate: events as f64 / trials.max(1) as f64, lower95, upper95 }
    }
}

/// The probability up to which `holds` is true.
fn root(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-4, "{value} should be {expected}");
    }

    #[test]
    fn probabilities_of_coin_tosses() {
        close(at_most(0, 3, 0.5), 0.125);
        close(at_most(1, 3, 0.5), 0.5);
        close(at_most(3, 3, 0.5), 1.0);
        close(at_least(2, 3, 0.5), 0.5);
        close(at_least(0, 3, 0.5), 1.0);
        close(at_least(4, 3, 0.5), 0.0);
        close(at_most(2, 12, 0.5), 79.0 / 4096.0);
    }

    #[test]
    fn thousands_of_tries_are_no_trouble() {
        close(at_most(2500, 5000, 0.5), 0.5056);
        assert!(at_most(2000, 5000, 0.5) < 1e-40);
    }

    #[test]
    fn intervals_of_rates_are_those_of_the_tables() {
        let rate = Rate::of(0, 300);
        close(rate.lower95, 0.0);
        close(rate.upper95, 0.01222);
        let rate = Rate::of(5, 50);
        close(rate.rate, 0.1);
        close(rate.lower95, 0.03328);
        close(rate.upper95, 0.21814);
        let rate = Rate::of(300, 300);
        close(rate.lower95, 1.0 - 0.01222);
        close(rate.upper95, 1.0);
    }

    #[test]
    fn no_trials_say_nothing() {
        let rate = Rate::of(0, 0);
        assert_eq!((rate.rate, rate.lower95, rate.upper95), (0.0, 0.0, 1.0));
    }
}
