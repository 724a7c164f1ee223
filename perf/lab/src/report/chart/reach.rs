//! How far each of several cases reaches from where others stand: a line from the first dot to the last, one case below
//! the other, with what that comes to at its end. The key to the dots stands above them.

use super::axis::{self, AXIS_PX, numbers};
use super::scale::Scale;
use super::theme::{INK, RULE};
use super::{Align, Area, Chart, Look, Value, dot, page_px, stroke, widest_px, width_px, write};

/// A chart of dots joined by lines. Its axis is logarithmic.
pub(in crate::report) struct ReachChart {
    /// Title of the axis, with its unit.
    pub(in crate::report) x_title: String,
    /// What the dots of every case stand for, in order.
    pub(in crate::report) series: Vec<(String, Look)>,
    pub(in crate::report) cases: Vec<ReachRow>,
}

/// A case of the chart.
pub(in crate::report) struct ReachRow {
    pub(in crate::report) label: String,
    /// A dot for each of the series that was measured.
    pub(in crate::report) values: Vec<Option<Value>>,
    /// Text at the end of the line, which says what it comes to.
    pub(in crate::report) end: String,
}

const KEY_PX: i32 = 26;
const LINE_PX: i32 = 22;
const GAP_PX: i32 = 6;

impl Chart for ReachChart {
    fn height_px(&self, _: i32) -> anyhow::Result<i32> {
        Ok(self.bottom_px() + AXIS_PX)
    }

    fn draw(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let left = widest_px(self.cases.iter().map(|case| &case.label))? + 14;
        let right = page_px(area) - widest_px(self.cases.iter().map(|case| &case.end))? - 14;
        let values = self.cases.iter().flat_map(|case| case.values.iter().flatten());
        let x = Scale::around(values.flat_map(|value| [value.lower, value.upper]), true, (left, right));
        self.draw_key(area)?;
        let bottom = self.bottom_px();
        for tick in x.ticks() {
            stroke(area, &[(x.px(tick), KEY_PX), (x.px(tick), bottom)], RULE, 1)?;
        }
        axis::draw(area, x, &numbers(x), &self.x_title, bottom)?;
        for (index, case) in (0..).zip(&self.cases) {
            self.draw_case(area, case, x, KEY_PX + GAP_PX / 2 + index * LINE_PX + LINE_PX / 2)?;
        }
        Ok(())
    }
}

impl ReachChart {
    const fn bottom_px(&self) -> i32 {
        KEY_PX + self.cases.len() as i32 * LINE_PX + GAP_PX
    }

    fn draw_key(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let mut x = 6;
        for (name, look) in &self.series {
            dot(area, (x, KEY_PX / 2), *look)?;
            write(area, name, (x + 10, KEY_PX / 2), Align::Left, INK)?;
            x += 10 + width_px(name)? + 20;
        }
        Ok(())
    }

    fn draw_case(&self, area: &Area<'_>, case: &ReachRow, x: Scale, y: i32) -> anyhow::Result<()> {
        write(area, &case.label, (2, y), Align::Left, INK)?;
        let middles = || case.values.iter().flatten().map(|value| x.px(value.middle));
        if let Some((from, to)) = middles().min().zip(middles().max()) {
            stroke(area, &[(from, y), (to, y)], INK, 2)?;
        }
        for (value, (_, look)) in case.values.iter().zip(&self.series) {
            if let Some(value) = value {
                dot(area, (x.px(value.middle), y), *look)?;
            }
        }
        write(area, &case.end, (page_px(area) - 2, y), Align::Right, INK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::theme::tests::assert_themed;
    use crate::report::chart::theme::{Theme, look_of};

    #[test]
    fn every_case_has_its_dots_and_its_end_and_what_was_not_measured_has_none() {
        let value = |middle: f64| Some(Value { middle, lower: middle, upper: middle });
        let chart = ReachChart {
            x_title: "million tokens".to_owned(),
            series: vec![("plain".to_owned(), look_of("plain")), ("to run".to_owned(), look_of("prod"))],
            cases: vec![
                ReachRow { label: "light 1".to_owned(), values: vec![value(0.4), value(1.3)], end: "3.3×".to_owned() },
                ReachRow { label: "light 64".to_owned(), values: vec![None, value(2.0)], end: String::new() },
            ],
        };
        let svg = Theme::Page.svg(&chart, "rates", "").unwrap();
        assert_themed(&svg);
        for text in ["\nlight 1\n", "\nlight 64\n", "\n3.3×\n", "\nplain\n", "\nto run\n", "\nmillion tokens\n"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert_eq!(svg.matches("<circle").count(), 2 + 3);
    }
}
