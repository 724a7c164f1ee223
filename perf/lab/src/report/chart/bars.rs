//! A chart of bars made of parts, one below the other. The key to the parts stands above them, in their order.

use plotters::prelude::*;

use super::axis::{self, AXIS_PX, numbers};
use super::canvas::drawing;
use super::scale::Scale;
use super::theme::{INK, PAPER};
use super::{Align, Area, Chart, page_px, stroke, width_px, write};

/// A chart of bars made of parts.
pub(in crate::report) struct BarChart {
    /// Title of the axis, with its unit.
    pub(in crate::report) x_title: String,
    /// Names of the parts, in order, with their colours.
    pub(in crate::report) parts: Vec<(String, RGBColor)>,
    pub(in crate::report) bars: Vec<Bar>,
}

/// A bar of the chart.
pub(in crate::report) struct Bar {
    pub(in crate::report) label: String,
    /// Lengths, in the order of the parts.
    pub(in crate::report) lengths: Vec<f64>,
}

const LINE_PX: i32 = 24;
const BAR_PX: i32 = 20;
const GAP_PX: i32 = 10;
const SWATCH_PX: i32 = 14;

impl Chart for BarChart {
    fn height_px(&self, width_px: i32) -> anyhow::Result<i32> {
        let (_, key_px) = self.key(width_px)?;
        Ok(key_px + self.bars.len() as i32 * (LINE_PX + BAR_PX + GAP_PX) + AXIS_PX)
    }

    fn draw(&self, area: &Area<'_>) -> anyhow::Result<()> {
        let (places, mut y) = self.key(page_px(area))?;
        for ((name, colour), (x, y)) in self.parts.iter().zip(places) {
            fill(area, (x, y + 4), (x + SWATCH_PX, y + 4 + SWATCH_PX), *colour)?;
            write(area, name, (x + SWATCH_PX + 5, y + LINE_PX / 2), Align::Left, INK)?;
        }
        let longest = self.bars.iter().map(|bar| bar.lengths.iter().sum::<f64>()).fold(f64::MIN_POSITIVE, f64::max);
        let x = Scale::linear((0.0, longest * 1.02), (4, page_px(area) - 24));
        for bar in &self.bars {
            self.draw_bar(area, bar, x, y)?;
            y += LINE_PX + BAR_PX + GAP_PX;
        }
        axis::draw(area, x, &numbers(x), &self.x_title, y)
    }
}

impl BarChart {
    /// Where each part stands in the key, which takes as many lines as it needs, and where the key ends.
    fn key(&self, page_px: i32) -> anyhow::Result<(Vec<(i32, i32)>, i32)> {
        let (mut x, mut y) = (4, 0);
        let mut places = Vec::with_capacity(self.parts.len());
        for (name, _) in &self.parts {
            let width = SWATCH_PX + 5 + width_px(name)? + 14;
            if x + width > page_px {
                (x, y) = (4, y + LINE_PX);
            }
            places.push((x, y));
            x += width;
        }
        Ok((places, y + LINE_PX + GAP_PX))
    }

    fn draw_bar(&self, area: &Area<'_>, bar: &Bar, x: Scale, y: i32) -> anyhow::Result<()> {
        write(area, &bar.label, (4, y + LINE_PX / 2), Align::Left, INK)?;
        let mut from = 0.0;
        for (length, (_, colour)) in bar.lengths.iter().zip(&self.parts) {
            let to = from + length;
            let (left, right) = (x.px(from), x.px(to));
            fill(area, (left, y + LINE_PX), (right, y + LINE_PX + BAR_PX), *colour)?;
            // A seam of paper: parts are told apart without their colours too.
            stroke(area, &[(right, y + LINE_PX), (right, y + LINE_PX + BAR_PX)], PAPER, 1)?;
            from = to;
        }
        Ok(())
    }
}

fn fill(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> anyhow::Result<()> {
    area.draw(&Rectangle::new([from, to], colour.filled())).map_err(drawing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::theme::tests::assert_themed;
    use crate::report::chart::theme::{BLUE, ORANGE, Theme};

    #[test]
    fn every_part_is_named_and_drawn_in_every_bar() {
        let bar = |label: &str| Bar { label: label.to_owned(), lengths: vec![100.0, 400.0] };
        let chart = BarChart {
            x_title: "ns per token".to_owned(),
            parts: vec![("decode".to_owned(), BLUE), ("mac".to_owned(), ORANGE)],
            bars: vec![bar("plain"), bar("prod")],
        };
        let svg = Theme::Page.svg(&chart, "stages", "").unwrap();
        assert_themed(&svg);
        assert_eq!(svg.matches("fill=\"var(--blue)\"").count(), 3, "{svg}");
        for text in ["\ndecode\n", "\nmac\n", "\nplain\n", "\nprod\n", "\n400\n", "\nns per token\n"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
    }
}
