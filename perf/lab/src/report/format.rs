//! Numbers as text for people.

use std::path::Path;

use fairbench::measure::stats::{PairedRatio, Quartiles};

use crate::run::Point;

/// What is shown where nothing was measured.
pub(super) const NOT_AVAILABLE: &str = "n/a";

/// A ratio with its interval.
pub(super) fn ratio(PairedRatio { estimate, lower, upper }: PairedRatio) -> String {
    let digits = if estimate < 10.0 { 3 } else { 2 };
    format!("{estimate:.digits$} ({lower:.digits$}–{upper:.digits$})")
}

/// A ratio with its interval, or what is shown where there is none.
pub(super) fn ratio_or_not(value: Option<PairedRatio>) -> String {
    value.map_or_else(|| NOT_AVAILABLE.to_owned(), ratio)
}

/// A time in nanoseconds with its quartiles.
pub(super) fn time_ns(Quartiles { q1, median, q3 }: Quartiles) -> String {
    let digits = if median < 100.0 { 1 } else { 0 };
    format!("{median:.digits$} ({q1:.digits$}–{q3:.digits$})")
}

/// A count. Exact counts are shown exactly; fractions come from what a batch shares.
pub(super) fn count(value: Option<f64>) -> String {
    match value {
        None => NOT_AVAILABLE.to_owned(),
        Some(value) if value.fract() == 0.0 => format!("{value}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// Memory in mebibytes, as text.
pub(super) fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| NOT_AVAILABLE.to_owned(), |bytes| format!("{:.1}", bytes as f64 / f64::from(1 << 20)))
}

/// A duration in words.
pub(super) fn duration(seconds: f64) -> String {
    humantime::format_duration(std::time::Duration::from_secs(seconds.max(0.0).round() as u64)).to_string()
}

/// Batch size, and threads if there are several.
pub(super) fn batch_of(point: &Point) -> String {
    match point.knobs.threads {
        1 => format!("batch {}", point.batch),
        threads => format!("batch {}, {threads} threads", point.batch),
    }
}

/// Corpus and batch, and threads if there are several: as short as it can be.
pub(super) fn workload_of(Point { corpus, batch, knobs }: &Point) -> String {
    match knobs.threads {
        1 => format!("{corpus} {batch}"),
        threads => format!("{corpus} {batch}, {threads} threads"),
    }
}

/// A link from a directory to a file: relative, so that both can be moved or published together. Absolute if the two
/// have nothing in common.
pub(super) fn link(from: &Path, to: &Path) -> String {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let (from, to) = (whole(from), whole(to));
    let shared = from.components().zip(to.components()).take_while(|(own, other)| own == other).count();
    let mut parts: Vec<String> = from.components().skip(shared).map(|_| "..".to_owned()).collect();
    parts.extend(to.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned()));
    let path = if shared == 0 { to.to_string_lossy().into_owned() } else { parts.join("/") };
    // What means something else in an address.
    path.replace('%', "%25").replace('#', "%23").replace('?', "%3F").replace(' ', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_the_page_to_the_file_and_keeps_strange_names() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = (root.path().join("one"), root.path().join("two #2"));
        std::fs::create_dir_all(&one).unwrap();
        std::fs::create_dir_all(&two).unwrap();
        std::fs::write(two.join("run.jsonl"), "").unwrap();
        assert_eq!(link(&one, &two.join("run.jsonl")), "../two%20%232/run.jsonl");
        assert_eq!(link(&two, &two.join("run.jsonl")), "run.jsonl");
    }

    #[test]
    fn numbers_have_as_many_digits_as_they_are_worth() {
        assert_eq!(time_ns(Quartiles { q1: 1.0, median: 2.04, q3: 3.0 }), "2.0 (1.0–3.0)");
        assert_eq!(time_ns(Quartiles { q1: 900.4, median: 1000.4, q3: 1100.0 }), "1000 (900–1100)");
        assert_eq!((count(Some(3.0)), count(Some(0.125)), count(None)), ("3".into(), "0.12".into(), "n/a".into()));
        assert_eq!(mebibytes(Some(3 << 19)), "1.5");
    }
}
