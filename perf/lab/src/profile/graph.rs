//! Flamegraphs for a page: SVG without scripts and ids, so that a page may hold many of them.
//!
//! They hang from the top: the stages in the first row, below each what it calls. The width of a frame is its time.

use std::fmt::Write;

use super::folded::Folded;
use super::names::label;
use super::stages::Stage;
use super::tree::Node;

const WIDTH: f64 = 700.0;
const ROW: f64 = 17.0;
const FONT: f64 = 11.0;
/// Mean width of a character in pixels.
const CHARACTER: f64 = 6.1;
/// A frame that takes less than this part of the whole is left out; the next one where the picture would be too large.
const LEAST_PARTS: [f64; 4] = [0.003, 0.006, 0.012, 0.03];
/// Most bytes of a flamegraph in a page.
const MOST_BYTES: usize = 60_000;
/// The 97.5 % point of the standard normal distribution.
const Z: f64 = 1.96;
const GREY: &str = "#d9d9d9";

/// One of two profiles that are compared.
#[derive(Clone, Copy, Debug)]
pub struct ProfileSide<'a> {
    /// Name of the profile in the picture.
    pub name: &'a str,
    /// Stacks of the profile.
    pub folded: &'a Folded,
    /// Time per token in nanoseconds. If both sides have one, times are compared, else shares of the whole.
    pub ns_per_token: Option<f64>,
}

/// Draws a flamegraph.
#[must_use]
pub fn flamegraph(folded: &Folded, title: &str) -> String {
    let tree = Node::of(None, folded);
    let percent = 100.0 / folded.samples().max(1) as f64;
    let tell = |node: &Node| format!("{:.1} %, {} samples", node.after as f64 * percent, node.after);
    let subtitle = format!("Width: share of {} samples. Below each stage what it calls.", folded.samples());
    draw(&tree, title, &subtitle, &|stage, depth, _| stage_colour(stage, depth), &tell)
}

/// Draws a difference flamegraph: frames are as wide as in `after`, red where they take more than in `before`, blue
/// where less, grey where the samples don't tell (95 %, with samples taken as independent). A function that only
/// `after` calls is red; what only `before` calls has no width, and the stage around it shows what the exchange came
/// to.
#[must_use]
pub fn difference(before: ProfileSide<'_>, after: ProfileSide<'_>, title: &str) -> String {
    let tree = Node::of(Some(before.folded), after.folded);
    let (unit, before_whole, after_whole) = match (before.ns_per_token, after.ns_per_token) {
        (Some(before), Some(after)) => ("ns/token", before, after),
        _ => ("%", 100.0, 100.0),
    };
    let before_each = before_whole / before.folded.samples().max(1) as f64;
    let after_each = after_whole / after.folded.samples().max(1) as f64;
    let values = |node: &Node| (node.before as f64 * before_each, node.after as f64 * after_each);
    let colour = |_: Option<Stage>, _: usize, node: &Node| {
        let (was, is) = values(node);
        let luck = Z * (was * before_each + is * after_each).sqrt();
        if (is - was).abs() <= luck { GREY.to_owned() } else { change_colour((is - was) / after_whole) }
    };
    let tell = |node: &Node| {
        let (was, is) = values(node);
        format!("{was:.1} → {is:.1} {unit}")
    };
    let what = if unit == "%" { "a larger share" } else { "more time per token" };
    let subtitle =
        format!("Width: {}. Red: {what} than {}; blue: less; grey: not told apart.", after.name, before.name);
    draw(&tree, title, &subtitle, &colour, &tell)
}

/// Gives a frame its colour, by the stage that it is in, its depth and its samples.
type Colour<'a> = &'a dyn Fn(Option<Stage>, usize, &Node) -> String;
/// Gives what is said about a frame beside its name.
type Tell<'a> = &'a dyn Fn(&Node) -> String;

fn draw(tree: &Node, title: &str, subtitle: &str, colour: Colour<'_>, tell: Tell<'_>) -> String {
    let per_sample = WIDTH / tree.after.max(1) as f64;
    let mut svg = String::new();
    for least_part in LEAST_PARTS {
        let mut canvas = Canvas { per_sample, least_part, colour, tell, rows: 0, frames: String::new() };
        canvas.calls(tree, 0.0, 0, None);
        svg = canvas.finish(title, subtitle);
        if svg.len() <= MOST_BYTES {
            break;
        }
    }
    svg
}

