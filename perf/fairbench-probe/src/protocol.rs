//! The messages of probe protocol 2: one JSON object per line, on standard input and output. `perf/PROTOCOL.md` is the
//! specification; this is its shape in Rust, for both ends.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::memory::Memory;
use crate::spent::Spent;

/// The version of the protocol that these messages are of.
pub const VERSION: u64 = 2;
/// The oldest version that an instrument still reads. Version 1 says `tokens_per_iteration` and `decisions` for what
/// version 2 calls `items_per_iteration` and `answers`; all else is the same.
pub const OLDEST_VERSION: u64 = 1;
/// What an item is where a probe of version 2 does not say.
pub const ITEM: &str = "item";

/// Environment variable: bytes that the probe allocates and never frees before it does anything else.
pub const HEAP_OFFSET_ENV: &str = "PERF_PROBE_HEAP_OFFSET_BYTES";
/// Environment variable that the probe ignores: its length moves the stack.
pub const PAD_ENV: &str = "PERF_PROBE_PAD";
/// Environment variable: the revision that the probe was built from, told by whoever built it. (Compiled in, it would
/// make programs differ whose code is the same.)
pub const REVISION_ENV: &str = "PERF_PROBE_REVISION";

/// A request of the instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Proves that the answers on a case are right. Needed before anything else is done with it.
    Check {
        /// Name of the case.
        case: String,
    },
    /// Runs a case and says how long that took.
    Run {
        /// Name of the case.
        case: String,
        /// Number of iterations; at least 1.
        iterations: u64,
    },
    /// Runs a case and says what it allocated. Only for probes that can count.
    Count {
        /// Name of the case.
        case: String,
        /// Number of iterations; at least 1.
        iterations: u64,
    },
    /// Says how much memory the process takes. A probe need not know this request.
    Memory {},
    /// Ends the process with exit code 0.
    Quit {},
}

/// A message of the probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The first line, which is sent without a request.
    Hello(Hello),
    /// The answers on a case were right.
    Checked {
        /// Name of the case.
        case: String,
        /// Number of answers that were compared.
        #[serde(alias = "decisions")]
        answers: u64,
    },
    /// An answer on a case was wrong; the case cannot be run.
    Wrong {
        /// Name of the case.
        case: String,
        /// Which answer was wrong, what was expected, and what came.
        detail: String,
    },
    /// A case was run.
    Ran {
        /// Name of the case.
        case: String,
        /// Number of iterations, as requested.
        iterations: u64,
        /// How long they took on the clock of the case, in nanoseconds.
        elapsed_ns: u64,
        /// Where the time went, as far as the probe tells.
        #[serde(flatten)]
        spent: Spent,
    },
    /// A case was run under a counting allocator.
    Counted {
        /// Name of the case.
        case: String,
        /// Number of iterations, as requested.
        iterations: u64,
        /// Number of allocations and reallocations, of all iterations.
        allocations: u64,
        /// Bytes that were asked for, of all iterations.
        bytes: u64,
    },
    /// How much memory the process takes now and has taken at most.
    Memory(Memory),
    /// The request could not be met. The probe goes on to the next one.
    Error {
        /// Reason in words.
        message: String,
    },
}

/// What a probe says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the protocol: [`VERSION`].
    pub protocol: u64,
    /// What is probed, in the probe's own words.
    pub probe: String,
    /// Features that it was built with.
    #[serde(default)]
    pub features: Vec<String>,
    /// Widest instruction set that it found on this processor.
    #[serde(default)]
    pub simd_path: String,
    /// The compiler that it was built with.
    #[serde(default)]
    pub rustc: String,
    /// The revision that it was built from; `None` if it does not know.
    #[serde(default)]
    pub revision: Option<String>,
    /// Number of threads at its disposal. There are fewer where it is pinned.
    pub threads: usize,
    /// The cases that it can run.
    pub cases: Vec<Case>,
}

/// A piece of work that a probe can run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Case {
    /// Name of the case. Cases of the same name are the same work in every probe.
    pub name: String,
    /// Threads that it works on.
    pub threads: usize,
    /// Items that one iteration works on.
    #[serde(alias = "tokens_per_iteration")]
    pub items_per_iteration: u64,
    /// What an item is, in the singular, such as `token`: for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The clock of its times.
    pub clock: Clock,
}

impl Case {
    /// A case whose work is all done on the calling thread, timed in its CPU time. `item` is what an item is, in the
    /// singular.
    pub fn on_one_thread(name: impl Into<String>, items_per_iteration: u64, item: impl Into<String>) -> Self {
        Self::on_threads(1, name, items_per_iteration, item)
    }

