//! The two places of a chart, and its colours: fixed while it is drawn, variables of a page's style sheet when that is
//! done.

use std::fmt::Write as _;

use maud::html;
use plotters::prelude::*;

use super::canvas::{FONT, draw_svg, drawing, text};
use super::{Chart, Look, TEXT_PX, width_px};

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

/// Each colour with the CSS variable that replaces it on a page.
const VARIABLES: [(RGBColor, &str); 10] = [
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

/// Where a chart is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Theme {
    /// On the page of a report, which may be a phone's. Font, paper and ink are the page's, and title and note stand
    /// beside the chart.
    Page,
    /// In a file of its own, with title and note above.
    File,
}

/// Size of a title in a file, as plotters counts it.
const TITLE_PX: u32 = 26;
const TITLE_LINE_PX: i32 = 34;
const NOTE_LINE_PX: i32 = 22;
/// Room around what stands in a file, and between its note and its chart.
const MARGIN_PX: i32 = 16;

impl Theme {
    /// Draws a chart with its title, which is also what it says to those who do not see it, and with what a reader has
    /// to know.
    pub(in crate::report) fn svg(self, chart: &dyn Chart, title: &str, note: &str) -> anyhow::Result<String> {
        let drawn = match self {
            Self::Page => for_pages(&on_page(chart)?),
            Self::File => for_files(&in_file(chart, title, note)?),
        };
        Ok(described(&drawn, title))
    }
}

fn on_page(chart: &dyn Chart) -> anyhow::Result<String> {
    /// Width of a chart where it is drawn as wide as the smallest page.
    const WIDTH_PX: i32 = 480;
    draw_svg((WIDTH_PX, chart.height_px(WIDTH_PX)?), |area| chart.draw(area))
}

fn in_file(chart: &dyn Chart, title: &str, note: &str) -> anyhow::Result<String> {
    const WIDTH_PX: i32 = 960;
    let width = WIDTH_PX - 2 * MARGIN_PX;
    let lines = wrapped(note, width)?;
    let head = TITLE_LINE_PX + lines.len() as i32 * NOTE_LINE_PX + MARGIN_PX;
    draw_svg((WIDTH_PX, head + chart.height_px(width)? + 2 * MARGIN_PX), |area| {
        let inner = area.margin(MARGIN_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX);
        let (above, below) = inner.split_vertically(head);
        above.draw(&Text::new(title.to_owned(), (0, 0), text(TITLE_PX, INK))).map_err(drawing)?;
        for (line, y) in lines.iter().zip((TITLE_LINE_PX..).step_by(NOTE_LINE_PX as usize)) {
            above.draw(&Text::new(line.clone(), (0, y), text(TEXT_PX, INK))).map_err(drawing)?;
        }
        chart.draw(&below)
    })
}

/// The words of a text in lines that are no wider than this.
fn wrapped(content: &str, most_px: i32) -> anyhow::Result<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for word in content.split_whitespace() {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match (lines.last_mut(), longer) {
            (Some(line), Some(longer)) if width_px(&longer)? <= most_px => *line = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    Ok(lines)
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

/// Says what a browser without the font of this program may take instead: widths were planned for a wide one.
fn for_files(svg: &str) -> String {
    svg.replace(&format!("font-family=\"{FONT}\""), &format!("font-family=\"{FONT}, Verdana, sans-serif\""))
}

/// Leaves font and colours to the page.
fn for_pages(svg: &str) -> String {
    let mut svg = svg.to_owned();
    for (RGBColor(red, green, blue), name) in VARIABLES {
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

    /// A line with a text.
    struct Drawn;

    impl Chart for Drawn {
        fn height_px(&self, _: i32) -> anyhow::Result<i32> {
            Ok(40)
        }

        fn draw(&self, area: &super::super::Area<'_>) -> anyhow::Result<()> {
            super::super::stroke(area, &[(0, 0), (9, 9)], BLUE, 2)?;
            super::super::write(area, "text", (10, 10), super::super::Align::Middle, INK)
        }
    }

    const TITLE: &str = "a \"line\" & <more>";

    #[test]
    fn on_a_page_colours_are_variables_and_the_font_is_the_pages() {
        let drawn = Theme::Page.svg(&Drawn, TITLE, "a note").unwrap();
        assert_themed(&drawn);
        assert!(drawn.contains("var(--blue)") && drawn.contains("var(--ink)"), "{drawn}");
        assert!(drawn.starts_with("<svg role=\"img\" aria-label=\"a &quot;line&quot; &amp; &lt;more>\""), "{drawn}");
        assert!(drawn.contains("<title>a &quot;line&quot; &amp; &lt;more&gt;</title>"), "{drawn}");
        assert!(!drawn.contains("a note") && drawn.contains("width=\"480\" height=\"40\""), "{drawn}");
    }

    #[test]
    fn in_a_file_title_and_note_stand_above_and_nothing_is_left_to_a_page() {
        let note = "word ".repeat(60);
        let drawn = Theme::File.svg(&Drawn, TITLE, &note).unwrap();
        assert!(
            !drawn.contains("var(") && drawn.contains("#0072B2") && drawn.contains("DejaVu Sans, Verdana"),
            "{drawn}"
        );
        assert_eq!(drawn.matches("a &quot;line&quot; &amp; &lt;more&gt;").count(), 2, "name and title: {drawn}");
        assert!(drawn.starts_with("<svg role=\"img\"") && drawn.contains("\ntext\n"), "{drawn}");
        let words: usize = wrapped(&note, 200).unwrap().iter().map(|line| line.split(' ').count()).sum();
        assert_eq!(words, 60);
        assert!(wrapped(&note, 200).unwrap().iter().all(|line| width_px(line).unwrap() <= 200));
    }

    #[test]
    fn a_picture_that_names_itself_keeps_its_name_and_loses_its_prolog() {
        let named = described("<?xml version=\"1.0\"?><svg role=\"img\" aria-label=\"own\"><g/></svg>", "other");
        assert_eq!(named, "<svg role=\"img\" aria-label=\"own\"><title>other</title><g/></svg>");
    }

    #[test]
    fn every_variable_has_a_light_and_a_dark_colour() {
        let style = include_str!("../html/style.css");
        for (_, name) in VARIABLES {
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