struct Canvas<'a> {
    /// Width of a sample in pixels.
    per_sample: f64,
    least_part: f64,
    colour: Colour<'a>,
    tell: Tell<'a>,
    /// Number of rows that are in use.
    rows: usize,
    frames: String,
}

impl Canvas<'_> {
    /// Draws what a node calls, side by side.
    fn calls(&mut self, node: &Node, mut x: f64, depth: usize, stage: Option<Stage>) {
        for (name, call) in &node.calls {
            let width = call.after as f64 * self.per_sample;
            if width >= self.least_part * WIDTH {
                let stage = stage.or_else(|| Stage::ALL.into_iter().find(|stage| stage.name() == name));
                let (colour, told) = ((self.colour)(stage, depth, call), (self.tell)(call));
                self.frame(name, x, width, depth, &colour, &told);
                self.calls(call, x, depth + 1, stage);
            }
            x += width;
        }
    }

    fn frame(&mut self, name: &str, x: f64, width: f64, depth: usize, colour: &str, told: &str) {
        self.rows = self.rows.max(depth + 1);
        let (y, height, width) = (depth as f64 * ROW, ROW - 1.0, (width - 0.5).max(0.5));
        let full = escaped(&format!("{name}: {told}"));
        let short = if depth == 0 { format!("{name} {told}") } else { label(name) };
        // Writing to a string cannot fail.
        let _ = write!(
            self.frames,
            r#"<g><title>{full}</title><rect x="{x:.1}" y="{y}" width="{width:.1}" height="{height}" fill="{colour}"/>"#
        );
        if let Some(short) = fitting(&short, width) {
            let (x, y) = (x + 3.0, y + ROW - 5.0);
            let _ = write!(self.frames, r#"<text x="{x:.1}" y="{y}">{}</text>"#, escaped(&short));
        }
        self.frames.push_str("</g>\n");
    }

    fn finish(self, title: &str, subtitle: &str) -> String {
        let (title, subtitle) = (escaped(title), escaped(subtitle));
        let (head, frames) = (2.5 * ROW, self.frames);
        let height = head + self.rows as f64 * ROW;
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" aria-label="{title}" font-family="sans-serif" font-size="{FONT}" fill="#222">
<text x="0" y="{ROW}" font-size="14" font-weight="bold">{title}</text>
<text x="0" y="{}">{subtitle}</text>
<g transform="translate(0 {head})">
{frames}</g>
</svg>
"##,
            2.0 * ROW - 2.0
        )
    }
}

