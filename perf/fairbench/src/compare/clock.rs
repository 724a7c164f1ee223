//! How coarse a probe's clock is, found from what it reads.
//!
//! A thread's CPU time counts in steps of 10 or 15.6 ms on some systems and in some sandboxes, where a turn of 200 µs
//! reads 0 or a whole step. What a clock reads is a multiple of its tick, whatever the work takes; so if all readings
//! have a large common measure although they differ, that is the tick.

/// A turn is at least this many ticks long. A block has two turns or more for each side, so a tick is at most 1 % of
/// what a side is measured for.
pub(super) const TICKS_PER_TURN: f64 = 50.0;
/// Longest turn that is made for a coarse clock, in nanoseconds.
pub(super) const LONGEST_TURN_NS: f64 = 10e9;
/// A tick that is a smaller part of a turn than this does not matter.
const FINE: f64 = 0.01;
/// A tick is not a whole number of nanoseconds everywhere, so readings are multiples of it only up to this error.
const ROUNDING_NS: f64 = 100.0;
/// Readings of equal work that differ by no more than this part do not differ by a tick that matters.
const EQUAL: f64 = FINE / 2.0;

/// What the clock of one arm has read: iterations and nanoseconds of each turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Readings(Vec<(u64, f64)>);

impl Readings {
    /// Adds a reading of so many nanoseconds for so many iterations.
    pub(super) fn push(&mut self, iterations: u64, elapsed_ns: f64) {
        self.0.push((iterations, elapsed_ns));
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// Whether all readings are equal, which those of a fine clock never are.
    pub(super) fn are_all_one(&self) -> bool {
        self.0.first().is_some_and(|(_, first)| self.0.iter().all(|(_, ns)| ns == first))
    }

    /// Whether equal work was read as different times. If a probe always reports the same time per iteration, no ticks
    /// of its clock can be found.
    fn vary(&self) -> bool {
        let per_iteration = || self.0.iter().map(|(iterations, ns)| ns / (*iterations).max(1) as f64);
        let (least, most) = (per_iteration().fold(f64::INFINITY, f64::min), per_iteration().fold(0.0, f64::max));
        most - least > EQUAL * most
    }
}

/// The tick of the clock that all of these were read from, in nanoseconds, if it is so coarse that it matters.
pub(super) fn coarse_tick_ns(arms: &[Readings]) -> Option<f64> {
    if !arms.iter().any(Readings::vary) {
        return None;
    }
    let mut readings: Vec<f64> = arms.iter().flat_map(|arm| &arm.0).map(|(_, ns)| *ns).collect();
    readings.sort_unstable_by(f64::total_cmp);
    let typical = readings.get(readings.len() / 2).copied()?;
    let least = (FINE * typical).max(ROUNDING_NS);
    let mut tick = 0.0;
    for ns in readings.into_iter().filter(|ns| *ns > 0.0) {
        tick = common_measure(ns, tick);
        if tick < least {
            return None;
        }
    }
    Some(tick)
}

/// Greatest common measure by Euclid's algorithm, for numbers that are multiples of it only up to rounding.
fn common_measure(mut larger: f64, mut smaller: f64) -> f64 {
    while smaller > ROUNDING_NS {
        let rest = larger % smaller;
        (larger, smaller) = (smaller, if smaller - rest < ROUNDING_NS { 0.0 } else { rest });
    }
    larger
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Readings of turns that take about `turn_ns`, by a clock that ticks every `tick_ns`.
    fn readings(turn_ns: f64, tick_ns: f64, seed: u64) -> [Readings; 3] {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        std::array::from_fn(|_| {
            let mut readings = Readings::default();
            for _ in 0..8 {
                let start: f64 = rng.random_range(0.0..1e9);
                let end = start + turn_ns * rng.random_range(1.0..1.1);
                let at = |time: f64| ((time / tick_ns).floor() * tick_ns).floor();
                readings.push(3, at(end) - at(start));
            }
            readings
        })
    }

    #[test]
    fn ticks_of_jiffies_and_of_other_systems_are_found() {
        for (turn_ns, tick_ns) in
            [(25e6, 10e6), (40e6, 15.625e6), (200e6, 1e9 / 60.0), (4e6, 1e9 / 300.0), (2e5, 30_517.6)]
        {
            for seed in 0..20 {
                let found = coarse_tick_ns(&readings(turn_ns, tick_ns, seed)).unwrap();
                let multiple = found / tick_ns;
                assert!((multiple - multiple.round()).abs() < 0.02 && multiple < 3.1, "{turn_ns} {tick_ns}: {found}");
            }
        }
    }

    #[test]
    fn a_fine_clock_has_none_nor_has_a_probe_that_always_says_the_same() {
        for seed in 0..200 {
            assert_eq!(coarse_tick_ns(&readings(200_000.0, 1.0, seed)), None);
            assert_eq!(coarse_tick_ns(&readings(200_000.0, 1000.0, seed)), None);
            assert_eq!(coarse_tick_ns(&readings(2e9, 10e6, seed)), None, "long against its ticks");
        }
        let mut steady = Readings::default();
        for iterations in [1, 1, 5, 6] {
            steady.push(iterations, 40_000.0 * iterations as f64);
        }
        assert_eq!(coarse_tick_ns(&[steady]), None);
        assert_eq!(coarse_tick_ns(&[]), None);
    }
}
