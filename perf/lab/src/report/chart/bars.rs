//! A chart of bars made of parts, one below the other. The key to the parts stands above them, in their order.

use plotters::prelude::*;

use super::scale::Scale;
use super::theme::{INK, PAPER, RULE};
use super::{Align, Area, WIDTH_PX, stroke, theme, tick_label, width_px, write};
use crate::report::plots::canvas::drawing;

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
const BOTTOM_PX: i32 = 58;
const SWATCH_PX: i32 = 14;

impl BarChart {
    /// Draws the chart as SVG.
    pub(in crate::report) fn svg(&self, label: &str) -> anyhow::Result<String> {
        // The key takes as many lines as it needs, which only a first drawing tells.
        let mut key_px = 0;
        theme::svg(LINE_PX, label, |area| {
            key_px = self.draw_key(area)?;
            Ok(())
        })?;
        let height = key_px + self.bars.len() as i32 * (LINE_PX + BAR_PX + GAP_PX) + BOTTOM_PX;
        theme::svg(height, label, |area| {
            self.draw_key(area)?;
            self.draw_bars(area, key_px)?;
            self.draw_axis(area, height - BOTTOM_PX)
        })
    }

    fn x(&self) -> Scale {
        let longest = self.bars.iter().map(|bar| bar.lengths.iter().sum::<f64>()).fold(f64::MIN_POSITIVE, f64::max);
        Scale::from_zero(longest * 1.02, (4, WIDTH_PX - 24))
    }

    /// Draws the key to the parts and returns where it ends.
    fn draw_key(&self, area: &Area<'_>) -> anyhow::Result<i32> {
        let (mut x, mut y) = (4, 0);
        for (name, colour) in &self.parts {
            let width = SWATCH_PX + 5 + width_px(area, name)? + 14;
            if x + width > WIDTH_PX {
                (x, y) = (4, y + LINE_PX);
            }
            fill(area, (x, y + 4), (x + SWATCH_PX, y + 4 + SWATCH_PX), *colour)?;
            write(area, name, (x + SWATCH_PX + 5, y + LINE_PX / 2), Align::Left, INK)?;
            x += width;
        }
        Ok(y + LINE_PX + GAP_PX)
    }

    fn draw_bars(&self, area: &Area<'_>, top: i32) -> anyhow::Result<()> {
        let x = self.x();
        for (index, bar) in (0..).zip(&self.bars) {
            let y = top + index * (LINE_PX + BAR_PX + GAP_PX);
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
        }
        Ok(())
    }

    fn draw_axis(&self, area: &Area<'_>, y: i32) -> anyhow::Result<()> {
        let x = self.x();
        stroke(area, &[(4, y), (WIDTH_PX - 24, y)], RULE, 1)?;
        for tick in x.ticks() {
            stroke(area, &[(x.px(tick), y), (x.px(tick), y + 5)], INK, 1)?;
            // The first one would begin left of the page.
            let align = if tick == 0.0 { Align::Left } else { Align::Middle };
            write(area, &tick_label(tick), (x.px(tick), y + 17), align, INK)?;
        }
        write(area, &self.x_title, (WIDTH_PX / 2, y + 44), Align::Middle, INK)
    }
}

fn fill(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> anyhow::Result<()> {
    area.draw(&Rectangle::new([from, to], colour.filled())).map_err(drawing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::theme::tests::assert_themed;

    #[test]
    fn every_part_is_named_and_drawn_in_every_bar() {
        let bar = |label: &str| Bar { label: label.to_owned(), lengths: vec![100.0, 400.0] };
        let chart = BarChart {
            x_title: "ns per token".to_owned(),
            parts: vec![("decode".to_owned(), theme::BLUE), ("mac".to_owned(), theme::ORANGE)],
            bars: vec![bar("plain"), bar("prod")],
        };
        let svg = chart.svg("stages").unwrap();
        assert_themed(&svg);
        assert_eq!(svg.matches("fill=\"var(--blue)\"").count(), 3, "{svg}");
        for text in ["\ndecode\n", "\nmac\n", "\nplain\n", "\nprod\n", "\n400\n", "\nns per token\n"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
    }
}
