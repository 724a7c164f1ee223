//! A probe made of closures: its cases, its command line, and the way from there to the end of the process.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, stdin, stdout};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use crate::place::displace_heap_as_told;
use crate::protocol::Case;
use crate::serve::{Job, Probe, Suite, Tally};

/// Exit code of a probe that could not read or write.
const COULD_NOT: u8 = 3;
/// Exit code of a probe whose arguments are wrong.
const USAGE: u8 = 64;
/// The largest work factor that can be asked for.
const MOST_WORK: f64 = 100.0;

/// A probe that is being put together.
#[derive(Debug)]
pub struct Program {
    name: String,
    features: Vec<String>,
    tally: Option<fn() -> Tally>,
    cases: Cases,
}

/// The cases, each with the function that makes it ready.
#[derive(Default)]
struct Cases(Vec<(Case, Prepare)>);

type Prepare = Box<dyn Fn() -> Box<dyn Job>>;

impl fmt::Debug for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(case, _)| case)).finish()
    }
}

impl Program {
    /// Begins a probe of this name, without cases.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), features: Vec::new(), tally: None, cases: Cases::default() }
    }

    /// Sets the features that it reports to be built with.
    #[must_use]
    pub fn features(mut self, features: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.features = features.into_iter().map(Into::into).collect();
        self
    }

    /// Answers `count` with this reading of the global allocator.
    #[must_use]
    pub fn counting(mut self, tally: fn() -> Tally) -> Self {
        self.tally = Some(tally);
        self
    }

    /// Adds a case. `prepare` makes what it works on, before anything is timed; `check` proves its answers right and
    /// returns how many there were, or what is wrong; `run` is one iteration, and all of it is timed.
    #[must_use]
    pub fn case<S: 'static>(
        mut self,
        case: Case,
        prepare: impl Fn() -> S + 'static,
        check: impl Fn(&mut S) -> Result<u64, String> + 'static,
        run: impl Fn(&mut S) + 'static,
    ) -> Self {
        let (clock, check, run) = (case.clock, Rc::new(check), Rc::new(run));
        let prepare = move || -> Box<dyn Job> {
            let (state, check, run) = (Rc::new(RefCell::new(prepare())), Rc::clone(&check), Rc::clone(&run));
            let checked = Rc::clone(&state);
            Box::new(Closures {
                owed: 0.0,
                check: move || check(&mut checked.borrow_mut()),
                run: move |iterations| {
                    let state = &mut *state.borrow_mut();
                    clock.time(|| (0..iterations).for_each(|_| run(state)))
                },
            })
        };
        self.cases.0.push((case, Box::new(prepare)));
        self
    }

    /// Serves standard input and output until told to quit, and returns the exit code of the process: 0 told to quit or
    /// out of input, 3 could not read or write, 64 usage. The one argument is `--work-factor FACTOR`: to do this many
    /// times the work that is reported, so that a gate can be tested.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let work_factor = match work_factor(std::env::args().skip(1)) {
            Ok(factor) => factor,
            Err(message) => {
                eprintln!("{}: {message}", self.name);
                return ExitCode::from(USAGE);
            }
        };
        let mut probe = Probe::new(self.name, self.features, self.cases).work_factor(work_factor);
        if let Some(tally) = self.tally {
            probe = probe.counting(tally);
        }
        serve_standard_streams(&mut probe)
    }
}

/// Serves standard input and output until told to quit, from a heap that is displaced as the environment asks for.
#[must_use]
pub fn serve_standard_streams(probe: &mut Probe<impl Suite>) -> ExitCode {
    #[cfg(feature = "layout-nuisance")]
    let _ = crate::nuisance::address();
    displace_heap_as_told();
    match probe.serve(stdin().lock(), stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not read requests or write answers: {error}");
            ExitCode::from(COULD_NOT)
        }
    }
}

/// Reads how many times the work that is reported is to be done from the arguments.
fn work_factor(mut arguments: impl Iterator<Item = String>) -> Result<f64, String> {
    let Some(argument) = arguments.next() else { return Ok(1.0) };
    let value = match argument.split_once('=') {
        Some(("--work-factor", value)) => Some(value.to_owned()),
        None if argument == "--work-factor" => arguments.next(),
        _ => return Err(format!("{argument}: unknown argument; expected nothing or --work-factor FACTOR")),
    };
    let factor = value.and_then(|value| value.parse().ok()).filter(|factor| *factor > 0.0 && *factor <= MOST_WORK);
    match (factor, arguments.next()) {
        (Some(factor), None) => Ok(factor),
        (Some(_), Some(argument)) => Err(format!("{argument}: unknown argument")),
        (None, _) => Err(format!("--work-factor: expected a number above 0, up to {MOST_WORK}")),
    }
}

impl Suite for Cases {
    fn cases(&self, _: usize) -> Vec<Case> {
        self.0.iter().map(|(case, _)| case.clone()).collect()
    }

    fn prepare(&self, name: &str, _: usize) -> Option<Box<dyn Job>> {
        self.0.iter().find(|(case, _)| case.name == name).map(|(_, prepare)| prepare())
    }
}

/// A case that is ready to be run.
struct Closures<C, R> {
    /// Iterations that a work factor left over, to be done later.
    owed: f64,
    check: C,
    run: R,
}

impl<C, R> Job for Closures<C, R>
where
    C: FnMut() -> Result<u64, String>,
    R: FnMut(u64) -> io::Result<Duration>,
{
    fn check(&mut self) -> Result<u64, String> {
        (self.check)()
    }

    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        let wanted = self.owed + iterations as f64 * work_factor;
        let whole = wanted.max(0.0).floor();
        self.owed = wanted - whole;
        (self.run)(whole as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_case_of_closures_is_prepared_checked_and_run_as_often_as_is_asked() {
        let runs = Rc::new(Cell::new(0));
        let counted = Rc::clone(&runs);
        let program = Program::new("p").case(
            Case::on_one_thread("add", 3, "number"),
            || vec![1, 2, 3],
            |numbers| if numbers.iter().sum::<i32>() == 6 { Ok(1) } else { Err("no".to_owned()) },
            move |_| counted.set(counted.get() + 1),
        );
        assert_eq!(program.cases.cases(1)[0].items_per_iteration, 3);
        assert!(program.cases.prepare("subtract", 1).is_none());
        let mut job = program.cases.prepare("add", 1).unwrap();
        assert_eq!(job.check(), Ok(1));
        for _ in 0..10 {
            job.run(5, 1.1).unwrap();
        }
        assert!((54..=55).contains(&runs.get()), "5.5 iterations ten times: {}", runs.get());
    }

    #[test]
    fn the_one_argument_is_a_work_factor_within_reason() {
        let of = |arguments: &[&str]| work_factor(arguments.iter().map(|&argument| argument.to_owned()));
        assert_eq!(of(&[]), Ok(1.0));
        assert_eq!(of(&["--work-factor", "1.05"]), Ok(1.05));
        assert_eq!(of(&["--work-factor=2"]), Ok(2.0));
        for wrong in [
            &["--work-factor"][..],
            &["--work-factor", "0"],
            &["--work-factor=101"],
            &["--help"],
            &["--work-factor=1", "x"],
        ] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }
}
