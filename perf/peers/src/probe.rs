//! A library as a probe (perf/PROTOCOL.md): `ron-auth-peers probe --peer NAME`, with a case for each fixture.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use fairbench::compare::runner::CaseInfo;
use fairbench_probe::Case;
use fairbench_probe::clock::Clock;
use fairbench_probe::program::serve_standard_streams;
use fairbench_probe::serve::{Job, Probe, Suite};
use ron_auth_fixtures::Fixture;

use crate::library::{Library, OnFixture};

/// The fixtures that the peers have an equal of.
pub const FIXTURES: [Fixture; 2] = [Fixture::Light, Fixture::Heavy];
/// Tokens of an iteration: more than the clock costs, and few enough for a turn of the slowest library.
pub const TOKENS_PER_ITERATION: u64 = 8;

/// Serves the library until told to quit.
pub fn serve(library: Library) -> ExitCode {
    serve_standard_streams(&mut Probe::new(library.name(), Vec::new(), LibrarySuite(library)))
}

/// What the case of a fixture is called.
pub fn case(fixture: Fixture) -> CaseInfo {
    CaseInfo { name: fixture.name().to_owned(), threads: 1, items_per_iteration: TOKENS_PER_ITERATION }
}

struct LibrarySuite(Library);

impl Suite for LibrarySuite {
    fn cases(&self, _: usize) -> Vec<Case> {
        FIXTURES.map(|fixture| Case::on_one_thread(fixture.name(), TOKENS_PER_ITERATION, "token")).into()
    }

    fn prepare(&self, name: &str, _: usize) -> Option<Box<dyn Job>> {
        let fixture = FIXTURES.into_iter().find(|fixture| fixture.name() == name)?;
        Some(Box::new(Verifying { on_fixture: self.0.on(fixture).map_err(|error| format!("{error:#}")), next: 0 }))
    }
}

/// Goes round all tokens of a library.
struct Verifying {
    /// Or why it could not be set up.
    on_fixture: Result<Box<dyn OnFixture>, String>,
    /// The token that is verified next.
    next: usize,
}

impl Job for Verifying {
    fn check(&mut self) -> Result<u64, String> {
        self.on_fixture.as_ref().map_err(Clone::clone)?.check()
    }

    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        let library = self.on_fixture.as_ref().map_err(|error| io::Error::other(error.clone()))?;
        let (tokens, first) = (library.tokens(), self.next);
        let count = (iterations as f64 * TOKENS_PER_ITERATION as f64 * work_factor).round() as usize;
        self.next = (first + count) % tokens.len().max(1);
        Clock::ThreadCpu.time(|| {
            for token in tokens.iter().cycle().skip(first).take(count) {
                library.verify(token);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_library_is_a_probe_that_proves_itself_on_both_fixtures_and_can_be_run() {
        for library in Library::all() {
            let suite = LibrarySuite(library);
            for case in suite.cases(1) {
                let mut job = suite.prepare(&case.name, 1).unwrap();
                assert_eq!(job.check(), Ok(256), "{}: {}", library.name(), case.name);
                assert!(job.run(2, 1.0).unwrap() > Duration::ZERO);
            }
            assert!(suite.prepare("mixed", 1).is_none());
        }
    }

    #[test]
    fn tokens_are_verified_in_turn() {
        struct Seen(std::rc::Rc<std::cell::RefCell<String>>, Vec<String>);
        impl OnFixture for Seen {
            fn tokens(&self) -> &[String] {
                &self.1
            }
            fn verify(&self, token: &str) {
                self.0.borrow_mut().push_str(token);
            }
            fn check(&self) -> Result<u64, String> {
                Ok(1)
            }
            fn check_all(&self) -> Result<(), String> {
                Ok(())
            }
        }
        let seen = std::rc::Rc::default();
        let tokens = ["a", "b", "c"].map(str::to_owned).into();
        let mut job = Verifying { on_fixture: Ok(Box::new(Seen(std::rc::Rc::clone(&seen), tokens))), next: 0 };
        job.run(1, 1.0).unwrap();
        job.run(1, 0.5).unwrap();
        assert_eq!(*seen.borrow(), "abcabcabcabc");
    }
}
