//! pprof's samples, drawn by inferno.

use anyhow::{Context, ensure};
use inferno::flamegraph::{self, Options};
use pprof::Report;

/// Draws the samples as SVG. Returns it with the number of samples.
///
/// # Errors
/// No samples.
pub fn render(report: &Report, title: &str) -> anyhow::Result<(Vec<u8>, isize)> {
    let samples = report.data.values().sum();
    ensure!(samples > 0, "the profiler took no samples: run for longer (--seconds)");
    let mut folded: Vec<String> = report.data.iter().map(|(frames, count)| fold(frames, *count)).collect();
    folded.sort_unstable();
    let mut options = Options::default();
    options.title = title.to_owned();
    options.count_name = "samples".to_owned();
    options.deterministic = true;
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, folded.iter().map(String::as_str), &mut svg)
        .context("could not draw the flamegraph")?;
    Ok((svg, samples))
}

/// One stack as inferno reads it: frames from the outermost in, separated by semicolons, then the count.
fn fold(frames: &pprof::Frames, count: isize) -> String {
    let stack: Vec<String> = frames
        .frames
        .iter()
        .rev()
        .flat_map(|frame| frame.iter().rev())
        .map(|symbol| symbol.name().replace(';', ":"))
        .collect();
    format!("{} {count}", stack.join(";"))
}