    /// A case whose work is done on this many threads; on more than one, it is timed in wall time.
    pub fn on_threads(
        threads: usize,
        name: impl Into<String>,
        items_per_iteration: u64,
        item: impl Into<String>,
    ) -> Self {
        let clock = Clock::for_threads(threads);
        Self { name: name.into(), threads, items_per_iteration, item: Some(item.into()), clock }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(message: &impl Serialize) -> String {
        serde_json::to_string(message).unwrap()
    }

    #[test]
    fn requests_are_written_as_the_specification_shows_them() {
        let case = || "verify_single".to_owned();
        assert_eq!(json(&Request::Check { case: case() }), r#"{"check":{"case":"verify_single"}}"#);
        assert_eq!(
            json(&Request::Run { case: case(), iterations: 120 }),
            r#"{"run":{"case":"verify_single","iterations":120}}"#
        );
        assert_eq!(
            json(&Request::Count { case: case(), iterations: 3 }),
            r#"{"count":{"case":"verify_single","iterations":3}}"#
        );
        assert_eq!(json(&Request::Memory {}), r#"{"memory":{}}"#);
        assert_eq!(json(&Request::Quit {}), r#"{"quit":{}}"#);
    }

    #[test]
    fn responses_are_written_as_the_specification_shows_them() {
        let case = || "c".to_owned();
        assert_eq!(json(&Response::Checked { case: case(), answers: 64 }), r#"{"checked":{"case":"c","answers":64}}"#);
        assert_eq!(
            json(&Response::Wrong { case: case(), detail: "d".to_owned() }),
            r#"{"wrong":{"case":"c","detail":"d"}}"#
        );
        assert_eq!(
            json(&Response::Ran { case: case(), iterations: 120, elapsed_ns: 123_456, spent: Spent::default() }),
            r#"{"ran":{"case":"c","iterations":120,"elapsed_ns":123456}}"#
        );
        assert_eq!(
            json(&Response::Counted { case: case(), iterations: 3, allocations: 9, bytes: 99 }),
            r#"{"counted":{"case":"c","iterations":3,"allocations":9,"bytes":99}}"#
        );
        assert_eq!(
            json(&Response::Memory(Memory { peak_resident_bytes: Some(8_388_608), ..Memory::default() })),
            r#"{"memory":{"peak_resident_bytes":8388608,"jemalloc_allocated_bytes":null,"jemalloc_active_bytes":null,"jemalloc_resident_bytes":null}}"#
        );
        assert_eq!(json(&Response::Error { message: "m".to_owned() }), r#"{"error":{"message":"m"}}"#);
    }

    #[test]
    fn memory_that_a_probe_cannot_tell_may_be_left_out() {
        let answer: Response = serde_json::from_str(r#"{"memory":{"peak_resident_bytes":4096}}"#).unwrap();
        assert_eq!(answer, Response::Memory(Memory { peak_resident_bytes: Some(4096), ..Memory::default() }));
        let nothing: Response = serde_json::from_str(r#"{"memory":{}}"#).unwrap();
        assert_eq!(nothing, Response::Memory(Memory::default()));
    }

    #[test]
    fn a_hello_may_leave_out_what_it_does_not_know_and_say_more_than_is_read() {
        let line = r#"{"hello":{"protocol":2,"probe":"other","threads":1,"weather":"fine",
            "cases":[{"name":"c","threads":1,"items_per_iteration":1,"clock":"wall"}]}}"#;
        let Response::Hello(hello) = serde_json::from_str(line).unwrap() else { panic!("no hello") };
        assert_eq!((hello.probe.as_str(), hello.revision, hello.cases.len()), ("other", None, 1));
        assert_eq!(hello.cases[0].item, None);
    }

    #[test]
    fn a_case_is_written_as_the_specification_shows_it() {
        assert_eq!(
            json(&Case::on_one_thread("verify_single", 64, "token")),
            r#"{"name":"verify_single","threads":1,"items_per_iteration":64,"item":"token","clock":"thread-cpu"}"#
        );
        assert_eq!(Case::on_threads(4, "wide", 1, "token").clock, Clock::Wall);
    }

    #[test]
    fn what_version_1_calls_tokens_and_decisions_is_read_as_items_and_answers() {
        let case = r#"{"name":"c","threads":1,"tokens_per_iteration":64,"clock":"wall"}"#;
        let case: Case = serde_json::from_str(case).unwrap();
        assert_eq!((case.items_per_iteration, case.item), (64, None));
        let checked: Response = serde_json::from_str(r#"{"checked":{"case":"c","decisions":64}}"#).unwrap();
        assert_eq!(checked, Response::Checked { case: "c".to_owned(), answers: 64 });
    }
}
