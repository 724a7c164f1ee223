//! A flamegraph with search and zoom in a file of its own, drawn by inferno, with the stacks as they were sampled.

use anyhow::Context;
use inferno::flamegraph::{self, Options};

use super::folded::Folded;

/// The SVG of a flamegraph with search and zoom. A page can hold only one, because its parts go by their ids.
///
/// # Errors
/// There are no samples.
pub fn interactive(folded: &Folded, title: &str) -> anyhow::Result<String> {
    let mut options = Options::default();
    options.title = title.to_owned();
    options.count_name = "samples".to_owned();
    options.deterministic = true;
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, folded.to_string().lines(), &mut svg)
        .context("could not draw the flamegraph")?;
    String::from_utf8(svg).context("could not draw the flamegraph")
}
