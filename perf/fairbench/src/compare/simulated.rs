//! A machine with probes whose truth is known: for the tests of everything above the two traits of
//! [`runner`](super::runner).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use fairbench_probe::spent::Spent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::decide::{Levels, Rule};
use super::layout::Layout;
use super::runner::{CaseInfo, Launcher, MeasureError, Ran, Role, Runner};
use crate::measure::simulated::normal;

/// The rule that tests decide by, with the levels in use.
pub(crate) const RULE: Rule = Rule {
    levels: Levels { warn: 0.05, fail: 0.07 },
    confidence: 0.99,
    precise_half_width: 0.01,
    control_margin: 0.01,
};

/// A case of 64 items per iteration.
pub(crate) fn case(name: &str, threads: usize) -> CaseInfo {
    CaseInfo { name: name.to_owned(), threads, items_per_iteration: 64 }
}

#[derive(Clone, Debug)]
pub(crate) struct SimulatedTurn {
    pub(crate) role: Role,
    pub(crate) case: String,
    pub(crate) iterations: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch {
    pub(crate) role: Role,
    pub(crate) layout: Layout,
    pub(crate) pin: bool,
}

/// How long a neighbour keeps a core that it takes away, in nanoseconds.
const TAKEN_AWAY_NS: u64 = 3_000_000;

/// How much probes say about where their time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tells {
    All,
    /// Wall and CPU time, but not how often the thread gave up its core.
    Times,
    Nothing,
}

/// Sleeping, or waiting for anything else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sleep {
    /// The number of items after which there is one sleep.
    pub(crate) every_items: u64,
    /// How long a sleep takes, in nanoseconds.
    pub(crate) ns: u64,
}

#[derive(Clone)]
pub(crate) struct Machine {
    /// Time of an iteration of the base, in nanoseconds.
    pub(crate) ns_per_iteration: f64,
    /// True change of the candidate: 0.05 is 5 % slower.
    pub(crate) change: f64,
    /// Name of the only case that is changed; `None` changes all.
    pub(crate) changed_case: Option<&'static str>,
    /// By how much the control is off, although it should not be, as a part of one.
    pub(crate) control_off: f64,
    /// Standard deviation of what the draw of a process makes it faster or slower by, as a part of one.
    pub(crate) process_sd: f64,
    /// What a layout makes faster or slower at most, as a part of one.
    pub(crate) layout_worth: f64,
    /// How much slower the machine gets per second, as a part of one.
    pub(crate) drift_per_second: f64,
    /// Part of the turns that another program interrupts, so that caches are cold and CPU time is lost.
    pub(crate) preempted: f64,
    /// Part of the turns in which a neighbour takes the core away.
    pub(crate) taken_away: f64,
    /// How the candidate sleeps, and only on the changed case if one is named.
    pub(crate) sleeps: Option<Sleep>,
    /// How base and control sleep.
    pub(crate) base_sleeps: Option<Sleep>,
    /// CPU time that another thread of the candidate takes, as a part of its own.
    pub(crate) helper: f64,
    /// How much probes say about where their time goes.
    pub(crate) tells: Tells,
    /// The tick of the clock in nanoseconds, if it is coarse.
    pub(crate) tick_ns: Option<f64>,
    /// Time that starting a probe takes, in nanoseconds.
    pub(crate) start_ns: f64,
    /// The number of turns after which every turn fails, and how.
    pub(crate) fails_after: Option<(usize, MeasureError)>,
    pub(crate) clock_ns: Rc<Cell<f64>>,
    pub(crate) turns: Rc<RefCell<Vec<SimulatedTurn>>>,
    pub(crate) launches: Rc<RefCell<Vec<Launch>>>,
    pub(crate) rng: Rc<RefCell<ChaCha8Rng>>,
}

impl Machine {
    /// A machine without noise.
    pub(crate) fn quiet() -> Self {
        Self {
            ns_per_iteration: 40_000.0,
            change: 0.0,
            changed_case: None,
            control_off: 0.0,
            process_sd: 0.0,
            layout_worth: 0.0,
            drift_per_second: 0.0,
            preempted: 0.0,
            taken_away: 0.0,
            sleeps: None,
            base_sleeps: None,
            helper: 0.0,
            tells: Tells::All,
            tick_ns: None,
            start_ns: 5e6,
            fails_after: None,
            clock_ns: Rc::default(),
            turns: Rc::default(),
            launches: Rc::default(),
            rng: Rc::new(RefCell::new(ChaCha8Rng::seed_from_u64(42))),
        }
    }

