//! Which panel is measured next, so that whenever time runs out the most important is known, and what is missing is
//! known to be missing.
//!
//! 1. In the order of the plan, every panel gets the fewest blocks that make an interval. One whose fewest blocks don't
//!    fit into what is left of the budget is passed over, and a cheaper one behind it may still get its turn.
//! 2. Then the panel with the widest interval gets one more block, again and again, until all are precise enough, have
//!    the most blocks that the plan allows, or the time is up.

use std::time::Duration;

/// The state of a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelProgress {
    /// Number of blocks that it has.
    pub blocks: usize,
    /// Time that a block of it takes: measured, or expected if none was measured.
    pub block: Duration,
    /// Half-width of its widest interval, as a part of one; infinite below the fewest blocks.
    pub half_width: f64,
}

/// The limits that a plan sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Fewest blocks of a panel, which each one gets first.
    pub least: usize,
    /// Most blocks of a panel.
    pub most: usize,
    /// Half-width of an interval that is narrow enough, as a part of one.
    pub precision: f64,
}

/// Index of the panel that gets the next block; `None` if there is nothing left to do, or no time for it.
#[must_use]
pub fn next(panels: &[PanelProgress], limits: Limits, left: Option<Duration>) -> Option<usize> {
    let fits = |time: Duration| left.is_none_or(|left| time <= left);
    let to_least = |panel: &PanelProgress| limits.least.saturating_sub(panel.blocks);
    let begun = panels.iter().position(|panel| {
        let missing = to_least(panel);
        missing > 0 && fits(panel.block * u32::try_from(missing).unwrap_or(u32::MAX))
    });
    if begun.is_some() {
        return begun;
    }
    let more = |panel: &PanelProgress| {
        to_least(panel) == 0 && panel.blocks < limits.most && panel.half_width > limits.precision && fits(panel.block)
    };
    let candidates = panels.iter().enumerate().filter(|(_, panel)| more(panel));
    candidates.max_by(|(_, a), (_, b)| a.half_width.total_cmp(&b.half_width)).map(|(index, _)| index)
}

/// Most time that all of this takes.
#[must_use]
pub fn forecast(panels: &[PanelProgress], limits: Limits) -> Duration {
    let missing = |panel: &PanelProgress| u32::try_from(limits.most.saturating_sub(panel.blocks)).unwrap_or(u32::MAX);
    panels.iter().map(|panel| panel.block * missing(panel)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { least: 6, most: 24, precision: 0.01 };

    fn panel(blocks: usize, block_s: f64, half_width: f64) -> PanelProgress {
        PanelProgress { blocks, block: Duration::from_secs_f64(block_s), half_width }
    }

    fn left(seconds: f64) -> Option<Duration> {
        Some(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn the_most_important_panel_is_finished_before_the_next_is_begun() {
        let panels = [panel(6, 1.0, 0.5), panel(2, 1.0, f64::INFINITY), panel(0, 1.0, f64::INFINITY)];
        assert_eq!(next(&panels, LIMITS, None), Some(1));
    }

    #[test]
    fn a_panel_that_does_not_fit_is_passed_over_for_one_that_does() {
        let panels = [panel(0, 10.0, f64::INFINITY), panel(0, 1.0, f64::INFINITY)];
        assert_eq!(next(&panels, LIMITS, left(59.0)), Some(1));
        assert_eq!(next(&panels, LIMITS, left(60.0)), Some(0));
        assert_eq!(next(&panels, LIMITS, left(5.0)), None);
    }

    #[test]
    fn then_the_widest_interval_gets_more_until_it_is_precise_or_has_enough() {
        let wide = [panel(6, 1.0, 0.02), panel(6, 1.0, 0.03), panel(6, 1.0, 0.005)];
        assert_eq!(next(&wide, LIMITS, left(10.0)), Some(1));
        assert_eq!(next(&[panel(24, 1.0, 0.03), panel(7, 1.0, 0.02)], LIMITS, None), Some(1));
        assert_eq!(next(&[panel(24, 1.0, 0.03), panel(7, 1.0, 0.01)], LIMITS, None), None);
        assert_eq!(next(&wide, LIMITS, left(0.5)), None);
    }

    #[test]
    fn the_forecast_counts_what_is_missing() {
        let panels = [panel(2, 1.0, 1.0), panel(0, 0.5, 1.0)];
        assert_eq!(forecast(&panels, LIMITS), Duration::from_secs(34));
    }
}
