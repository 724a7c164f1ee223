//! How benchmarks developed over the runs so far.

use fairbench::history::{Entry, Trend, short};

use super::Figure;
use crate::report::chart::trend::TrendChart;

/// The figure, with those that have moved first; `None` if no benchmark has two runs.
pub(super) fn figure(trends: &[Trend], entries: &[&Entry]) -> Option<Figure> {
    let mut trends: Vec<Trend> = trends.iter().filter(|trend| trend.points.len() > 1).cloned().collect();
    trends.sort_by_key(|trend| (!trend.got_slower(), !trend.has_moved()));
    if trends.is_empty() {
        return None;
    }
    let date = |entry: Option<&&Entry>| entry.and_then(|entry| entry.started_utc.get(..10)).unwrap_or("?").to_owned();
    let note = format!(
        "Time / time of the floor, median over a run's blocks; bars: 95 % interval within the run, which is less than \
         what varies from run to run. {} runs, oldest first, {} to {}, by revision (*: with changes) on {}.",
        entries.len(),
        date(entries.first()),
        date(entries.last()),
        entries.last().map_or("", |entry| entry.host.as_str()),
    );
    let revisions = entries.iter().map(|entry| short(entry.revision.as_deref())).collect();
    let title = "Time related to the floor, run by run".to_owned();
    Some(Figure::new("trend", title, note, TrendChart { trends, revisions }))
}
