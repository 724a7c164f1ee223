//! Charts for a page that is read on a phone, on a screen and on paper.
//!
//! | file | holds |
//! |---|---|
//! | [`lines`] | lines with intervals, each labelled at its end |
//! | [`dots`] | dots with intervals, in groups |
//! | [`bars`] | bars made of parts |
//! | [`reach`] | dots of each case joined by a line, with what that comes to |
//! | `scale`, `labels` | from values to pixels; labels that keep apart |
//! | [`theme`] | colours as CSS variables: the page says what is light and what is dark |
//!
//! All are drawn at the width of a phone and scaled up from there: what can be read on the smallest page can be read
//! on every other.

pub(in crate::report) mod bars;
pub(in crate::report) mod dots;
mod labels;
pub(in crate::report) mod lines;
pub(in crate::report) mod reach;
mod scale;
pub(in crate::report) mod theme;

use fairbench::measure::stats::{PairedRatio, Quartiles};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::plots::canvas::{drawing, text};

/// Width of every chart, in pixels of its own.
const WIDTH_PX: i32 = 480;
/// Size of all text as plotters counts it, which is 16 pixels of the SVG: 11 where the page leaves 330 to a chart.
const TEXT_PX: u32 = 20;

/// Radius of a dot in pixels.
const DOT_PX: u32 = 4;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Value {
    pub(in crate::report) middle: f64,
    pub(in crate::report) lower: f64,
    pub(in crate::report) upper: f64,
}

impl From<PairedRatio> for Value {
    fn from(PairedRatio { estimate, lower, upper }: PairedRatio) -> Self {
        Self { middle: estimate, lower, upper }
    }
}

impl From<Quartiles> for Value {
    fn from(Quartiles { q1, median, q3 }: Quartiles) -> Self {
        Self { middle: median, lower: q1, upper: q3 }
    }
}

/// How a line or a dot is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Look {
    pub(in crate::report) colour: RGBColor,
    pub(in crate::report) dashed: bool,
    /// Whether its dots are rings.
    pub(in crate::report) hollow: bool,
}

impl Look {
    pub(in crate::report) const fn plain(colour: RGBColor) -> Self {
        Self { colour, dashed: false, hollow: false }
    }
}

/// How text is aligned with its place.
#[derive(Clone, Copy)]
enum Align {
    Left,
    Middle,
    Right,
}

/// Writes text whose middle is at this height.
fn write(area: &Area<'_>, content: &str, place: (i32, i32), align: Align, colour: RGBColor) -> anyhow::Result<()> {
    let horizontal = match align {
        Align::Left => HPos::Left,
        Align::Middle => HPos::Center,
        Align::Right => HPos::Right,
    };
    let style = text(TEXT_PX, colour).pos(Pos::new(horizontal, VPos::Center));
    area.draw(&Text::new(content.to_owned(), place, style)).map_err(drawing)
}

/// Width of a text in pixels, in a font that is as wide as any that a page is likely to be read in.
fn width_px(area: &Area<'_>, content: &str) -> anyhow::Result<i32> {
    Ok(area.estimate_text_size(content, &text(TEXT_PX, theme::INK)).map_err(drawing)?.0 as i32)
}

fn stroke(area: &Area<'_>, path: &[(i32, i32)], colour: RGBColor, width_px: u32) -> anyhow::Result<()> {
    area.draw(&PathElement::new(path.to_vec(), colour.stroke_width(width_px))).map_err(drawing)
}

fn dot(area: &Area<'_>, place: (i32, i32), look: Look) -> anyhow::Result<()> {
    area.draw(&Circle::new(place, DOT_PX, look.colour.filled())).map_err(drawing)?;
    if look.hollow {
        area.draw(&Circle::new(place, DOT_PX / 2, theme::PAPER.filled())).map_err(drawing)?;
    }
    Ok(())
}

/// A number on an axis, with as many digits as it has.
fn tick_label(value: f64) -> String {
    if value >= 1e6 {
        return format!("{}M", value / 1e6);
    }
    // Sums of steps such as 0.1 are off by a hair.
    format!("{}", (value * 1e6).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_an_axis_are_short() {
        for (value, label) in [(0.1 + 0.2, "0.3"), (1.0, "1"), (20_000.0, "20000"), (2e6, "2M")] {
            assert_eq!(tick_label(value), label);
        }
    }
}
