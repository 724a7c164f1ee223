//! A history as small multiples: a panel for each benchmark shows its ratio to the floor over the runs.

use std::path::{Path, PathBuf};

use fairbench::files::write_whole;
use fairbench::history::{Entry, Trend, short};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{INK, PALE, colour, draw_svg, drawing, png_of, text};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

const COLUMNS: usize = 2;
const PANEL_PX: (u32, u32) = (540, 250);
const HEADER_PX: u32 = 86;
const MARGIN_PX: i32 = 18;
/// Least distance between the revisions along the axis.
const REVISION_STEP_PX: i32 = 14;
/// Part of a panel's height that is kept free above the values, for what is written at changes.
const HEADROOM: f64 = 0.22;

/// Draws the trends of these runs as `trend.svg` and `trend.png`, those that have moved first. Returns the PNG's path;
/// `None` if no benchmark has two runs.
///
/// # Errors
/// A plot cannot be drawn or written.
pub fn write(directory: &Path, trends: &[Trend], entries: &[&Entry]) -> anyhow::Result<Option<PathBuf>> {
    let mut panels: Vec<&Trend> = trends.iter().filter(|trend| trend.points.len() > 1).collect();
    panels.sort_by_key(|trend| (!trend.got_slower(), !trend.has_moved()));
    if panels.is_empty() {
        return Ok(None);
    }
    let svg = svg(&panels, entries)?;
    let png = directory.join("trend.png");
    write_whole(&png, png_of(&svg)?)?;
    write_whole(&directory.join("trend.svg"), svg)?;
    Ok(Some(png))
}

fn svg(panels: &[&Trend], entries: &[&Entry]) -> anyhow::Result<String> {
    let (columns, rows) = (COLUMNS.min(panels.len()), panels.len().div_ceil(COLUMNS));
    // As wide as two panels even if there is one: what stands above them needs the room.
    let size = (PANEL_PX.0 * COLUMNS as u32, HEADER_PX + PANEL_PX.1 * rows as u32);
    draw_svg(size, |root| {
        let (header, body) = root.split_vertically(HEADER_PX);
        draw_header(&header, entries)?;
        for (trend, area) in panels.iter().zip(body.split_evenly((rows, columns))) {
            draw_panel(&area, trend, entries)?;
        }
        Ok(())
    })
}

fn draw_header(area: &Area<'_>, entries: &[&Entry]) -> anyhow::Result<()> {
    let date = |entry: Option<&&Entry>| entry.and_then(|entry| entry.started_utc.get(..10)).unwrap_or("?").to_owned();
    let host = entries.last().map_or("", |entry| entry.host.as_str());
    let (first, last) = (date(entries.first()), date(entries.last()));
    for (line, y, size) in [
        ("Time related to the floor, run by run".to_owned(), 14, 20),
        (
            "× floor: time / time of the floor, median over a run's blocks; bars: 95 % interval within the run, which is \
             less than what varies from run to run"
                .to_owned(),
            42,
            13,
        ),
        (
            format!("{} runs, oldest first, {first} to {last}, by revision (*: with changes) on {host}", entries.len()),
            61,
            13,
        ),
    ] {
        area.draw(&Text::new(line, (MARGIN_PX, y), text(size, INK))).map_err(drawing)?;
    }
    Ok(())
}

