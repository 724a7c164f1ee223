//! The answering loop, over any reader and writer: a process only has to hand over its standard input and output.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use crate::environment::{RUSTC, rayon_threads, simd_path};
use crate::memory::Memory;
use crate::protocol::{Case, Hello, REVISION_ENV, Request, Response, VERSION};
use crate::spent::{Spent, Watch};

/// Number of iterations after which scratch memory has grown to its size.
const WARM_UP_ITERATIONS: u64 = 2;

/// What an allocator was asked for since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Number of allocations and reallocations.
    pub allocations: u64,
    /// Bytes of allocations, and those by which reallocations grew.
    pub bytes: u64,
}

/// The cases that a probe can run.
pub trait Suite {
    /// The cases that can be run with a thread pool of `pool_threads` threads.
    fn cases(&self, pool_threads: usize) -> Vec<Case>;

    /// Makes a case ready; `None` if no case has this name.
    fn prepare(&self, case: &str, pool_threads: usize) -> Option<Box<dyn Job>>;
}

/// A case that is ready to be checked and run.
pub trait Job {
    /// Proves the answers right and returns how many there were.
    ///
    /// # Errors
    /// The error says which answer is wrong, and how.
    fn check(&mut self) -> Result<u64, String>;

    /// Runs so many iterations of the case, times the work factor, and returns how long that took. Only what is to be
    /// timed is timed.
    ///
    /// # Errors
    /// The system does not tell the time.
    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration>;
}

/// A probe that answers requests.
pub struct Probe<S> {
    name: String,
    features: Vec<String>,
    suite: S,
    threads: usize,
    work_factor: f64,
    tally: Option<fn() -> Tally>,
    memory: fn() -> Memory,
    watch: Watch,
    /// The cases that were made ready, and whether they gave the right answers.
    prepared: BTreeMap<String, (Box<dyn Job>, bool)>,
}

impl<S: Suite> Probe<S> {
    /// Makes a probe of this name.
    pub fn new(name: impl Into<String>, features: Vec<String>, suite: S) -> Self {
        Self {
            name: name.into(),
            features,
            suite,
            threads: rayon_threads(),
            work_factor: 1.0,
            tally: None,
            memory: Memory::of_this_process,
            watch: Watch::default(),
            prepared: BTreeMap::new(),
        }
    }

    /// Makes the probe do this many times the work that it reports: to test a gate with.
    #[must_use]
    pub fn work_factor(mut self, factor: f64) -> Self {
        self.work_factor = factor;
        self
    }

    /// Answers `count` with this reading of the global allocator.
    #[must_use]
    pub fn counting(mut self, tally: fn() -> Tally) -> Self {
        self.tally = Some(tally);
        self
    }

    /// Answers `memory` with this reading, for a process whose allocator tells more than the system does.
    #[must_use]
    pub fn remembering(mut self, memory: fn() -> Memory) -> Self {
        self.memory = memory;
        self
    }

