//! A horizontal axis below a chart.

use super::scale::Scale;
use super::theme::INK;
use super::{Align, Area, page_px, stroke, width_px, write};

/// Height of the axis with its numbers and its title, in pixels.
pub(super) const AXIS_PX: i32 = 60;

/// Draws an axis at the height `y`: a tick with its label for each of these values, and the title below them.
pub(super) fn draw(area: &Area<'_>, x: Scale, ticks: &[(f64, String)], title: &str, y: i32) -> anyhow::Result<()> {
    let (left, right) = x.ends_px();
    stroke(area, &[(left, y), (right, y)], INK, 1)?;
    let mut free_px = 0;
    for (tick, label) in ticks {
        let (at, half) = (x.px(*tick), width_px(label)? / 2);
        stroke(area, &[(at, y), (at, y + 5)], INK, 1)?;
        // A label that would run into the one before it is left out; its tick stays.
        let middle = if free_px == 0 { at.max(half) } else { at };
        if middle - half >= free_px {
            write(area, label, (middle, y + 17), Align::Middle, INK)?;
            free_px = middle + half + 4;
        }
    }
    // Under the plot, but never beyond the edge of the page.
    let half = width_px(title)? / 2;
    let middle = left.midpoint(right).max(half + 2).min((page_px(area) - half - 2).max(half + 2));
    write(area, title, (middle, y + 45), Align::Middle, INK)
}

/// The round numbers of a scale, as they are written.
pub(super) fn numbers(scale: Scale) -> Vec<(f64, String)> {
    scale.ticks().into_iter().map(|tick| (tick, tick_label(tick))).collect()
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
