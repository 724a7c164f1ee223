//! Plots as files: those of a run beside it, and that of a history.

use std::path::{Path, PathBuf};

use fairbench::files::write_whole;
use fairbench::history::{Entry, Trend};

use super::{Figure, speedup, thresholds, time, trend};
use crate::report::chart::canvas::png_of;
use crate::report::chart::theme::Theme;
use crate::report::data::Data;

/// Draws times, speed-ups and thresholds, as SVG and PNG. Returns the PNGs' paths.
///
/// # Errors
/// A plot cannot be drawn or written.
pub(in crate::report) fn write_all(directory: &Path, data: &Data<'_>) -> anyhow::Result<Vec<PathBuf>> {
    let all = [time::figures(data), speedup::figures(data), thresholds::figures(data)];
    all.iter().flatten().map(|figure| write(directory, figure)).collect()
}

/// Draws the trends of these runs as `trend.svg` and `trend.png`. Returns the PNG's path; `None` if no benchmark has
/// two runs.
///
/// # Errors
/// The plot cannot be drawn or written.
pub fn write_trend(directory: &Path, trends: &[Trend], entries: &[&Entry]) -> anyhow::Result<Option<PathBuf>> {
    trend::figure(trends, entries).map(|figure| write(directory, &figure)).transpose()
}

/// Writes a figure as `NAME.svg` and `NAME.png`. Returns the PNG's path.
fn write(directory: &Path, figure: &Figure) -> anyhow::Result<PathBuf> {
    let svg = figure.svg(Theme::File)?;
    let path = |extension| directory.join(format!("{}.{extension}", figure.name));
    write_whole(&path("png"), png_of(&svg)?)?;
    write_whole(&path("svg"), svg)?;
    Ok(path("png"))
}

#[cfg(test)]
mod tests {
    use fairbench::history::simulated::entries;
    use fairbench::history::{short, trends};

    use super::*;
    use crate::run::{Run, simulated};

    #[test]
    fn a_sweep_gives_its_plots_as_svg_and_png() {
        let dir = tempfile::tempdir().unwrap();
        let written = write_all(dir.path(), &Data::of(&simulated::full(8))).unwrap();
        let names: Vec<_> = written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        let expected = [
            "time-light.png",
            "time-heavy.png",
            "speedup-light.png",
            "speedup-heavy.png",
            "soa-threshold.png",
            "par-min-batch.png",
        ];
        assert_eq!(names, expected);
        for png in written {
            assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
            let svg = std::fs::read_to_string(png.with_extension("svg")).unwrap();
            assert!(svg.contains("prod") && svg.starts_with("<svg"), "{svg}");
        }
    }

    #[test]
    fn a_run_without_data_gives_no_plot() {
        let dir = tempfile::tempdir().unwrap();
        let empty = Run::new(simulated::full(8).header, PathBuf::new());
        assert!(write_all(dir.path(), &Data::of(&empty)).unwrap().is_empty());
    }

    #[test]
    fn a_history_gives_a_panel_for_each_benchmark_with_its_changes_and_drift_written_in() {
        let dir = tempfile::tempdir().unwrap();
        // To look at what is drawn: TREND_PLOT_DIR=/somewhere.
        let directory = std::env::var_os("TREND_PLOT_DIR").map_or(dir.path().to_path_buf(), PathBuf::from);
        let runs = entries(30);
        let runs: Vec<&Entry> = runs.iter().collect();
        let png = write_trend(&directory, &trends(&runs), &runs).unwrap().unwrap();
        assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
        let svg = std::fs::read_to_string(png.with_extension("svg")).unwrap();
        let words = ["prod/light/64", "plain/light/64", "no change shown", "drifts by +1.", "changed by +2.9 %"];
        for word in words {
            assert!(svg.contains(word), "{word}");
        }
        assert!(svg.contains("\n+2.9 %\n"), "the size stands at the change");
        // Every one, or every second one where there is no room.
        let named = |run: &&&Entry| svg.contains(&short(run.revision.as_deref()));
        assert!(runs.iter().step_by(2).filter(named).count() == 15);
    }

    #[test]
    fn a_single_run_gives_no_plot() {
        let dir = tempfile::tempdir().unwrap();
        let runs = entries(1);
        let runs: Vec<&Entry> = runs.iter().collect();
        assert_eq!(write_trend(dir.path(), &trends(&runs), &runs).unwrap(), None);
    }

    #[test]
    fn revisions_are_shortened_and_starred() {
        assert_eq!(short(Some("0123456789ab-dirty")), "0123456*");
        assert_eq!(short(Some("0123456789ab")), "0123456");
        assert_eq!(short(None), "no git");
    }
}
