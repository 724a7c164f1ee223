//! Lines with intervals, each labelled at its end.

use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::labels::spread;
use super::scale::Scale;
use super::theme::{INK, RULE};
use super::{Align, Area, Look, Value, WIDTH_PX, dot, stroke, theme, tick_label, width_px, write};
use crate::report::plots::canvas::drawing;

/// A chart of lines.
pub(in crate::report) struct LineChart {
    pub(in crate::report) x: XAxis,
    /// Title of the vertical axis, with its unit.
    pub(in crate::report) y_title: String,
    /// Whether the vertical axis is logarithmic.
    pub(in crate::report) is_y_log: bool,
    /// A height that is marked because nothing changes there.
    pub(in crate::report) mark: Option<f64>,
    pub(in crate::report) series: Vec<Series>,
}

/// The horizontal axis, with ticks where something was measured.
pub(in crate::report) struct XAxis {
    pub(in crate::report) title: String,
    pub(in crate::report) is_log: bool,
    pub(in crate::report) ticks: Vec<(f64, String)>,
}

/// A line of the chart.
pub(in crate::report) struct Series {
    pub(in crate::report) label: String,
    pub(in crate::report) look: Look,
    /// Points by rising `x`.
    pub(in crate::report) points: Vec<(f64, Value)>,
}

const HEIGHT_PX: i32 = 420;
const TOP_PX: i32 = 34;
const BOTTOM_PX: i32 = HEIGHT_PX - 60;
/// Distance from the end of the plot to its labels.
const LEADER_PX: i32 = 20;
const LINE_PX: u32 = 2;

impl LineChart {
    /// Draws the chart as SVG.
    pub(in crate::report) fn svg(&self, label: &str) -> anyhow::Result<String> {
        theme::svg(HEIGHT_PX, label, |area| self.draw(area))
    }

    fn draw(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let values = self.series.iter().flat_map(|series| &series.points).map(|(_, value)| value);
        let heights = values.flat_map(|value| [value.lower, value.middle, value.upper]).chain(self.mark);
        let y = Scale::around(heights, self.is_y_log, (BOTTOM_PX, TOP_PX));
        let y_ticks: Vec<(f64, String)> = y.ticks().into_iter().map(|tick| (tick, tick_label(tick))).collect();
        let left = widest_px(area, y_ticks.iter().map(|(_, label)| label))? + 10;
        let right = WIDTH_PX - widest_px(area, self.series.iter().map(|series| &series.label))? - LEADER_PX - 6;
        let x = Scale::around(self.x.ticks.iter().map(|(at, _)| *at), self.x.is_log, (left, right));

        write(area, &self.y_title, (2, 12), Align::Left, INK)?;
        for (tick, label) in &y_ticks {
            stroke(area, &[(left, y.px(*tick)), (right, y.px(*tick))], RULE, 1)?;
            write(area, label, (left - 6, y.px(*tick)), Align::Right, INK)?;
        }
        if let Some(mark) = self.mark {
            stroke(area, &[(left, y.px(mark)), (right, y.px(mark))], INK, 1)?;
        }
        self.draw_x_axis(area, x, (left, right))?;
        for series in &self.series {
            draw_series(area, series, x, y)?;
        }
        self.draw_labels(area, x, y, right)
    }

    fn draw_x_axis(&self, area: &Area<'_>, x: Scale, (left, right): (i32, i32)) -> anyhow::Result<()> {
        stroke(area, &[(left, BOTTOM_PX), (right, BOTTOM_PX)], INK, 1)?;
        let mut free_px = i32::MIN;
        for (tick, label) in &self.x.ticks {
            let (at, half) = (x.px(*tick), width_px(area, label)? / 2);
            stroke(area, &[(at, BOTTOM_PX), (at, BOTTOM_PX + 5)], INK, 1)?;
            // A label that would run into the one before it is left out; its tick stays.
            if at - half > free_px {
                write(area, label, (at, BOTTOM_PX + 17), Align::Middle, INK)?;
                free_px = at + half + 4;
            }
        }
        // Under the plot, but never beyond the edge of the page.
        let half = width_px(area, &self.x.title)? / 2;
        let middle = left.midpoint(right).max(half + 2);
        write(area, &self.x.title, (middle, BOTTOM_PX + 45), Align::Middle, INK)
    }

    fn draw_labels(&self, area: &Area<'_>, x: Scale, y: Scale, right: i32) -> anyhow::Result<()> {
        let ends: Vec<(i32, i32)> = self
            .series
            .iter()
            .filter_map(|series| series.points.last())
            .map(|(at, value)| (x.px(*at), y.px(value.middle)))
            .collect();
        let wanted: Vec<i32> = ends.iter().map(|(_, height)| *height).collect();
        let drawn = self.series.iter().filter(|series| !series.points.is_empty());
        for ((series, end), at) in drawn.zip(ends).zip(spread(&wanted, (TOP_PX, BOTTOM_PX))) {
            stroke(area, &[end, (right + LEADER_PX - 8, at), (right + LEADER_PX - 2, at)], series.look.colour, 1)?;
            write(area, &series.label, (right + LEADER_PX + 2, at), Align::Left, INK)?;
        }
        Ok(())
    }
}

fn draw_series(area: &Area<'_>, series: &Series, x: Scale, y: Scale) -> anyhow::Result<()> {
    let look = series.look;
    let path: Vec<(i32, i32)> = series.points.iter().map(|(at, value)| (x.px(*at), y.px(value.middle))).collect();
    if look.dashed {
        let dashes = DashedPathElement::new(path, 6, 5, look.colour.stroke_width(LINE_PX));
        area.draw(&dashes).map_err(drawing)?;
    } else {
        stroke(area, &path, look.colour, LINE_PX)?;
    }
    for (at, value) in &series.points {
        let at = x.px(*at);
        let (lower, upper) = (y.px(value.lower), y.px(value.upper));
        stroke(area, &[(at, lower), (at, upper)], look.colour, LINE_PX)?;
        for end in [lower, upper] {
            stroke(area, &[(at - 4, end), (at + 4, end)], look.colour, 1)?;
        }
        dot(area, (at, y.px(value.middle)), look)?;
    }
    Ok(())
}

fn widest_px<'a>(area: &Area<'_>, texts: impl Iterator<Item = &'a String>) -> anyhow::Result<i32> {
    let mut widest = 0;
    for text in texts {
        widest = widest.max(width_px(area, text)?);
    }
    Ok(widest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::theme::tests::assert_themed;

    #[test]
    fn a_line_is_drawn_with_its_intervals_and_labelled_once() {
        let value = |middle: f64| Value { middle, lower: middle * 0.9, upper: middle * 1.1 };
        let series = |label: &str, dashed| Series {
            label: label.to_owned(),
            look: Look { dashed, ..theme::look_of("prod") },
            points: vec![(1.0, value(900.0)), (64.0, value(300.0))],
        };
        let chart = LineChart {
            x: XAxis { title: "tokens".to_owned(), is_log: true, ticks: vec![(1.0, "1".into()), (64.0, "64".into())] },
            y_title: "ns".to_owned(),
            is_y_log: true,
            mark: None,
            series: vec![series("prod", false), series("prod, 2 threads", true)],
        };
        let svg = chart.svg("time").unwrap();
        assert_themed(&svg);
        for text in ["\nprod\n", "\nprod, 2 threads\n", "\n64\n", "\n500\n", "\ntokens\n", "\nns\n"] {
            assert_eq!(svg.matches(text).count(), 1, "{text}: {svg}");
        }
    }
}
