//! Lines with intervals, each labelled at its end.

use super::axis::{self, AXIS_PX};
use super::labels::spread;
use super::plane::Plane;
use super::scale::Scale;
use super::theme::INK;
use super::{Align, Area, Chart, Look, Value, page_px, stroke, widest_px, write};

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
const BOTTOM_PX: i32 = HEIGHT_PX - AXIS_PX;
/// Distance from the end of the plot to its labels.
const LEADER_PX: i32 = 20;

impl Chart for LineChart {
    fn height_px(&self, _: i32) -> anyhow::Result<i32> {
        Ok(HEIGHT_PX)
    }

    fn draw(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let values = self.series.iter().flat_map(|series| &series.points).map(|(_, value)| value);
        let heights = values.flat_map(|value| [value.lower, value.middle, value.upper]).chain(self.mark);
        let y = Scale::around(heights, self.is_y_log, (BOTTOM_PX, TOP_PX));
        let right = page_px(area) - widest_px(self.series.iter().map(|series| &series.label))? - LEADER_PX - 6;
        let measured = self.x.ticks.iter().map(|(at, _)| *at);
        let plane = Plane::new(y, right, |ends| Scale::around(measured, self.x.is_log, ends))?;

        write(area, &self.y_title, (2, 12), Align::Left, INK)?;
        plane.draw_grid(area)?;
        if let Some(mark) = self.mark {
            plane.draw_level(area, mark, Look::plain(INK))?;
        }
        axis::draw(area, plane.x, &self.x.ticks, &self.x.title, BOTTOM_PX)?;
        for Series { look, points, .. } in &self.series {
            plane.draw_line(area, points.iter().map(|(at, value)| (*at, value.middle)), *look)?;
            for (at, value) in points {
                plane.draw_value(area, *at, *value, *look)?;
            }
        }
        self.draw_labels(area, &plane, right)
    }
}

impl LineChart {
    fn draw_labels(&self, area: &Area<'_>, Plane { x, y, .. }: &Plane, right: i32) -> anyhow::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::theme::tests::assert_themed;
    use crate::report::chart::theme::{Theme, look_of};

    #[test]
    fn a_line_is_drawn_with_its_intervals_and_labelled_once() {
        let value = |middle: f64| Value { middle, lower: middle * 0.9, upper: middle * 1.1 };
        let series = |label: &str, dashed| Series {
            label: label.to_owned(),
            look: Look { dashed, ..look_of("prod") },
            points: vec![(1.0, value(900.0)), (64.0, value(300.0))],
        };
        let chart = LineChart {
            x: XAxis { title: "tokens".to_owned(), is_log: true, ticks: vec![(1.0, "1".into()), (64.0, "64".into())] },
            y_title: "ns".to_owned(),
            is_y_log: true,
            mark: None,
            series: vec![series("prod", false), series("prod, 2 threads", true)],
        };
        let svg = Theme::Page.svg(&chart, "time", "").unwrap();
        assert_themed(&svg);
        for text in ["\nprod\n", "\nprod, 2 threads\n", "\n64\n", "\n500\n", "\ntokens\n", "\nns\n"] {
            assert_eq!(svg.matches(text).count(), 1, "{text}: {svg}");
        }
    }
}
