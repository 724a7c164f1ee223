//! Who runs when.
//!
//! In every *round* every subject has two turns: once in a freshly shuffled order, then again in the reverse of it
//! (ABBA, for any number of subjects). A drift that is linear within the round thus meets all alike, and the shuffle
//! takes away what a fixed position would be worth. A round gives one paired ratio of every two subjects.

pub mod subject;

use std::time::{Duration, Instant};

use anyhow::ensure;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use self::subject::Subject;

/// A turn is at least this long: below, the clock and the first, cold passes would be measured.
const SHORTEST_TURN_NS: f64 = 200_000.0;
/// Turns per subject before anything is recorded.
const WARM_UP_TURNS: usize = 2;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct RoundsEffort {
    /// Rounds that are taken even where the time is up.
    pub min_rounds: usize,
    /// Rounds that are enough even where there is time left.
    pub max_rounds: usize,
    /// Time for all rounds together.
    pub budget: Duration,
}

impl RoundsEffort {
    /// The same, `times` as long: for cells that cannot be pinned.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self {
            min_rounds: self.min_rounds * times as usize,
            max_rounds: self.max_rounds * times as usize,
            budget: self.budget * times,
        }
    }
}

/// What the subjects took.
#[derive(Clone, Debug, Default)]
pub struct Rounds {
    /// Nanoseconds per pass: for each subject, in the order given, one value per round.
    pub pass_ns: Vec<Vec<f64>>,
    /// Whether the rounds were cut short by an interruption.
    pub interrupted: bool,
}

impl Rounds {
    /// The values of one subject, one per round.
    #[must_use]
    pub fn of(&self, subject: usize) -> &[f64] {
        self.pass_ns.get(subject).map_or(&[], Vec::as_slice)
    }

    /// Number of complete rounds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pass_ns.first().map_or(0, Vec::len)
    }

    /// Whether not even one round was completed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Measures all subjects against each other. `progress` hears the part done, 0 to 1, after every round;
/// `interrupted` is asked before every turn.
///
/// # Errors
/// A subject that could not do its work.
pub fn measure(
    subjects: &mut [Box<dyn Subject + '_>],
    effort: RoundsEffort,
    seed: u64,
    interrupted: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(f64),
) -> anyhow::Result<Rounds> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut rounds = Rounds { pass_ns: vec![Vec::new(); subjects.len()], interrupted: false };
    let passes = passes_per_turn(subjects)?;
    let start = Instant::now();
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    let mut round_ns = vec![0.0; subjects.len()];
    while rounds.len() < effort.max_rounds && (rounds.len() < effort.min_rounds || start.elapsed() < effort.budget) {
        order.shuffle(&mut rng);
        round_ns.fill(0.0);
        for &index in order.iter().chain(order.iter().rev()) {
            if interrupted() {
                rounds.interrupted = true;
                return Ok(rounds);
            }
            if let (Some(subject), Some(total_ns)) = (subjects.get_mut(index), round_ns.get_mut(index)) {
                *total_ns += subject.run(passes)?;
            }
        }
        for (values, total_ns) in rounds.pass_ns.iter_mut().zip(&round_ns) {
            values.push(total_ns / (2 * passes) as f64);
        }
        let by_rounds = rounds.len() as f64 / effort.max_rounds as f64;
        let by_time = start.elapsed().as_secs_f64() / effort.budget.as_secs_f64();
        progress(by_rounds.max(by_time.min(rounds.len() as f64 / effort.min_rounds as f64)).min(1.0));
    }
    Ok(rounds)
}

/// How many passes give the fastest subject a turn that is long enough. All subjects get the same number, so that
/// all do exactly the same work.
fn passes_per_turn(subjects: &mut [Box<dyn Subject + '_>]) -> anyhow::Result<u64> {
    ensure!(!subjects.is_empty(), "nothing to measure");
    let mut fastest_ns = f64::INFINITY;
    for subject in subjects {
        for _ in 0..WARM_UP_TURNS {
            fastest_ns = fastest_ns.min(subject.run(1)?);
        }
    }
    Ok((SHORTEST_TURN_NS / fastest_ns.max(1.0)).ceil().clamp(1.0, 1e6) as u64)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use fairbench::measure::stats::PairedRatio;

    use super::*;

    /// Takes a known time on a machine that gets slower all the while.
    struct Simulated {
        true_ns: f64,
        clock_ns: Rc<Cell<f64>>,
    }

    impl Subject for Simulated {
        fn run(&mut self, passes: u64) -> anyhow::Result<f64> {
            let slowdown = 1.0 + self.clock_ns.get() / 1e10;
            let elapsed_ns = self.true_ns * passes as f64 * slowdown;
            self.clock_ns.set(self.clock_ns.get() + elapsed_ns);
            Ok(elapsed_ns)
        }
    }

    fn simulated(times_ns: &[f64]) -> Vec<Box<dyn Subject>> {
        let clock_ns = Rc::new(Cell::new(0.0));
        times_ns
            .iter()
            .map(|&true_ns| Box::new(Simulated { true_ns, clock_ns: clock_ns.clone() }) as Box<dyn Subject>)
            .collect()
    }

    const EFFORT: RoundsEffort = RoundsEffort { min_rounds: 40, max_rounds: 40, budget: Duration::from_secs(60) };

    #[test]
    fn a_machine_that_slows_down_does_not_bend_the_ratio() {
        let mut subjects = simulated(&[1e6, 1.2e6, 0.5e6]);
        let rounds = measure(&mut subjects, EFFORT, 1, &|| false, &mut |_| {}).unwrap();
        assert_eq!(rounds.len(), 40);
        for (subject, truth) in [(1, 1.2), (2, 0.5)] {
            let ratio = PairedRatio::of(rounds.of(subject), rounds.of(0), 1).unwrap();
            assert!((ratio.estimate / truth - 1.0).abs() < 1e-3, "{ratio:?} should be {truth}");
        }
    }

    #[test]
    fn an_interruption_keeps_the_rounds_that_were_complete() {
        let asked = Cell::new(0);
        let interrupted = || {
            asked.set(asked.get() + 1);
            asked.get() > 9
        };
        let rounds = measure(&mut simulated(&[1e6, 1e6]), EFFORT, 1, &interrupted, &mut |_| {}).unwrap();
        // Four turns make a round of two subjects.
        assert_eq!((rounds.len(), rounds.interrupted), (2, true));
        assert_eq!(rounds.of(1).len(), 2);
    }

    #[test]
    fn progress_ends_at_one_and_never_runs_back() {
        let mut last = 0.0;
        measure(&mut simulated(&[1e6]), EFFORT, 1, &|| false, &mut |done| {
            assert!(done >= last);
            last = done;
        })
        .unwrap();
        assert!((last - 1.0_f64).abs() < 1e-12);
    }
}