    /// Says hello, then answers requests until told to quit or until there are no more.
    ///
    /// # Errors
    /// Reading or writing failed.
    pub fn serve(&mut self, input: impl BufRead, mut output: impl Write) -> io::Result<()> {
        say(&mut output, &Response::Hello(self.hello()))?;
        for line in input.lines() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str(&line) {
                Ok(Request::Quit {}) => return Ok(()),
                Ok(request) => say(&mut output, &self.answer(request))?,
                Err(error) => {
                    let message =
                        format!("expected a line {{\"check\"|\"run\"|\"count\"|\"memory\"|\"quit\": {{…}}}}: {error}");
                    say(&mut output, &Response::Error { message })?;
                }
            }
        }
        Ok(())
    }

    /// The first line of the probe.
    #[must_use]
    pub fn hello(&self) -> Hello {
        Hello {
            protocol: VERSION,
            probe: self.name.clone(),
            features: self.features.clone(),
            simd_path: simd_path().to_owned(),
            rustc: RUSTC.to_owned(),
            revision: std::env::var(REVISION_ENV).ok(),
            threads: self.threads,
            cases: self.suite.cases(self.threads),
        }
    }

    fn answer(&mut self, request: Request) -> Response {
        let answered = match request {
            Request::Check { case } => self.check(case),
            Request::Run { case, iterations } => self.run(case, iterations),
            Request::Count { case, iterations } => self.count(case, iterations),
            Request::Memory {} => Ok(Response::Memory((self.memory)())),
            Request::Quit {} => Err("quit has no answer".to_owned()),
        };
        answered.unwrap_or_else(|message| Response::Error { message })
    }

    fn check(&mut self, case: String) -> Result<Response, String> {
        if !self.prepared.contains_key(&case) {
            let job = self.suite.prepare(&case, self.threads).ok_or_else(|| self.unknown(&case))?;
            self.prepared.insert(case.clone(), (job, false));
        }
        let (job, checked) = self.prepared.get_mut(&case).ok_or("not prepared")?;
        match job.check() {
            Ok(answers) => {
                *checked = true;
                Ok(Response::Checked { case, answers })
            }
            Err(detail) => Ok(Response::Wrong { case, detail }),
        }
    }

    fn run(&mut self, case: String, iterations: u64) -> Result<Response, String> {
        let (elapsed_ns, spent) = self.timed(&case, iterations)?;
        Ok(Response::Ran { case, iterations, elapsed_ns, spent })
    }

    fn count(&mut self, case: String, iterations: u64) -> Result<Response, String> {
        let tally = self.tally.ok_or("this probe does not count allocations; ask its counting twin")?;
        self.timed(&case, WARM_UP_ITERATIONS)?;
        let before = tally();
        self.timed(&case, iterations)?;
        let after = tally();
        let allocations = after.allocations.saturating_sub(before.allocations);
        Ok(Response::Counted { case, iterations, allocations, bytes: after.bytes.saturating_sub(before.bytes) })
    }

    /// Runs a case; returns its time in nanoseconds on the clock of the case, and where that time went.
    fn timed(&mut self, case: &str, iterations: u64) -> Result<(u64, Spent), String> {
        if iterations == 0 {
            return Err(format!("{case}: expected at least one iteration"));
        }
        match self.prepared.get_mut(case) {
            Some((job, true)) => {
                let factor = self.work_factor;
                let (elapsed, spent) = self.watch.turn(|| job.run(iterations, factor));
                let elapsed =
                    elapsed.map_err(|error| format!("{case}: this system does not tell the time: {error}"))?;
                Ok((u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), spent))
            }
            Some((_, false)) => Err(format!("{case}: its answers are wrong, so it is not run")),
            None if self.suite.cases(self.threads).iter().any(|known| known.name == case) => {
                Err(format!("{case}: not checked yet; check first, run second"))
            }
            None => Err(self.unknown(case)),
        }
    }

    fn unknown(&self, case: &str) -> String {
        let known: Vec<String> = self.suite.cases(self.threads).into_iter().map(|known| known.name).collect();
        format!("no case is called {case:?}; the cases are {}", known.join(", "))
    }
}

