//! A chart of lines with intervals, each labelled at its end.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::canvas::{INK, PALE, draw_svg, drawing, text};

/// A chart of lines.
pub(super) struct LineChart {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) x_label: String,
    pub(super) y_label: String,
    /// Whether `x` is logarithmic.
    pub(super) x_log: bool,
    /// Whether the vertical axis begins at 0.
    pub(super) y_from_zero: bool,
    pub(super) series: Vec<Series>,
}

/// A line of the chart.
pub(super) struct Series {
    pub(super) label: String,
    pub(super) colour: RGBColor,
    pub(super) dashed: bool,
    /// Points by rising `x`.
    pub(super) points: Vec<Point>,
}

/// A value with its interval.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
}

const SIZE_PX: (u32, u32) = (900, 520);
const LABEL_PX: u32 = 14;
/// Least distance between the baselines of two labels.
const LABEL_STEP_PX: i32 = 17;
const MARGIN_PX: i32 = 18;

impl LineChart {
    /// Returns the chart if a line can be drawn: at least one series has two points.
    pub(super) fn if_drawable(self) -> Option<Self> {
        self.series.iter().any(|series| series.points.len() > 1).then_some(self)
    }

    /// Draws the chart as SVG.
    pub(super) fn svg(&self) -> anyhow::Result<String> {
        draw_svg(SIZE_PX, |root| self.draw(root))
    }

