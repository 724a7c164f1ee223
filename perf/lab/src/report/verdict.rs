//! Whether a run can be trusted, and which limits it breaks.

use crate::run::Run;
use crate::tripwire::{JudgedTripwire, TripwireState};

/// How far a control may be off before a run is doubted, as a part of one.
pub(super) const CONTROL_MARGIN: f64 = 0.02;

/// Names of the tripwires that are broken.
#[must_use]
pub fn broken(tripwires: &[JudgedTripwire]) -> Vec<&str> {
    tripwires.iter().filter(|t| t.state == TripwireState::Broken).map(|t| t.name.as_str()).collect()
}

/// Reasons why the numbers cannot be trusted, or are not complete.
pub(super) fn doubts(run: &Run) -> Vec<String> {
    let mut doubts = Vec::new();
    if run.header.host.build != "release" {
        doubts.push(format!("MEANINGLESS: a {} build", run.header.host.build));
    }
    let (planned, left_out) = (run.header.panels.len(), run.left_out().len());
    if run.elapsed_s.is_none() || left_out > 0 {
        let why = if run.elapsed_s.is_none() { "the run did not end by itself" } else { "there was no time for more" };
        doubts.push(format!("PARTIAL: {} of {planned} panels measured, {why}", planned - left_out));
    }
    let failed = run.controls(CONTROL_MARGIN).1.len();
    if failed > 0 {
        doubts.push(format!("DOUBTFUL: {failed} controls are off by more than 2 %"));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{self, Truth};

    #[test]
    fn a_run_that_is_to_be_trusted_leaves_no_doubts() {
        assert_eq!(doubts(&simulated::full(8)), [""; 0]);
        let judged =
            |name: &str, state| JudgedTripwire { name: name.into(), limit: "l".into(), measured: "m".into(), state };
        assert_eq!(broken(&[judged("t1", TripwireState::Broken), judged("t2", TripwireState::Holds)]), ["t1"]);
    }

    #[test]
    fn a_run_that_is_not_to_be_trusted_says_why() {
        let mut run = simulated::run(&Truth { control_off: 0.1, ..Truth::default() }, 12);
        run.header.host.build = "debug".to_owned();
        let [debug, partial, control] = &doubts(&run)[..] else { panic!() };
        assert_eq!(debug, "MEANINGLESS: a debug build");
        assert_eq!(partial, "PARTIAL: 2 of 2 panels measured, the run did not end by itself");
        assert_eq!(control, "DOUBTFUL: 4 controls are off by more than 2 %");
    }
}
