//! A chart of dots with intervals: a row for each name, a dot for each of its cases, each labelled at the right.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::canvas::{INK, PALE, draw_svg, drawing, text};

/// A chart of dots.
pub(super) struct DotChart {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) x_label: String,
    pub(super) rows: Vec<DotRow>,
}

/// A row of the chart: a name with its cases.
pub(super) struct DotRow {
    pub(super) label: String,
    pub(super) colour: RGBColor,
    pub(super) dots: Vec<Dot>,
}

/// A case of a row.
pub(super) struct Dot {
    pub(super) label: String,
    pub(super) x: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
}

const WIDTH_PX: u32 = 900;
const TOP_PX: i32 = 70;
const BOTTOM_PX: i32 = 64;
const LINE_PX: i32 = 18;
const ROW_GAP_PX: i32 = 12;
const NAME_PX: i32 = 200;

impl DotChart {
    /// Draws the chart as SVG.
    pub(super) fn svg(&self) -> anyhow::Result<String> {
        let lines: usize = self.rows.iter().map(|row| row.dots.len()).sum();
        let height = TOP_PX + BOTTOM_PX + lines as i32 * LINE_PX + self.rows.len() as i32 * ROW_GAP_PX;
        draw_svg((WIDTH_PX, height.unsigned_abs()), |root| self.draw(root, height))
    }

    fn draw(&self, root: &DrawingArea<SVGBackend<'_>, Shift>, height: i32) -> anyhow::Result<()> {
        root.draw(&Text::new(self.title.clone(), (18, 14), text(20, INK))).map_err(drawing)?;
        root.draw(&Text::new(self.subtitle.clone(), (18, 40), text(13, INK))).map_err(drawing)?;
        let most = self.rows.iter().flat_map(|row| &row.dots).map(|dot| dot.upper).fold(1.0, f64::max);
        let (left, right) = (NAME_PX + 20, WIDTH_PX as i32 - 170);
        let x_px = |x: f64| left + (x / most * f64::from(right - left)) as i32;
        let axis_px = height - BOTTOM_PX + 4;

        for tick in ticks(most) {
            let line = [(x_px(tick), TOP_PX - 6), (x_px(tick), axis_px)];
            let colour = if tick == 1.0 { INK } else { PALE };
            root.draw(&PathElement::new(line, colour.mix(0.7))).map_err(drawing)?;
            let label = format!("{tick}×");
            let width = root.estimate_text_size(&label, &text(13, INK)).map_err(drawing)?.0 as i32;
            root.draw(&Text::new(label, (x_px(tick) - width / 2, axis_px + 6), text(13, INK))).map_err(drawing)?;
        }
        let width = root.estimate_text_size(&self.x_label, &text(14, INK)).map_err(drawing)?.0 as i32;
        let middle = left.midpoint(right) - width / 2;
        root.draw(&Text::new(self.x_label.clone(), (middle, axis_px + 30), text(14, INK))).map_err(drawing)?;

        let mut y = TOP_PX;
        for row in &self.rows {
            let colour = row.colour;
            root.draw(&Text::new(row.label.clone(), (18, y + 1), text(14, INK))).map_err(drawing)?;
            for dot in &row.dots {
                let middle = y + LINE_PX / 2;
                let bar = [(x_px(dot.lower), middle), (x_px(dot.upper), middle)];
                root.draw(&PathElement::new(bar, colour.stroke_width(2))).map_err(drawing)?;
                root.draw(&Circle::new((x_px(dot.x), middle), 4, colour.filled())).map_err(drawing)?;
                let label = format!("{:.2}×, {}", dot.x, dot.label);
                root.draw(&Text::new(label, (right + 24, y + 2), text(13, INK))).map_err(drawing)?;
                y += LINE_PX;
            }
            y += ROW_GAP_PX;
        }
        Ok(())
    }
}

/// At most eight ticks from 0 in steps of 1, 2, 5, 10 ….
fn ticks(most: f64) -> Vec<f64> {
    let steps = (-1..6).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
    let step = steps.into_iter().find(|step| most / step <= 8.0 && *step >= 0.5).unwrap_or(most);
    (0..=(most / step) as usize).map(|tick| tick as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(3.4), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
        assert_eq!(ticks(6.5), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert!(ticks(77.0).len() <= 9);
    }
}