    fn draw(&self, root: &DrawingArea<SVGBackend<'_>, Shift>) -> anyhow::Result<()> {
        root.draw(&Text::new(self.title.clone(), (MARGIN_PX, 14), text(20, INK))).map_err(drawing)?;
        root.draw(&Text::new(self.subtitle.clone(), (MARGIN_PX, 40), text(13, INK))).map_err(drawing)?;

        let labels_px = self.widest_label_px(root)? + 34;
        let (x, y) = (self.x_range(), self.y_range());
        let mut chart = ChartBuilder::on(root)
            .margin_top(66)
            .margin_right(labels_px)
            .margin_bottom(12)
            .margin_left(12)
            .x_label_area_size(48)
            .y_label_area_size(64)
            .build_cartesian_2d(x.0..x.1, y.0..y.1)
            .map_err(drawing)?;
        let y_step_decimals = if y.1 - y.0 < 0.5 {
            3
        } else if y.1 - y.0 < 8.0 {
            1
        } else {
            0
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(PALE.mix(0.5))
            .light_line_style(TRANSPARENT)
            .axis_style(PALE)
            .label_style(text(13, INK))
            .axis_desc_style(text(14, INK))
            .x_desc(&self.x_label)
            .y_desc(&self.y_label)
            .x_labels(0)
            .y_label_formatter(&|y| format!("{y:.y_step_decimals$}"))
            .draw()
            .map_err(drawing)?;

        // plotters places ticks at round numbers; here they stand where something was measured.
        for tick in self.x_ticks() {
            let (x_px, y_px) = chart.backend_coord(&(tick, y.0));
            let label = format!("{:.0}", if self.x_log { tick.exp2() } else { tick });
            let width = root.estimate_text_size(&label, &text(13, INK)).map_err(drawing)?.0 as i32;
            root.draw(&PathElement::new([(x_px, y_px), (x_px, y_px + 4)], PALE)).map_err(drawing)?;
            root.draw(&Text::new(label, (x_px - width / 2, y_px + 8), text(13, INK))).map_err(drawing)?;
        }

        let mut labels = Vec::new();
        for series in &self.series {
            let colour = series.colour;
            let at = |point: &Point| (self.x_of(point.x), point.y);
            let (points, stroke) = (series.points.iter().map(at), colour.stroke_width(2));
            if series.dashed {
                chart.draw_series(DashedLineSeries::new(points, 6, 4, stroke)).map_err(drawing)?;
            } else {
                chart.draw_series(LineSeries::new(points, stroke)).map_err(drawing)?;
            }
            for point in &series.points {
                let x = self.x_of(point.x);
                let bar = PathElement::new([(x, point.lower), (x, point.upper)], colour.stroke_width(2));
                chart.draw_series([bar]).map_err(drawing)?;
                chart.draw_series([Circle::new((x, point.y), 3, colour.filled())]).map_err(drawing)?;
            }
            if let Some(last) = series.points.last() {
                let heights = series.points.iter().map(|point| chart.backend_coord(&at(point)).1);
                let middle_px = heights.sum::<i32>() / series.points.len() as i32;
                let end_px = chart.backend_coord(&at(last));
                labels.push(Label { text: &series.label, colour, end_px, middle_px, y_px: 0 });
            }
        }
        let right_px = SIZE_PX.0 as i32 - labels_px as i32;
        spread(&mut labels, 66, SIZE_PX.1 as i32 - 72);
        for label in labels {
            let leader = [label.end_px, (right_px + 6, label.y_px), (right_px + 14, label.y_px)];
            root.draw(&PathElement::new(leader, label.colour.stroke_width(2))).map_err(drawing)?;
            let place = (right_px + 18, label.y_px - LABEL_PX as i32 / 2 + 1);
            root.draw(&Text::new(label.text, place, text(LABEL_PX, INK))).map_err(drawing)?;
        }
        Ok(())
    }

    fn widest_label_px(&self, root: &DrawingArea<SVGBackend<'_>, Shift>) -> anyhow::Result<u32> {
        let mut widest = 0;
        for series in &self.series {
            widest = widest.max(root.estimate_text_size(&series.label, &text(LABEL_PX, INK)).map_err(drawing)?.0);
        }
        Ok(widest)
    }

    fn x_of(&self, x: f64) -> f64 {
        if self.x_log { x.log2() } else { x }
    }

    fn x_ticks(&self) -> Vec<f64> {
        let mut ticks: Vec<f64> = self.points().map(|point| self.x_of(point.x)).collect();
        ticks.sort_by(f64::total_cmp);
        ticks.dedup();
        ticks
    }

    fn x_range(&self) -> (f64, f64) {
        let ticks = self.x_ticks();
        let (first, last) = (ticks.first().copied().unwrap_or(0.0), ticks.last().copied().unwrap_or(1.0));
        let pad = (last - first).max(1e-9) * 0.03;
        (first - pad, last + pad)
    }

    fn y_range(&self) -> (f64, f64) {
        let top = self.points().map(|point| point.upper.max(point.y)).fold(f64::MIN, f64::max);
        let bottom = self.points().map(|point| point.lower.min(point.y)).fold(f64::MAX, f64::min);
        if self.y_from_zero {
            return (0.0, top * 1.08);
        }
        // Not so tight that noise fills the page.
        let pad = ((top - bottom) * 0.1).max(0.01);
        (bottom - pad, top + pad)
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.series.iter().flat_map(|series| &series.points)
    }
}

struct Label<'a> {
    text: &'a str,
    colour: RGBColor,
    end_px: (i32, i32),
    /// Mean height of the line, in pixels.
    middle_px: i32,
    y_px: i32,
}

/// Ends of lines closer than this are taken for one place.
const TOUCHING_PX: i32 = 6;

/// Places labels beside the ends of their lines, and apart from each other, within the given range.
fn spread(labels: &mut [Label<'_>], top_px: i32, bottom_px: i32) {
    // Where lines end in one place, their labels stand in the order of the lines themselves.
    labels.sort_by_key(|label| (label.end_px.1 / TOUCHING_PX, label.middle_px));
    let mut lowest_free = top_px;
    for label in labels.iter_mut() {
        label.y_px = label.end_px.1.max(lowest_free);
        lowest_free = label.y_px + LABEL_STEP_PX;
    }
    let mut highest_free = bottom_px;
    for label in labels.iter_mut().rev() {
        label.y_px = label.y_px.min(highest_free);
        highest_free = label.y_px - LABEL_STEP_PX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_apart_and_within_the_page() {
        let label = |y| Label { text: "", colour: INK, end_px: (0, y), middle_px: y, y_px: 0 };
        let mut labels = [label(100), label(101), label(300), label(399), label(400)];
        spread(&mut labels, 50, 400);
        let places: Vec<i32> = labels.iter().map(|label| label.y_px).collect();
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_STEP_PX), "{places:?}");
        assert_eq!((places[0], places[2], places[4]), (100, 300, 400));
    }
}
