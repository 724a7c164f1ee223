//! The plots of a sweep: which there are. How they are drawn is in the files beside this one.

pub(in crate::report) mod canvas;
mod dots;
mod lines;
pub mod trend;

use std::path::{Path, PathBuf};

use canvas::{INK, colour, colour_of};
use fairbench::files::write_whole;
use lines::{LineChart, Point, Series};
use plotters::style::RGBColor;
use ron_auth_fixtures::Fixture;

use crate::report::data::threshold;
use crate::sweep::row::{ArmKind, CsvRow};

/// Draws every plot that the rows have data for, as SVG and PNG. Returns the PNGs' paths.
///
/// # Errors
/// A plot cannot be drawn or written.
pub fn write_all(directory: &Path, rows: &[CsvRow]) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    let mut write = |name: String, svg: Option<String>| -> anyhow::Result<()> {
        if let Some(svg) = svg {
            let png = directory.join(format!("{name}.png"));
            write_whole(&png, canvas::png_of(&svg)?)?;
            write_whole(&directory.join(format!("{name}.svg")), svg)?;
            written.push(png);
        }
        Ok(())
    };
    for fixture in Fixture::ALL {
        let name = fixture.name();
        write(format!("time-{name}"), time_per_token(rows, name).map(|chart| chart.svg()).transpose()?)?;
        write(format!("speedup-{name}"), speedup(rows, name).map(|chart| chart.svg()).transpose()?)?;
    }
    write("soa-threshold".to_owned(), soa_threshold(rows).map(|chart| chart.svg()).transpose()?)?;
    write("par-min-batch".to_owned(), par_min_batch(rows).map(|chart| chart.svg()).transpose()?)?;
    Ok(written)
}

/// Time per token against batch size, with a line for each variant at default knobs.
fn time_per_token(rows: &[CsvRow], fixture: &str) -> Option<LineChart> {
    let rows: Vec<&CsvRow> = rows
        .iter()
        .filter(|row| row.fixture == fixture && row.purpose == "variants" && row.kind != ArmKind::Control)
        .filter(|row| row.variant != crate::catalogue::REFERENCE || row.threads == 1)
        .collect();
    let style =
        |row: &CsvRow| (name_with_threads(row), colour_of(&row.variant), row.threads > 1 || row.kind == ArmKind::Floor);
    let series = series_by(&rows, style, |row| {
        let time = row.time_ns().scaled(1e-3);
        Point { x: row.batch_tokens as f64, y: time.median, lower: time.q1, upper: time.q3 }
    });
    LineChart {
        title: format!("Time per token, {fixture} tokens"),
        subtitle: "median over blocks; bars: quartiles; dashed: several threads, and the floor".to_owned(),
        x_label: "tokens per call (log scale)".to_owned(),
        y_label: "µs per token".to_owned(),
        x_log: true,
        y_from_zero: true,
        series,
    }
    .if_drawable()
}

/// Speed-up over `plain`, with a row for each variant and a dot for each batch.
fn speedup(rows: &[CsvRow], fixture: &str) -> Option<dots::DotChart> {
    let mut chart = dots::DotChart {
        title: format!("Speed-up over plain, {fixture} tokens"),
        subtitle: "paired ratio of the same blocks; bars: 95 % interval".to_owned(),
        x_label: "times as fast as plain".to_owned(),
        rows: Vec::new(),
    };
    let rows: Vec<&CsvRow> = rows
        .iter()
        .filter(|row| row.fixture == fixture && row.is_default_variant() && row.variant != crate::catalogue::REFERENCE)
        .collect();
    let largest = rows.iter().map(|row| row.batch_tokens).max()?;
    for row in rows.iter().filter(|row| [1, 64, largest].contains(&row.batch_tokens)) {
        let name = name_with_threads(row);
        let speedup = row.to_plain().inverse();
        let dot = dots::Dot {
            label: format!("batch {}", row.batch_tokens),
            x: speedup.estimate,
            lower: speedup.lower,
            upper: speedup.upper,
        };
        match chart.rows.iter_mut().find(|row| row.label == name) {
            Some(row) => row.dots.push(dot),
            None => {
                let colour = colour_of(&row.variant);
                chart.rows.push(dots::DotRow { label: name, colour, dots: vec![dot] });
            }
        }
    }
    (!chart.rows.is_empty()).then_some(chart)
}