fn say(output: &mut impl Write, response: &Response) -> io::Result<()> {
    let mut line = serde_json::to_vec(response)?;
    line.push(b'\n');
    output.write_all(&line)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A suite of two cases, one with right answers and one with wrong ones.
    struct Two {
        right: bool,
    }

    impl Suite for Two {
        fn cases(&self, _: usize) -> Vec<Case> {
            ["add", "multiply"].map(|name| Case::on_one_thread(name, 64, "number")).into()
        }

        fn prepare(&self, case: &str, pool_threads: usize) -> Option<Box<dyn Job>> {
            self.cases(pool_threads).iter().any(|known| known.name == case).then(|| Box::new(Sum(self.right)) as _)
        }
    }

    struct Sum(bool);

    impl Job for Sum {
        fn check(&mut self) -> Result<u64, String> {
            if self.0 { Ok(64) } else { Err("number 0: expected 1, got 2".to_owned()) }
        }

        fn run(&mut self, iterations: u64, _: f64) -> io::Result<Duration> {
            Ok(Duration::from_nanos(iterations))
        }
    }

    fn conversation(mut probe: Probe<impl Suite>, asked: &str) -> Vec<Response> {
        let mut said = Vec::new();
        probe.serve(asked.as_bytes(), &mut said).unwrap();
        String::from_utf8(said).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn two() -> Probe<Two> {
        Probe::new("two", vec!["fast".to_owned()], Two { right: true })
    }

    fn error_of(response: &Response) -> &str {
        let Response::Error { message } = response else { panic!("no error: {response:?}") };
        message
    }

    #[test]
    fn it_says_hello_checks_runs_and_ends_with_the_input() {
        let said =
            conversation(two(), "{\"check\":{\"case\":\"add\"}}\n{\"run\":{\"case\":\"add\",\"iterations\":2}}\n");
        assert_eq!(said.len(), 3);
        let Response::Hello(hello) = &said[0] else { panic!("{said:?}") };
        assert_eq!((hello.protocol, hello.probe.as_str()), (2, "two"));
        assert_eq!(hello.features, ["fast"]);
        assert_eq!(said[1], Response::Checked { case: "add".to_owned(), answers: 64 });
        assert!(matches!(said[2], Response::Ran { iterations: 2, elapsed_ns, .. } if elapsed_ns > 0), "{said:?}");
    }

    #[test]
    fn nothing_is_run_before_it_is_checked_and_the_probe_goes_on_after_every_error() {
        let said = conversation(
            two(),
            "{\"run\":{\"case\":\"add\",\"iterations\":2}}\n\
             {\"run\":{\"case\":\"divide\",\"iterations\":2}}\n\
             {\"check\":{\"case\":\"divide\"}}\n\
             {\"dance\":{}}\n\
             nonsense\n\
             {\"check\":{\"case\":\"multiply\"}}\n\
             {\"run\":{\"case\":\"multiply\",\"iterations\":0}}\n\
             {\"count\":{\"case\":\"multiply\",\"iterations\":1}}\n\
             {\"quit\":{}}\n\
             {\"check\":{\"case\":\"add\"}}\n",
        );
        assert!(error_of(&said[1]).contains("check first"), "{said:?}");
        assert!(error_of(&said[2]).contains("the cases are add, "), "{said:?}");
        assert!(error_of(&said[3]).contains("no case is called \"divide\""), "{said:?}");
        assert!(error_of(&said[4]).contains("dance"), "{said:?}");
        assert!(error_of(&said[5]).contains("expected a line"), "{said:?}");
        assert!(matches!(said[6], Response::Checked { .. }));
        assert!(error_of(&said[7]).contains("at least one"), "{said:?}");
        assert!(error_of(&said[8]).contains("counting twin"), "{said:?}");
        assert_eq!(said.len(), 9, "what comes after quit is not answered");
    }

    #[test]
    fn memory_is_told_at_any_time_by_the_system_or_by_whoever_knows_more() {
        let said = conversation(two(), "{\"memory\":{}}\n");
        let Response::Memory(memory) = said[1] else { panic!("{said:?}") };
        assert_eq!(memory.peak_resident_bytes.is_some(), cfg!(target_os = "linux"));
        assert_eq!(memory.jemalloc_allocated_bytes, None);

        let known = || Memory { jemalloc_active_bytes: Some(8192), ..Memory::default() };
        let said = conversation(two().remembering(known), "{\"memory\":{}}\n");
        assert_eq!(said[1], Response::Memory(known()));
    }

    #[test]
    fn a_case_with_wrong_answers_is_never_run() {
        let said = conversation(
            Probe::new("wrong", Vec::new(), Two { right: false }),
            "{\"check\":{\"case\":\"add\"}}\n{\"run\":{\"case\":\"add\",\"iterations\":2}}\n",
        );
        assert!(matches!(&said[1], Response::Wrong { detail, .. } if detail.starts_with("number 0: ")), "{said:?}");
        assert!(error_of(&said[2]).contains("answers are wrong"), "{said:?}");
    }

    #[test]
    fn a_counting_probe_says_what_lay_between_two_readings() {
        static READINGS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        fn tally() -> Tally {
            let reading = READINGS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Tally { allocations: 10 + reading * 3, bytes: 100 + reading * 64 }
        }
        let said = conversation(
            two().counting(tally),
            "{\"check\":{\"case\":\"add\"}}\n{\"count\":{\"case\":\"add\",\"iterations\":1}}\n",
        );
        assert!(matches!(said[2], Response::Counted { iterations: 1, allocations: 3, bytes: 64, .. }), "{said:?}");
    }
}
