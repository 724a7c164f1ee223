//! Dots with intervals, in groups: a group for each name, a line for each of its cases, with the value at its end.

use super::axis::{self, AXIS_PX, numbers};
use super::scale::Scale;
use super::theme::{INK, RULE};
use super::{Align, Area, Chart, DOT_PX, Look, Value, dot, page_px, stroke, widest_px, width_px, write};

/// A chart of dots. Its axis is logarithmic; 1 is marked.
pub(in crate::report) struct DotChart {
    /// Title of the axis, with its unit.
    pub(in crate::report) x_title: String,
    pub(in crate::report) groups: Vec<DotGroup>,
}

/// A group of dots: a name with its cases.
pub(in crate::report) struct DotGroup {
    pub(in crate::report) label: String,
    pub(in crate::report) look: Look,
    pub(in crate::report) dots: Vec<Dot>,
}

/// A case of a group.
pub(in crate::report) struct Dot {
    pub(in crate::report) label: String,
    pub(in crate::report) value: Value,
}

const TOP_PX: i32 = 8;
const HEAD_PX: i32 = 25;
const LINE_PX: i32 = 22;
const GAP_PX: i32 = 9;
/// Indentation of the names of cases.
const INDENT_PX: i32 = 12;

impl Chart for DotChart {
    fn height_px(&self, _: i32) -> anyhow::Result<i32> {
        let heights = self.groups.iter().map(|group| HEAD_PX + GAP_PX + group.dots.len() as i32 * LINE_PX);
        Ok(TOP_PX + heights.sum::<i32>() + AXIS_PX)
    }

    fn draw(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let dots = || self.groups.iter().flat_map(|group| &group.dots);
        let left = INDENT_PX + widest_px(dots().map(|dot| &dot.label))? + 12;
        let right = page_px(area) - width_px("00.00×")? - 14;
        let values = dots().flat_map(|dot| [dot.value.lower, dot.value.upper]).chain([1.0]);
        let x = Scale::around(values, true, (left, right));

        let mut y = TOP_PX;
        for group in &self.groups {
            write(area, &group.label, (2, y + HEAD_PX / 2), Align::Left, INK)?;
            y += HEAD_PX;
            let foot = y + group.dots.len() as i32 * LINE_PX;
            // The grid stands behind the dots only: names are easier to read without.
            for tick in x.ticks() {
                stroke(area, &[(x.px(tick), y), (x.px(tick), foot)], RULE, 1)?;
            }
            stroke(area, &[(x.px(1.0), y), (x.px(1.0), foot)], INK, 1)?;
            for case in &group.dots {
                draw_case(area, case, group.look, x, y + LINE_PX / 2)?;
                y += LINE_PX;
            }
            y += GAP_PX;
        }
        axis::draw(area, x, &numbers(x), &self.x_title, y)
    }
}

fn draw_case(area: &Area<'_>, case: &Dot, look: Look, x: Scale, y: i32) -> anyhow::Result<()> {
    let Value { middle, lower, upper } = case.value;
    write(area, &case.label, (INDENT_PX, y), Align::Left, INK)?;
    stroke(area, &[(x.px(lower), y), (x.px(upper), y)], look.colour, 2)?;
    // Ends that lie within the dot would only smudge it.
    for end in [lower, upper].map(|end| x.px(end)).into_iter().filter(|end| end.abs_diff(x.px(middle)) > DOT_PX) {
        stroke(area, &[(end, y - 5), (end, y + 5)], look.colour, 2)?;
    }
    dot(area, (x.px(middle), y), look)?;
    write(area, &format!("{middle:.2}×"), (page_px(area) - 4, y), Align::Right, INK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::theme::tests::assert_themed;
    use crate::report::chart::theme::{Theme, look_of};

    #[test]
    fn every_case_shows_its_value() {
        let dot = |label: &str, middle: f64| Dot {
            label: label.to_owned(),
            value: Value { middle, lower: middle * 0.98, upper: middle * 1.02 },
        };
        let chart = DotChart {
            x_title: "times as fast".to_owned(),
            groups: vec![DotGroup {
                label: "prod".to_owned(),
                look: look_of("prod"),
                dots: vec![dot("batch 1", 4.0), dot("batch 64", 8.5)],
            }],
        };
        let svg = Theme::Page.svg(&chart, "speed-up", "").unwrap();
        assert_themed(&svg);
        for text in ["\nprod\n", "\nbatch 64\n", "\n8.50×\n", "\n4.00×\n", "\n5\n", "\ntimes as fast\n"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
    }
}
