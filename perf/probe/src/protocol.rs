//! The messages of probe protocol 1: one JSON object per line, on standard input and output. `perf/PROTOCOL.md` is the
//! specification; this is its shape in Rust, for both ends.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::memory::Memory;
use crate::spent::Spent;

/// The version of the protocol that this is.
pub const VERSION: u64 = 1;

/// Environment variable: bytes that the probe allocates and never frees before it does anything else.
pub const HEAP_OFFSET_ENV: &str = "PERF_PROBE_HEAP_OFFSET_BYTES";
/// Environment variable that the probe ignores: its length moves the stack.
pub const PAD_ENV: &str = "PERF_PROBE_PAD";
/// Environment variable: the revision that the probe was built from, told by whoever built it. (Compiled in, it would
/// make programs differ whose code is the same.)
pub const REVISION_ENV: &str = "PERF_PROBE_REVISION";

/// What the lab asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Prove that the answers on this case are right. Needed before anything else is done with it.
    Check {
        /// Name of the case.
        case: String,
    },
    /// Run a case and say how long that took.
    Run {
        /// Name of the case.
        case: String,
        /// How many times; at least 1.
        iterations: u64,
    },
    /// Run a case and say what it allocated. Only for probes that can count.
    Count {
        /// Name of the case.
        case: String,
        /// How many times; at least 1.
        iterations: u64,
    },
    /// Say how much memory the process takes. A probe need not know this request.
    Memory {},
    /// End with exit code 0.
    Quit {},
}

/// What the probe says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The first line, unasked.
    Hello(Hello),
    /// The answers on a case were right.
    Checked {
        /// Name of the case.
        case: String,
        /// Decisions that were compared.
        decisions: u64,
    },
    /// An answer on a case was wrong; the case cannot be run.
    Wrong {
        /// Name of the case.
        case: String,
        /// Which token, what was expected, what came.
        detail: String,
    },
    /// A case was run.
    Ran {
        /// Name of the case.
        case: String,
        /// As asked.
        iterations: u64,
        /// How long they took, on the clock of the case.
        elapsed_ns: u64,
        /// Where the time went. A probe need not tell.
        #[serde(flatten)]
        spent: Spent,
    },
    /// A case was run under a counting allocator.
    Counted {
        /// Name of the case.
        case: String,
        /// As asked.
        iterations: u64,
        /// Allocations and reallocations, in all.
        allocations: u64,
        /// Bytes asked for, in all.
        bytes: u64,
    },
    /// How much memory the process takes, and has taken.
    Memory(Memory),
    /// The request could not be met. The probe goes on.
    Error {
        /// Why.
        message: String,
    },
}

/// What a probe says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the protocol: [`VERSION`].
    pub protocol: u64,
    /// What is probed: `ron-auth`, the name of a variant, or whatever a foreign probe calls itself.
    pub probe: String,
    /// Features that it was built with.
    #[serde(default)]
    pub features: Vec<String>,
    /// Widest instruction set that it found on this processor.
    #[serde(default)]
    pub simd_path: String,
    /// Its compiler.
    #[serde(default)]
    pub rustc: String,
    /// Revision that it was built from, if it knows.
    #[serde(default)]
    pub revision: Option<String>,
    /// Threads at its disposal here. Fewer where it is pinned.
    pub threads: usize,
    /// What it can run.
    pub cases: Vec<Case>,
}

/// A piece of work that a probe can run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Case {
    /// Its name. Cases of the same name are the same work in every probe.
    pub name: String,
    /// Threads that it works on.
    pub threads: usize,
    /// Tokens that one iteration verifies.
    pub tokens_per_iteration: u64,
    /// The clock of its times.
    pub clock: Clock,
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
        assert_eq!(
            json(&Response::Checked { case: case(), decisions: 64 }),
            r#"{"checked":{"case":"c","decisions":64}}"#
        );
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
        let line = r#"{"hello":{"protocol":1,"probe":"other","threads":1,"weather":"fine",
            "cases":[{"name":"c","threads":1,"tokens_per_iteration":1,"clock":"wall"}]}}"#;
        let Response::Hello(hello) = serde_json::from_str(line).unwrap() else { panic!("no hello") };
        assert_eq!((hello.probe.as_str(), hello.revision, hello.cases.len()), ("other", None, 1));
    }
}
