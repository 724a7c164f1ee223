//! Colours: fixed while a chart is drawn, variables of the page's style sheet when it is done.

use std::fmt::Write as _;

use maud::html;
use plotters::prelude::*;

use super::{Area, Look, WIDTH_PX};
use crate::report::plots::canvas::draw_svg;

pub(in crate::report) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
pub(in crate::report) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Colour of axes and grids.
pub(in crate::report) const RULE: RGBColor = RGBColor(0xbb, 0xbb, 0xbb);
pub(in crate::report) const GREY: RGBColor = RGBColor(0x77, 0x77, 0x77);
// Colours that the colour-blind can tell apart (Okabe & Ito, "Color Universal Design", 2008), without black, which is
// the ink, and yellow, which white paper swallows.
pub(in crate::report) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
pub(in crate::report) const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
pub(in crate::report) const GREEN: RGBColor = RGBColor(0x00, 0x9e, 0x73);
pub(in crate::report) const PURPLE: RGBColor = RGBColor(0xcc, 0x79, 0xa7);
pub(in crate::report) const SKY: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
pub(in crate::report) const ORANGE: RGBColor = RGBColor(0xe6, 0x9f, 0x00);

/// Each colour with the CSS variable that replaces it.
const THEME: [(RGBColor, &str); 10] = [
    (PAPER, "paper"),
    (INK, "ink"),
    (RULE, "rule"),
    (GREY, "grey"),
    (BLUE, "blue"),
    (VERMILION, "vermilion"),
    (GREEN, "green"),
    (PURPLE, "purple"),
    (SKY, "sky"),
    (ORANGE, "orange"),
];

/// How a variant is drawn, the same in every chart. What others are compared with is grey, and totals have the colour
/// of text.
pub(in crate::report) fn look_of(variant: &str) -> Look {
    match variant {
        "floor" => Look { colour: GREY, dashed: true, hollow: true },
        "plain" => Look::plain(GREY),
        "classic" => Look { colour: GREY, dashed: false, hollow: true },
        "simd-b64" => Look::plain(BLUE),
        "ciborium" => Look::plain(PURPLE),
        "minicbor-zerocopy" => Look::plain(ORANGE),
        "lanes" => Look::plain(GREEN),
        "parallel" => Look::plain(SKY),
        "tls-scratch" => Look::plain(VERMILION),
        "prod-avx2" => Look { colour: INK, dashed: false, hollow: true },
        _ => Look::plain(INK),
    }
}

/// The colour of series `index`; beyond the palette, colours repeat and direct labels tell series apart.
pub(in crate::report) fn colour(index: usize) -> RGBColor {
    const SERIES: [RGBColor; 7] = [BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE, INK];
    SERIES.get(index % SERIES.len()).copied().unwrap_or(INK)
}

/// Draws a chart that says `label` to those who do not see it. Font, paper and ink are the page's.
pub(super) fn svg(
    height_px: i32,
    label: &str,
    draw: impl FnOnce(&Area<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let drawn = draw_svg((WIDTH_PX.unsigned_abs(), height_px.unsigned_abs()), draw)?;
    Ok(described(&themed(drawn), label))
}

/// An SVG with a name for screen readers.
pub(in crate::report) fn described(svg: &str, label: &str) -> String {
    // What comes before the element (a declaration of XML, a document type) has no place in a page.
    let Some((_, rest)) = svg.split_once("<svg") else { return String::new() };
    let Some((attributes, content)) = rest.split_once('>') else { return String::new() };
    let name = html! { title { (label) } }.into_string();
    // One that names itself already keeps its name.
    if attributes.contains(" aria-label=") {
        return format!("<svg{attributes}>{name}{content}");
    }
    let attribute = label.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let mut described = String::with_capacity(svg.len() + 2 * label.len() + 64);
    let _ = write!(described, "<svg role=\"img\" aria-label=\"{attribute}\"{attributes}>{name}{content}");
    described
}

fn themed(mut svg: String) -> String {
    for (RGBColor(red, green, blue), name) in THEME {
        svg = svg.replace(&format!("\"#{red:02X}{green:02X}{blue:02X}\""), &format!("\"var(--{name})\""));
    }
    let mut themed = String::with_capacity(svg.len());
    let mut pieces = svg.split(" font-family=\"");
    themed.extend(pieces.next());
    for piece in pieces {
        themed.push_str(piece.split_once('"').map_or(piece, |(_, rest)| rest));
    }
    themed
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;

    /// Asserts that every colour of the SVG is one of the page's.
    pub(in crate::report) fn assert_themed(svg: &str) {
        assert!(!svg.contains("\"#") && !svg.contains("font-family"), "{svg}");
    }

    #[test]
    fn colours_are_variables_and_the_font_is_the_pages() {
        let drawn = svg(40, "a \"line\" & <more>", |area| {
            super::super::stroke(area, &[(0, 0), (9, 9)], BLUE, 2)?;
            super::super::write(area, "text", (10, 10), super::super::Align::Middle, INK)
        })
        .unwrap();
        assert_themed(&drawn);
        assert!(drawn.contains("var(--blue)") && drawn.contains("var(--ink)"), "{drawn}");
        assert!(drawn.starts_with("<svg role=\"img\" aria-label=\"a &quot;line&quot; &amp; &lt;more>\""), "{drawn}");
        assert!(drawn.contains("<title>a &quot;line&quot; &amp; &lt;more&gt;</title>"), "{drawn}");
    }

    #[test]
    fn a_picture_that_names_itself_keeps_its_name_and_loses_its_prolog() {
        let named = described("<?xml version=\"1.0\"?><svg role=\"img\" aria-label=\"own\"><g/></svg>", "other");
        assert_eq!(named, "<svg role=\"img\" aria-label=\"own\"><title>other</title><g/></svg>");
    }

    #[test]
    fn every_variable_has_a_light_and_a_dark_colour() {
        let style = include_str!("../html/style.css");
        for (_, name) in THEME {
            assert_eq!(style.matches(&format!("--{name}:")).count(), 2, "{name}");
        }
    }

    #[test]
    fn no_two_variants_look_alike() {
        let looks: Vec<Look> = ron_auth_catalogue::catalogue().iter().map(|variant| look_of(variant.name)).collect();
        for (index, look) in looks.iter().enumerate() {
            assert!(!looks[..index].contains(look), "{index}: {look:?}");
        }
    }
}