fn soa_threshold(rows: &[CsvRow]) -> Option<LineChart> {
    let default = default_of(rows)?.soa_threshold_caveats;
    let rows: Vec<&CsvRow> = knob_rows(rows).filter(|row| row.threads == 1 && row.batch_tokens == 64).collect();
    threshold_chart(&rows, "soa_threshold", "caveats per token", default, |row| row.soa_threshold_caveats)
}

fn par_min_batch(rows: &[CsvRow]) -> Option<LineChart> {
    let default = default_of(rows)?;
    let rows: Vec<&CsvRow> = knob_rows(rows)
        .filter(|row| row.threads > 1 && row.batch_tokens == 64)
        .filter(|row| row.soa_threshold_caveats == default.soa_threshold_caveats)
        .collect();
    let default = default.par_min_batch_tokens;
    threshold_chart(&rows, "par_min_batch", "tokens per call", default, |row| row.par_min_batch_tokens)
}

/// A row at the knobs that were the default when the sweep was made: the control's always are.
fn default_of(rows: &[CsvRow]) -> Option<&CsvRow> {
    rows.iter().find(|row| row.kind == ArmKind::Control)
}

fn knob_rows(rows: &[CsvRow]) -> impl Iterator<Item = &CsvRow> {
    rows.iter().filter(|row| row.kind == ArmKind::Variant && row.purpose == "knobs")
}

/// Time against a knob, relative to the knob's default, for each variant and fixture.
fn threshold_chart(
    rows: &[&CsvRow],
    knob: &str,
    unit: &str,
    default: usize,
    value: impl Fn(&CsvRow) -> usize,
) -> Option<LineChart> {
    let style = |row: &CsvRow| (format!("{}, {}", row.variant, row.fixture), INK, false);
    let mut series = series_by(rows, style, |row| {
        let ratio = row.to_plain();
        Point { x: value(row) as f64, y: ratio.estimate, lower: ratio.lower, upper: ratio.upper }
    });
    for (index, series) in series.iter_mut().enumerate() {
        series.colour = colour(index);
        let at_default = series.points.iter().find(|point| point.x == default as f64).map(|point| point.y)?;
        // The scale has no place for "never".
        series.points.retain(|point| point.x < usize::MAX as f64);
        for point in &mut series.points {
            *point = Point {
                x: point.x,
                y: point.y / at_default,
                lower: point.lower / at_default,
                upper: point.upper / at_default,
            };
        }
    }
    LineChart {
        title: format!("{knob}: time relative to the default, {}; batches of 64", threshold(default)),
        subtitle: "below 1 is faster than the default; bars: 95 % interval".to_owned(),
        x_label: format!("{knob} ({unit})"),
        y_label: "time / time at the default".to_owned(),
        x_log: false,
        y_from_zero: false,
        series,
    }
    .if_drawable()
}

fn name_with_threads(row: &CsvRow) -> String {
    if row.threads == 1 { row.variant.clone() } else { format!("{}, {} threads", row.variant, row.threads) }
}

/// One series for each label that `style` gives, with its colour and whether it is dashed.
fn series_by(
    rows: &[&CsvRow],
    style: impl Fn(&CsvRow) -> (String, RGBColor, bool),
    point: impl Fn(&CsvRow) -> Point,
) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for row in rows {
        let (label, colour, dashed) = style(row);
        match series.iter_mut().find(|series| series.label == label) {
            // The default of a knob may have been measured in two groups; the first is drawn.
            Some(series) if series.points.iter().any(|known| known.x == point(row).x) => {}
            Some(series) => series.points.push(point(row)),
            None => series.push(Series { label, colour, dashed, points: vec![point(row)] }),
        }
    }
    for series in &mut series {
        series.points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    series
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::rows;

    #[test]
    fn a_sweep_gives_its_plots_as_svg_and_png() {
        let dir = tempfile::tempdir().unwrap();
        let written = write_all(dir.path(), &rows()).unwrap();
        let names: Vec<_> = written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["time-light.png", "speedup-light.png", "soa-threshold.png"]);
        for png in written {
            assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
            let svg = std::fs::read_to_string(png.with_extension("svg")).unwrap();
            assert!(svg.contains("prod") && svg.contains("<svg"), "{svg}");
        }
    }

    #[test]
    fn rows_without_data_give_no_plot() {
        let dir = tempfile::tempdir().unwrap();
        assert!(write_all(dir.path(), &[]).unwrap().is_empty());
    }
}
