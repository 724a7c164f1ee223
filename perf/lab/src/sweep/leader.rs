//! Which variant is ahead, for whoever watches a sweep.

use fairbench::measure::stats::median;

use crate::run::{ArmKind, Run};

/// A line about what is measured and which variant leads there so far, such as `variants on light, batch 64: prod
/// leads, 4.9 times as fast as classic, 7.9 times as fast as plain`. If there are several batches, the one with the
/// greatest lead is shown.
#[must_use]
pub fn leader(run: &Run, panel: usize) -> String {
    let all = run.measured();
    let here = all.iter().filter(|arm| arm.panel == panel && arm.arm.kind == ArmKind::Variant);
    let best = here.min_by(|a, b| median(&a.log_to_plain).total_cmp(&median(&b.log_to_plain)));
    match best {
        None => String::new(),
        Some(best) => {
            let times = |logs: &[f64]| (-median(logs)).exp();
            let classic = Run::classic_of(&all, best).and_then(|classic| best.log_to(classic));
            let to_classic =
                classic.map(|logs| format!(" {:.1} times as fast as classic,", times(&logs))).unwrap_or_default();
            format!(
                "{} on {}: {} leads,{to_classic} {:.1} times as fast as plain",
                best.section,
                best.point(),
                best.arm.variant,
                times(&best.log_to_plain)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::simulated::{self, Truth};

    #[test]
    fn the_fastest_is_named_with_its_point_and_speed_up() {
        let said = leader(&simulated::run(&Truth { lanes_with_parallel: 1.0, ..Truth::default() }, 6), 0);
        assert!(
            said.starts_with("variants on light, batch ")
                && said.contains(": prod leads, 4.5 times as fast as classic, 6.4 times"),
            "{said}"
        );
        assert_eq!(leader(&simulated::run(&Truth::default(), 0), 0), "");
    }
}
