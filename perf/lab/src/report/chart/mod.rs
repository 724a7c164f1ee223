//! Charts: how they are drawn. Which there are is in [`figures`](crate::report::figures).
//!
//! | file | holds |
//! |---|---|
//! | [`lines`] | lines with intervals, each labelled at its end |
//! | [`dots`] | dots with intervals, in groups |
//! | [`bars`] | bars made of parts |
//! | [`reach`] | dots of each case joined by a line, with what that comes to |
//! | [`trend`] | a history as small multiples |
//! | `plane`, `axis`, `scale` | from values to pixels, and the axes that say so |
//! | `labels` | labels that keep apart |
//! | [`theme`] | the two places of a chart, with the colours of both: on a page, and in a file of its own |
//! | [`canvas`] | SVG and PNG |
//!
//! All text has the size that can be read where a page leaves 480 pixels to a chart: what can be read on the smallest
//! page can be read everywhere.

mod axis;
pub(in crate::report) mod bars;
pub(in crate::report) mod canvas;
pub(in crate::report) mod dots;
mod labels;
pub(in crate::report) mod lines;
mod plane;
pub(in crate::report) mod reach;
mod scale;
pub(in crate::report) mod theme;
pub(in crate::report) mod trend;

use canvas::{drawing, text};
use fairbench::measure::stats::{PairedRatio, Quartiles};
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Size of all text as plotters counts it, which is 16 pixels of the SVG: 11 where the page leaves 330 to a chart.
const TEXT_PX: u32 = 20;

/// Radius of a dot in pixels.
const DOT_PX: u32 = 4;

/// What a chart is drawn on.
pub(in crate::report) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A chart that has a place in every theme.
pub(in crate::report) trait Chart {
    /// The height that it takes where it may be this wide.
    fn height_px(&self, width_px: i32) -> anyhow::Result<i32>;

    /// Draws it on an area of that size.
    fn draw(&self, area: &Area<'_>) -> anyhow::Result<()>;
}

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
fn width_px(content: &str) -> anyhow::Result<i32> {
    Ok(text(TEXT_PX, theme::INK).font.box_size(content).map_err(drawing)?.0 as i32)
}

/// Width of the widest of these texts in pixels.
fn widest_px<'a>(texts: impl Iterator<Item = &'a String>) -> anyhow::Result<i32> {
    texts.map(|text| width_px(text)).try_fold(0, |widest, width| Ok(widest.max(width?)))
}

/// Width of an area in pixels.
fn page_px(area: &Area<'_>) -> i32 {
    area.dim_in_pixel().0.cast_signed()
}

fn stroke(area: &Area<'_>, path: &[(i32, i32)], colour: RGBColor, width_px: u32) -> anyhow::Result<()> {
    area.draw(&PathElement::new(path.to_vec(), colour.stroke_width(width_px))).map_err(drawing)
}

/// A line as it looks: whole or dashed.
fn trace(area: &Area<'_>, path: Vec<(i32, i32)>, look: Look, width_px: u32) -> anyhow::Result<()> {
    if !look.dashed {
        return stroke(area, &path, look.colour, width_px);
    }
    area.draw(&DashedPathElement::new(path, 6, 5, look.colour.stroke_width(width_px))).map_err(drawing)
}

fn dot(area: &Area<'_>, place: (i32, i32), look: Look) -> anyhow::Result<()> {
    area.draw(&Circle::new(place, DOT_PX, look.colour.filled())).map_err(drawing)?;
    if look.hollow {
        area.draw(&Circle::new(place, DOT_PX / 2, theme::PAPER.filled())).map_err(drawing)?;
    }
    Ok(())
}
