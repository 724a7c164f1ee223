//! Fonts, colours and PNGs, which all plots share.

use std::sync::{Arc, Once};

use anyhow::{Context, anyhow};
use plotters::prelude::*;
use plotters::style::register_font;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

/// Name under which the font of this program is known to both plotters and resvg.
const FONT: &str = "DejaVu Sans";
/// Pixels of a PNG for each unit of the SVG.
const PNG_SCALE: f32 = 1.5;

/// Text colour: softer than black.
pub(in crate::report) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Colour of axes and leader lines.
pub(in crate::report) const PALE: RGBColor = RGBColor(0xbb, 0xbb, 0xbb);

/// Colours that the colour-blind can tell apart (Okabe & Ito, "Color Universal Design", 2008), with grey in place of
/// the yellow, which white paper swallows.
const OKABE_ITO: [RGBColor; 8] = [
    RGBColor(0x00, 0x00, 0x00),
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x99, 0x99, 0x99),
];

/// The colour of series `index`; beyond the palette, colours repeat and direct labels tell series apart.
pub(in crate::report) fn colour(index: usize) -> RGBColor {
    OKABE_ITO.get(index % OKABE_ITO.len()).copied().unwrap_or(INK)
}

/// The colour of a variant, the same in every plot.
pub(in crate::report) fn colour_of(variant: &str) -> RGBColor {
    ron_auth_catalogue::catalogue().iter().position(|known| known.name == variant).map_or(INK, colour)
}

/// A text style of this program's own font.
pub(in crate::report) fn text(size_px: u32, colour: RGBColor) -> TextStyle<'static> {
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
pub(in crate::report) fn draw_svg(
    size_px: (u32, u32),
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size_px).into_drawing_area();
        root.fill(&WHITE).map_err(drawing)?;
        draw(&root)?;
        root.present().map_err(drawing)?;
    }
    // A browser without the font takes its own; widths were planned for a wide one.
    Ok(svg.replace(&format!("font-family=\"{FONT}\""), &format!("font-family=\"{FONT}, Verdana, sans-serif\"")))
}

/// Converts an error of plotters, which cannot be sent between threads, to its message.
pub(in crate::report) fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
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