fn draw_panel(area: &Area<'_>, trend: &Trend, entries: &[&Entry]) -> anyhow::Result<()> {
    let (summary, ink) = summary(trend);
    let name_px = area.estimate_text_size(&trend.benchmark, &text(15, INK)).map_err(drawing)?.0 as i32;
    area.draw(&Text::new(trend.benchmark.clone(), (MARGIN_PX, 8), text(15, INK))).map_err(drawing)?;
    area.draw(&Text::new(summary, (MARGIN_PX + name_px + 14, 10), text(13, ink))).map_err(drawing)?;

    let (low, high) = y_range(trend);
    let last = entries.len().max(2) as f64 - 1.0;
    let mut chart = ChartBuilder::on(area)
        .margin_top(30)
        .margin_right(22)
        .margin_left(6)
        .x_label_area_size(66)
        .y_label_area_size(68)
        .build_cartesian_2d(-0.6..last + 0.6, low..high)
        .map_err(drawing)?;
    let decimals = if high - low < 0.02 {
        4
    } else if high - low < 0.5 {
        3
    } else {
        2
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(PALE.mix(0.5))
        .light_line_style(TRANSPARENT)
        .axis_style(PALE)
        .label_style(text(12, INK))
        .axis_desc_style(text(12, INK))
        .y_desc("× floor")
        .x_labels(0)
        .y_labels(5)
        .y_label_formatter(&|y| format!("{y:.decimals$}"))
        .draw()
        .map_err(drawing)?;
    draw_revisions(area, &chart, entries, low)?;
    draw_description(&mut chart, trend)?;
    let blue = colour(1);
    for point in &trend.points {
        let (x, ratio) = (point.run as f64, point.ratio);
        let bar = PathElement::new([(x, ratio.lower), (x, ratio.upper)], blue.mix(0.45).stroke_width(2));
        chart.draw_series([bar]).map_err(drawing)?;
        chart.draw_series([Circle::new((x, ratio.estimate), 3, blue.filled())]).map_err(drawing)?;
    }
    draw_changes(area, &mut chart, trend, (low, high))
}

/// What happened to a benchmark in a few words, and their colour.
fn summary(trend: &Trend) -> (String, RGBColor) {
    let of_changes = match &trend.changes[..] {
        [] => None,
        [change] => Some(format!("changed by {:+.1} %", change.percent)),
        several => Some(format!("changed {} times", several.len())),
    };
    let of_drift = trend.drift.map(|drift| format!("drifts by {:+.1} % in 10 runs", drift.percent_over(10)));
    let parts: Vec<String> = of_changes.into_iter().chain(of_drift).collect();
    match (parts.is_empty(), trend.is_judged()) {
        (true, false) => ("too few runs to judge".to_owned(), INK),
        (true, true) => ("no change shown".to_owned(), INK),
        (false, _) => (parts.join(", "), ink_of(trend.got_slower())),
    }
}

fn ink_of(slower: bool) -> RGBColor {
    if slower { colour(2) } else { colour(3) }
}

/// Writes revisions along the axis, upright, as many as there is room for.
fn draw_revisions(area: &Area<'_>, chart: &Chart<'_, '_>, entries: &[&Entry], low: f64) -> anyhow::Result<()> {
    let (left, top) = area.get_base_pixel();
    let place = |run: usize| {
        let (x, y) = chart.backend_coord(&(run as f64, low));
        (x - left, y - top)
    };
    let step_px = (place(1).0 - place(0).0).max(1);
    let every = usize::try_from((REVISION_STEP_PX + step_px - 1) / step_px)?.max(1);
    let style = text(10, INK).transform(FontTransform::Rotate90).pos(Pos::new(HPos::Left, VPos::Center));
    for (run, entry) in entries.iter().enumerate().step_by(every) {
        let (x, y) = place(run);
        area.draw(&PathElement::new([(x, y), (x, y + 4)], PALE)).map_err(drawing)?;
        area.draw(&Text::new(short(entry.revision.as_deref()), (x, y + 8), style.clone())).map_err(drawing)?;
    }
    Ok(())
}

/// Draws the levels between changes: dashed along a drift, pale where nothing was shown.
fn draw_description(chart: &mut Chart<'_, '_>, trend: &Trend) -> anyhow::Result<()> {
    let described: Vec<(f64, f64)> =
        trend.points.iter().zip(trend.fit()).map(|(point, fit)| (point.run as f64, fit)).collect();
    let colour = if trend.has_moved() { INK } else { PALE };
    for segment in fairbench::history::changes::segments(described.len(), trend.breaks()) {
        let drifts = trend.drift.is_some() && trend.drifting.contains(&segment.start);
        let line = described.get(segment).unwrap_or_default().iter().copied();
        if drifts {
            chart.draw_series(DashedLineSeries::new(line, 7, 4, colour.stroke_width(2))).map_err(drawing)?;
        } else {
            chart.draw_series(LineSeries::new(line, colour.stroke_width(2))).map_err(drawing)?;
        }
    }
    Ok(())
}

/// Draws a line between the two runs of each change, with its size at the top.
fn draw_changes(
    area: &Area<'_>,
    chart: &mut Chart<'_, '_>,
    trend: &Trend,
    (low, high): (f64, f64),
) -> anyhow::Result<()> {
    let (left, top) = area.get_base_pixel();
    let right_px = area.get_pixel_range().0.end;
    // Where another compiler or other flags begin.
    for start in &trend.starts {
        let Some(x) = trend.points.get(*start).map(|point| point.run as f64 - 0.5) else { continue };
        let line = DashedLineSeries::new([(x, low), (x, high)], 2, 3, PALE.stroke_width(2));
        chart.draw_series(line).map_err(drawing)?;
    }
    for change in &trend.changes {
        let Some((before, after)) = trend.around(change) else { continue };
        let x = f64::midpoint(before as f64, after as f64);
        let colour = ink_of(change.percent > 0.0);
        chart.draw_series([PathElement::new([(x, low), (x, high)], colour.stroke_width(1))]).map_err(drawing)?;
        let label = format!("{:+.1} %", change.percent);
        let width = area.estimate_text_size(&label, &text(12, colour)).map_err(drawing)?.0 as i32;
        let (x_px, y_px) = chart.backend_coord(&(x, high));
        // To the right of the line, unless the panel ends there.
        let label_px = if x_px + 4 + width < right_px { x_px + 4 } else { x_px - 4 - width };
        area.draw(&Text::new(label, (label_px - left, y_px - top + 3), text(12, colour))).map_err(drawing)?;
    }
    Ok(())
}

fn y_range(trend: &Trend) -> (f64, f64) {
    let ratios = || trend.points.iter().map(|point| point.ratio);
    let top = ratios().map(|ratio| ratio.upper.max(ratio.estimate)).fold(f64::MIN, f64::max);
    let bottom = ratios().map(|ratio| ratio.lower.min(ratio.estimate)).fold(f64::MAX, f64::min);
    // Not so tight that noise fills the page: at least 3 % of the value.
    let height = (top - bottom).max(0.03 * top);
    let low = f64::midpoint(top, bottom) - 0.58 * height;
    (low, low + height * (1.16 + HEADROOM))
}

#[cfg(test)]
mod tests {
    use fairbench::history::simulated::entries;
    use fairbench::history::trends;

    use super::*;

    #[test]
    fn a_history_gives_a_panel_for_each_benchmark_with_its_changes_and_drift_written_in() {
        let dir = tempfile::tempdir().unwrap();
        // To look at what is drawn: TREND_PLOT_DIR=/somewhere.
        let directory = std::env::var_os("TREND_PLOT_DIR").map_or(dir.path().to_path_buf(), PathBuf::from);
        let runs = entries(30);
        let runs: Vec<&Entry> = runs.iter().collect();
        let png = write(&directory, &trends(&runs), &runs).unwrap().unwrap();
        assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
        let svg = std::fs::read_to_string(png.with_extension("svg")).unwrap();
        let words =
            ["prod/light/64", "plain/light/64", "no change shown", "drifts by +1.", "changed by +2.9 %", "× floor"];
        for word in words {
            assert!(svg.contains(word), "{word}");
        }
        assert!(svg.contains("\n+2.9 %\n"), "the size stands at the change");
        assert!(runs.iter().all(|run| svg.contains(&short(run.revision.as_deref()))));
    }

    #[test]
    fn a_single_run_gives_no_plot() {
        let dir = tempfile::tempdir().unwrap();
        let runs = entries(1);
        let runs: Vec<&Entry> = runs.iter().collect();
        assert_eq!(write(dir.path(), &trends(&runs), &runs).unwrap(), None);
    }

    #[test]
    fn revisions_are_shortened_and_starred() {
        assert_eq!(short(Some("0123456789ab-dirty")), "0123456*");
        assert_eq!(short(Some("0123456789ab")), "0123456");
        assert_eq!(short(None), "no git");
    }
}