    /// A shared machine, such as the gate is made for.
    pub(crate) fn shared() -> Self {
        Self { process_sd: 0.004, preempted: 0.02, drift_per_second: 0.01, layout_worth: 0.01, ..Self::quiet() }
    }

    /// Simulated time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_secs_f64(self.clock_ns.get() / 1e9)
    }
}

impl Launcher for Machine {
    fn launch(&self, role: Role, _: &[CaseInfo], layout: Layout, pin: bool) -> Result<Box<dyn Runner>, MeasureError> {
        self.launches.borrow_mut().push(Launch { role, layout, pin });
        self.clock_ns.set(self.clock_ns.get() + self.start_ns);
        let luck = self.process_sd * normal(&mut *self.rng.borrow_mut());
        // Any function will do that is the same for the same layout and wild otherwise.
        let place = (layout.env_bytes * 31 + layout.heap_bytes * 7) as f64;
        let factor = (luck + self.layout_worth * place.sin()).exp();
        Ok(Box::new(Process { machine: self.clone(), role, factor, items: 0 }))
    }
}

struct Process {
    machine: Machine,
    role: Role,
    factor: f64,
    /// Number of items that were verified so far.
    items: u64,
}

impl Runner for Process {
    fn run(&mut self, case: &str, iterations: u64) -> Result<Ran, MeasureError> {
        let Machine { clock_ns, turns, fails_after, .. } = &self.machine;
        turns.borrow_mut().push(SimulatedTurn { role: self.role, case: case.to_owned(), iterations });
        if let Some((_, error)) = fails_after.as_ref().filter(|(after, _)| turns.borrow().len() > *after) {
            return Err(error.clone());
        }
        let changed = self.role == Role::Candidate && self.machine.changed_case.is_none_or(|changed| changed == case);
        let own = match self.role {
            Role::Base => 0.0,
            Role::Candidate if changed => self.machine.change,
            Role::Candidate => 0.0,
            Role::Control => self.machine.control_off,
        };
        let slowdown = 1.0 + self.machine.drift_per_second * clock_ns.get() / 1e9;
        let preempted = self.machine.rng.borrow_mut().random_bool(self.machine.preempted);
        let elapsed_ns = self.machine.ns_per_iteration
            * iterations as f64
            * (1.0 + own)
            * self.factor
            * slowdown
            * if preempted { 3.0 } else { 1.0 };
        let before = self.items;
        self.items += 64 * iterations;
        let sleeps = if changed { self.machine.sleeps } else { self.machine.base_sleeps };
        let slept = sleeps.map_or((0, 0), |Sleep { every_items, ns }| {
            let times = self.items / every_items - before / every_items;
            (times, times * ns)
        });
        let taken = self.machine.rng.borrow_mut().random_bool(self.machine.taken_away);
        let queued_ns = if taken { TAKEN_AWAY_NS } else { 0 };
        let cpu_ns = elapsed_ns as u64;
        let wall_ns = cpu_ns + slept.1 + queued_ns;
        clock_ns.set(clock_ns.get() + wall_ns as f64);
        let helper_ns = if changed { (self.machine.helper * elapsed_ns) as u64 } else { 0 };
        let all = Spent {
            wall_ns: Some(wall_ns),
            thread_cpu_ns: Some(cpu_ns),
            process_cpu_ns: Some(cpu_ns + helper_ns),
            voluntary_switches: Some(slept.0),
            queued_ns: Some(queued_ns),
        };
        let spent = match self.machine.tells {
            Tells::All => all,
            Tells::Times => Spent { voluntary_switches: None, queued_ns: None, ..all },
            Tells::Nothing => Spent::default(),
        };
        let elapsed_ns = self.machine.tick_ns.map_or(elapsed_ns, |tick_ns| (elapsed_ns / tick_ns).floor() * tick_ns);
        Ok(Ran { elapsed_ns, spent })
    }
}
