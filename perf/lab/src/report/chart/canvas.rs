//! SVG and PNG, and the font that both are written in.

use std::sync::{Arc, Once};

use anyhow::{Context, anyhow};
use plotters::prelude::*;
use plotters::style::register_font;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

use super::Area;
use super::theme::PAPER;

/// Name under which the font of this program is known to both plotters and resvg.
pub(super) const FONT: &str = "DejaVu Sans";
/// Pixels of a PNG for each unit of the SVG.
const PNG_SCALE: f32 = 1.5;

/// A text style of this program's own font.
pub(super) fn text(size_px: u32, colour: RGBColor) -> TextStyle<'static> {
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        // The font is part of this program: the picture is the same on a machine without fonts.
        for style in [FontStyle::Normal, FontStyle::Bold] {
            let _ = register_font(FONT, style, dejavu::sans::regular());
        }
    });
    (FONT, size_px).into_font().color(&colour)
}

/// Draws an SVG by means of plotters.
pub(super) fn draw_svg(
    (width_px, height_px): (i32, i32),
    draw: impl FnOnce(&Area<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let root =
            SVGBackend::with_string(&mut svg, (width_px.unsigned_abs(), height_px.unsigned_abs())).into_drawing_area();
        root.fill(&PAPER).map_err(drawing)?;
        draw(&root)?;
        root.present().map_err(drawing)?;
    }
    Ok(svg)
}

/// Converts an error of plotters, which cannot be sent between threads, to its message.
pub(super) fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("could not draw a plot: {error}")
}

/// Renders an SVG as PNG.
pub(in crate::report) fn png_of(svg: &str) -> anyhow::Result<Vec<u8>> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    let options = usvg::Options { fontdb: Arc::new(fonts), font_family: FONT.to_owned(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).context("could not read the plot's SVG")?;
    let size = tree.size();
    let mut pixels = Pixmap::new((size.width() * PNG_SCALE) as u32, (size.height() * PNG_SCALE) as u32)
        .context("the plot has no size")?;
    resvg::render(&tree, Transform::from_scale(PNG_SCALE, PNG_SCALE), &mut pixels.as_mut());
    pixels.encode_png().context("could not encode the plot as PNG")
}