/// As much of the text as there is room for; `None` if that would say nothing.
fn fitting(text: &str, width: f64) -> Option<String> {
    let room = ((width - 6.0) / CHARACTER) as usize;
    if text.chars().count() <= room {
        return Some(text.to_owned());
    }
    (room >= 4).then(|| text.chars().take(room - 1).chain(['…']).collect())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The colour of a stage: a hue of its own, a little lighter in every other row.
fn stage_colour(stage: Option<Stage>, depth: usize) -> String {
    let hue = match stage {
        Some(Stage::Base64) => 200,
        Some(Stage::Decode) => 35,
        Some(Stage::Key) => 265,
        Some(Stage::Mac) => 5,
        Some(Stage::Evaluate) => 110,
        Some(Stage::Results) => 320,
        Some(Stage::Other) | None => return GREY.to_owned(),
    };
    format!("hsl({hue} 70% {}%)", if depth.is_multiple_of(2) { 72 } else { 78 })
}

/// A colour from white to red or blue, by the part of the whole that was lost or gained.
fn change_colour(part: f64) -> String {
    let hue = if part > 0.0 { 5 } else { 215 };
    format!("hsl({hue} 85% {:.0}%)", 90.0 - 35.0 * part.abs().min(1.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stacks of `scale` × 100 samples: 60 of decoding in `decoder`, 40 of hashing.
    fn folded(decoder: &str, scale: u64) -> Folded {
        let mut folded = Folded::default();
        folded.add(&["pass", decoder, "serde_cbor::<T & U>"], 60 * scale);
        folded.add(&["pass", "ron_auth_core::chain::step", "blake3::hash"], 39 * scale);
        folded.add(&["pass", "ron_auth_core::chain::step"], scale);
        folded
    }

    fn side<'a>(name: &'a str, folded: &'a Folded, ns_per_token: Option<f64>) -> ProfileSide<'a> {
        ProfileSide { name, folded, ns_per_token }
    }

    /// The frame of this name, with its title and all its attributes.
    fn frame<'s>(svg: &'s str, name: &str) -> &'s str {
        svg.lines().find(|line| line.contains(&format!("<title>{name}: "))).unwrap()
    }

    #[test]
    fn a_frame_is_as_wide_as_its_share_and_says_so() {
        let svg = flamegraph(&folded("serde_cbor::read", 1), "plain on <light>");
        let decode = frame(&svg, "decode");
        assert!(decode.contains("decode: 60.0 %, 60 samples") && decode.contains("width=\"419.5\""), "{decode}");
        assert!(frame(&svg, "mac").contains("x=\"420.0\""));
        assert!(frame(&svg, "blake3::hash").contains("39.0 %"));
        assert!(svg.contains("plain on &lt;light&gt;"), "{svg}");
    }

    #[test]
    fn a_page_may_hold_many() {
        let svg = flamegraph(&folded("serde_cbor::read", 1), "title");
        for alien in [" id=", "<script", "<style", "<?xml", "DOCTYPE", "url(#"] {
            assert!(!svg.contains(alien), "{alien}");
        }
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<g>").count() + 1, svg.matches("</g>").count());
    }

    #[test]
    fn a_picture_that_would_be_too_large_leaves_out_more() {
        let mut many = Folded::default();
        for outer in 0..300 {
            let name = format!("serde_cbor::function_{outer:03}");
            many.add(
                &[
                    "serde_cbor::read",
                    &name,
                    &format!("{name}::with_a_long_name_that_fills_the_page"),
                    &"x".repeat(200),
                ],
                1,
            );
        }
        let svg = flamegraph(&many, "many");
        assert!(svg.len() <= MOST_BYTES && svg.contains("decode: 100.0 %"), "{}", svg.len());
    }

    #[test]
    fn what_takes_longer_is_red_what_takes_less_blue_and_luck_grey() {
        // Decoding falls from 600 to 60 ns; hashing stays at 400, though its share rises from 40 to 87 %.
        let before = folded("serde_cbor::read", 10);
        let mut after = Folded::default();
        after.add(&["pass", "ron_auth_variants::decode::scan"], 130);
        after.add(&["pass", "ron_auth_core::chain::step", "blake3::hash"], 870);
        let (fast, slow) = (side("prod", &after, Some(460.0)), side("plain", &before, Some(1000.0)));
        let in_time = difference(slow, fast, "t");
        assert!(frame(&in_time, "decode").contains("600.0 → 59.8 ns/token"), "{in_time}");
        assert!(frame(&in_time, "decode").contains("hsl(215"), "{in_time}");
        assert!(frame(&in_time, "mac").contains(GREY), "{in_time}");
        assert!(in_time.contains("Width: prod. Red: more time per token than plain; blue: less"), "{in_time}");

        let in_shares = difference(side("a", &before, None), side("b", &after, Some(1.0)), "t");
        assert!(frame(&in_shares, "mac").contains("40.0 → 87.0 %"), "{in_shares}");
        assert!(frame(&in_shares, "mac").contains("hsl(5 "), "{in_shares}");
        assert!(in_shares.contains("Red: a larger share than a"));
    }

    #[test]
    fn a_profile_against_another_of_the_same_has_no_colour() {
        let (one, other) = (folded("serde_cbor::read", 3), folded("serde_cbor::read", 50));
        let svg = difference(side("plain", &one, Some(1000.0)), side("plain", &other, Some(1005.0)), "control");
        assert_eq!(svg.matches("hsl(").count(), 0, "{svg}");
        assert!(svg.matches(GREY).count() >= 4);
    }
}
