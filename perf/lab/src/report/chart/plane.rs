//! Two axes, and what stands between them: lines, values with their intervals, marks.

use super::axis::numbers;
use super::scale::Scale;
use super::theme::{INK, RULE};
use super::{Align, Area, Look, Value, dot, stroke, trace, widest_px, write};

const LINE_PX: u32 = 2;

/// The axes of a chart of lines.
pub(super) struct Plane {
    pub(super) x: Scale,
    pub(super) y: Scale,
    /// Heights with their numbers.
    heights: Vec<(f64, String)>,
}

impl Plane {
    /// Puts numbers at the left of a scale of heights, and a scale that `x` makes between those and `right_px`.
    pub(super) fn new(y: Scale, right_px: i32, x: impl FnOnce((i32, i32)) -> Scale) -> anyhow::Result<Self> {
        let heights = numbers(y);
        let left_px = widest_px(heights.iter().map(|(_, number)| number))? + 10;
        Ok(Self { x: x((left_px, right_px)), y, heights })
    }

    /// Draws the grid with its numbers.
    pub(super) fn draw_grid(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let (left, right) = self.x.ends_px();
        for (height, number) in &self.heights {
            let y = self.y.px(*height);
            stroke(area, &[(left, y), (right, y)], RULE, 1)?;
            write(area, number, (left - 6, y), Align::Right, INK)?;
        }
        Ok(())
    }

    /// Draws a line over the whole width.
    pub(super) fn draw_level(&self, area: &Area<'_>, height: f64, look: Look) -> anyhow::Result<()> {
        let ((left, right), y) = (self.x.ends_px(), self.y.px(height));
        trace(area, vec![(left, y), (right, y)], look, 1)
    }

    /// Draws a line over the whole height.
    pub(super) fn draw_upright(&self, area: &Area<'_>, at: f64, look: Look) -> anyhow::Result<()> {
        let ((bottom, top), x) = (self.y.ends_px(), self.x.px(at));
        trace(area, vec![(x, bottom), (x, top)], look, 1)
    }

    /// Draws a line through these points.
    pub(super) fn draw_line(
        &self,
        area: &Area<'_>,
        points: impl Iterator<Item = (f64, f64)>,
        look: Look,
    ) -> anyhow::Result<()> {
        trace(area, points.map(|(at, height)| (self.x.px(at), self.y.px(height))).collect(), look, LINE_PX)
    }

    /// Draws a dot with its interval.
    pub(super) fn draw_value(&self, area: &Area<'_>, at: f64, value: Value, look: Look) -> anyhow::Result<()> {
        let at = self.x.px(at);
        let (lower, upper) = (self.y.px(value.lower), self.y.px(value.upper));
        stroke(area, &[(at, lower), (at, upper)], look.colour, LINE_PX)?;
        for end in [lower, upper] {
            stroke(area, &[(at - 4, end), (at + 4, end)], look.colour, 1)?;
        }
        dot(area, (at, self.y.px(value.middle)), look)
    }
}
