//! The probe of the service plane: `cargo fairbench gate --base REV` in `services/` asks by it whether a change makes a
//! service slower (`perf/PROTOCOL.md` is what it speaks).
//!
//! The real services run in the probe's own thread: svc-passport and svc-auth on loopback, in a runtime that has no
//! other thread, and beside them a client that writes a prepared request to a kept connection and reads the answer. So
//! CPU time of this thread is the time of a request, with what the kernel does for both ends of its connection.
//!
//! | case | an item |
//! |---|---|
//! | `constant_route` | a request of `authorize_single`, to the route of svc-auth that reads it and answers with a constant: what every case over HTTP costs at least |
//! | `authorize_single` | a decision about a capability token of five caveats |
//! | `authorize_batch_64` | the same, 64 in one request |
//! | `authorize_envelope` | a decision about an envelope, which svc-passport verifies over a connection that is kept |
//! | `authorize_envelope_in_process` | the same, verified in svc-auth |
//! | `authorize_batch_64_envelopes` | 64 envelopes in one request, which svc-passport verifies |
//! | `passport_issue`, `passport_verify` | an envelope |
//! | `passport_verify_batch_64` | the same, 64 in one request |
//! | `policy_evaluate_100` | a decision of a bundle of 100 rules, without HTTP |
//!
//! An iteration is one request of 64 items, or eight of one item each.
//!
//! Envelopes and tokens are all different, and svc-auth remembers none. What is timed is permitted and good; what is to
//! be denied, and what is forged, is asked at the check. Each answer that is timed has to be, byte for byte, what the
//! check found right, else the process ends and says so.
//!
//! A second program, `ron-services-parts`, has three of these cases by the same names, [`PARTS`], and does what such a
//! request is made of instead: the same request to the constant route, and then the operation itself (the verification
//! and the policy's decision, the signature) without a service, in the same thread. One program against the other says
//! what the service adds to its parts, where both find caches as a request leaves them; a loop of operations alone
//! finds them warm.
//!
//! # What else the process does
//!
//! Cases are to start no threads of their own, and these don't. Other threads stand beside them: one that looks at the
//! key stores once a second, some tens of microseconds each, and for either svc-auth one that looks at the policy's
//! file once an hour. Timers of the runtime look at the state of the stores a few times a second. Log lines are not
//! written: a service writes none of a request that goes well, so that none is missing. How much all that comes to is
//! measured with each turn, as CPU time of other threads and as waiting.
//!
//! | module | holds |
//! |---|---|
//! | [`cases`] | the cases by name, and what is made ready for each |
//! | `requests`, `evaluations` | the two kinds of work: over HTTP, and without |
//! | `parts` | operations that are done after a request |
//! | `plane` | the services, as they are started here |
//! | `artefacts` | messages, envelopes and tokens |
//! | `questions` | what is asked, with the right answers |
//! | `connection` | the client |
//! | `folder` | where keys and policy lie meanwhile |
#![forbid(unsafe_code)]

mod artefacts;
pub mod cases;
mod connection;
mod evaluations;
mod parts;
mod plane;
mod questions;
mod requests;

use std::process::exit;

use fairbench_probe::serve::Tally;
use fairbench_probe::{Case, Program};

pub use cases::{CASES, PARTS, Spec, Work};
pub use plane::Services;

/// Why something could not be made ready. One line.
type Fault = Box<dyn std::error::Error>;

/// Exit code where a case that was right before is not any more.
const COULD_NOT: i32 = 3;

/// The probe of these cases, [`CASES`] or [`PARTS`]. With `tally`, allocations are counted.
#[must_use]
pub fn program(cases: &'static [Spec], tally: Option<fn() -> Tally>) -> Program {
    let services = Services::default();
    let mut program = Program::new("ron-services");
    for spec in cases {
        let services = services.clone();
        program = program.case(
            Case::on_one_thread(spec.name, spec.items as u64, spec.item),
            move || spec.prepare(&services),
            |prepared| work(prepared)?.check(),
            |prepared| {
                if let Err(why) = work(prepared).and_then(|work| work.run()) {
                    // A time of wrong answers is none, and whoever asked for it is told the last line.
                    eprintln!("{}: {why}", spec.name);
                    exit(COULD_NOT);
                }
            },
        );
    }
    match tally {
        Some(tally) => program.counting(tally),
        None => program,
    }
}

fn work(prepared: &mut Result<Box<dyn Work>, String>) -> Result<&mut Box<dyn Work>, String> {
    prepared.as_mut().map_err(|why| why.clone())
}
