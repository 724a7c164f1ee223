//! A history as small multiples: a panel for each benchmark shows its ratio to the floor over the runs.

use fairbench::history::Trend;
use fairbench::history::changes::segments;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{drawing, text};
use super::plane::Plane;
use super::scale::Scale;
use super::theme::{BLUE, GREEN, GREY, INK, VERMILION};
use super::{Align, Area, Chart, Look, TEXT_PX, Value, page_px, stroke, width_px, write};

/// A chart of what benchmarks came to, run by run.
pub(in crate::report) struct TrendChart {
    /// The benchmarks, each with a panel of its own.
    pub(in crate::report) trends: Vec<Trend>,
    /// What each run is called, oldest first.
    pub(in crate::report) revisions: Vec<String>,
}

const COLUMNS: usize = 2;
const PANEL_PX: i32 = 340;
const TOP_PX: i32 = 68;
const BOTTOM_PX: i32 = 230;
/// Distance of a panel from the one beside it.
const GAP_PX: i32 = 18;
/// Least distance between the revisions along the axis.
const REVISION_STEP_PX: i32 = 18;

impl Chart for TrendChart {
    fn height_px(&self, _: i32) -> anyhow::Result<i32> {
        Ok(PANEL_PX * i32::try_from(self.rows())?)
    }

    fn draw(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let panels = area.split_evenly((self.rows(), COLUMNS));
        self.trends.iter().zip(panels).try_for_each(|(trend, area)| self.draw_panel(&area, trend))
    }
}

impl TrendChart {
    const fn rows(&self) -> usize {
        self.trends.len().div_ceil(COLUMNS)
    }

    fn draw_panel(&self, area: &Area<'_>, trend: &Trend) -> anyhow::Result<()> {
        let (summary, ink) = summary(trend);
        write(area, &trend.benchmark, (2, 12), Align::Left, INK)?;
        write(area, &summary, (2, 34), Align::Left, ink)?;
        let last = self.revisions.len().max(2) as f64 - 1.0;
        let y = Scale::linear(y_range(trend), (BOTTOM_PX, TOP_PX));
        let plane = Plane::new(y, page_px(area) - GAP_PX, |ends| Scale::linear((-0.6, last + 0.6), ends))?;
        plane.draw_grid(area)?;
        self.draw_revisions(area, plane.x)?;
        draw_description(area, &plane, trend)?;
        for point in &trend.points {
            plane.draw_value(area, point.run as f64, Value::from(point.ratio), Look::plain(BLUE))?;
        }
        draw_changes(area, &plane, trend)
    }

    /// Writes revisions along the axis, upright, as many as there is room for.
    fn draw_revisions(&self, area: &Area<'_>, x: Scale) -> anyhow::Result<()> {
        let (left, right) = x.ends_px();
        stroke(area, &[(left, BOTTOM_PX), (right, BOTTOM_PX)], INK, 1)?;
        let step_px = (x.px(1.0) - x.px(0.0)).max(1);
        let every = usize::try_from((REVISION_STEP_PX + step_px - 1) / step_px)?.max(1);
        let upright = text(TEXT_PX, INK).transform(FontTransform::Rotate90).pos(Pos::new(HPos::Left, VPos::Center));
        for (run, revision) in self.revisions.iter().enumerate().step_by(every) {
            let at = x.px(run as f64);
            stroke(area, &[(at, BOTTOM_PX), (at, BOTTOM_PX + 5)], INK, 1)?;
            area.draw(&Text::new(revision.clone(), (at, BOTTOM_PX + 9), upright.clone())).map_err(drawing)?;
        }
        Ok(())
    }
}

/// What happened to a benchmark in a few words, and their colour.
fn summary(trend: &Trend) -> (String, RGBColor) {
    let of_changes = match &trend.changes[..] {
        [] => None,
        [change] => Some(format!("changed by {:+.1} %", change.percent)),
        several => Some(format!("changed {} times", several.len())),
    };
    let of_drift = trend.drift.map(|drift| format!("drifts by {:+.1} % in 10 runs", drift.percent_over(10)));
    let parts: Vec<String> = of_changes.into_iter().chain(of_drift).collect();
    match (parts.is_empty(), trend.is_judged()) {
        (true, false) => ("too few runs to judge".to_owned(), INK),
        (true, true) => ("no change shown".to_owned(), INK),
        (false, _) => (parts.join(", "), ink_of(trend.got_slower())),
    }
}

fn ink_of(slower: bool) -> RGBColor {
    if slower { VERMILION } else { GREEN }
}

/// Draws the levels between changes: dashed along a drift, grey where nothing was shown.
fn draw_description(area: &Area<'_>, plane: &Plane, trend: &Trend) -> anyhow::Result<()> {
    let described: Vec<(f64, f64)> =
        trend.points.iter().zip(trend.fit()).map(|(point, fit)| (point.run as f64, fit)).collect();
    let colour = if trend.has_moved() { INK } else { GREY };
    for segment in segments(described.len(), trend.breaks()) {
        let drifts = trend.drift.is_some() && trend.drifting.contains(&segment.start);
        let line = described.get(segment).unwrap_or_default().iter().copied();
        plane.draw_line(area, line, Look { dashed: drifts, ..Look::plain(colour) })?;
    }
    Ok(())
}

/// Draws a line between the two runs of each change, with its size above it.
fn draw_changes(area: &Area<'_>, plane: &Plane, trend: &Trend) -> anyhow::Result<()> {
    // Where another compiler or other flags begin.
    for start in trend.starts.iter().filter_map(|start| trend.points.get(*start)) {
        plane.draw_upright(area, start.run as f64 - 0.5, Look { dashed: true, ..Look::plain(GREY) })?;
    }
    let (_, right) = plane.x.ends_px();
    for change in &trend.changes {
        let Some((before, after)) = trend.around(change) else { continue };
        let at = f64::midpoint(before as f64, after as f64);
        let colour = ink_of(change.percent > 0.0);
        plane.draw_upright(area, at, Look::plain(colour))?;
        let size = format!("{:+.1} %", change.percent);
        // To the right of the line, unless the panel ends there.
        let left = plane.x.px(at) + 4;
        let left = if left + width_px(&size)? < right { left } else { left - 8 - width_px(&size)? };
        write(area, &size, (left, TOP_PX - 10), Align::Left, colour)?;
    }
    Ok(())
}

fn y_range(trend: &Trend) -> (f64, f64) {
    let ratios = || trend.points.iter().map(|point| point.ratio);
    let top = ratios().map(|ratio| ratio.upper.max(ratio.estimate)).fold(f64::MIN, f64::max);
    let bottom = ratios().map(|ratio| ratio.lower.min(ratio.estimate)).fold(f64::MAX, f64::min);
    // Not so tight that noise fills the page: at least 3 % of the value.
    let height = (top - bottom).max(0.03 * top);
    let low = f64::midpoint(top, bottom) - 0.58 * height;
    (low, low + 1.16 * height)
}
