//! Tables of what is stored for other purposes: the baseline, and the trials of the self-test.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use fairbench::baseline::store;
use fairbench::files::read_text;
use fairbench::gate::outcome::Ratio;
use fairbench::selftest::journal::{TrialSetup, read};
use fairbench::selftest::rates::SelftestSummary;
use fairbench::selftest::source::Way;
use fairbench::selftest::source::journal::SourceSetup;
use fairbench::selftest::source::patch::Expectation;
use fairbench::selftest::source::trial::{SourceTrial, TrialOutcome};
use serde::de::DeserializeOwned;

use super::tables::markdown;
use super::{ShownPart, when_and_where};

/// What goes on being compared with, by this name.
const BASELINE: &str = "main";
/// What names of files with trials have that went through the source.
const SOURCE: &str = "-source";

/// The newest baseline of the host.
pub(super) fn baseline(root: &Path, host: &str) -> anyhow::Result<Option<ShownPart>> {
    let stored = store::list(&root.join("baselines"))?
        .into_iter()
        .filter(|stored| stored.name == BASELINE && !stored.imported && super::name_of(&stored.host) == host);
    let Some(stored) = stored.max_by(|one, other| one.saved_utc.cmp(&other.saved_utc)) else { return Ok(None) };
    let rows = stored.benchmarks.iter().map(|benchmark| {
        let time = benchmark.time_ns_per_item;
        let to_floor = benchmark.ratio_to_floor.map_or_else(|| "n/a".to_owned(), |ratio| ratio.to_string());
        [
            benchmark.name.clone(),
            format!("{:.0} ({:.0}–{:.0})", time.median, time.q1, time.q3),
            to_floor,
            benchmark.blocks.len().to_string(),
        ]
    });
    let table = markdown(["benchmark", "ns/token (quartiles)", "/ floor", "blocks"], rows);
    let made_by = format!(
        "`cargo lab baseline save {BASELINE}`: {}, {}.",
        stored.side,
        when_and_where(&stored.saved_utc, &stored.host)
    );
    Ok(Some(ShownPart { made_by, table, measured: Some((stored.saved_utc, stored.host)) }))
}

/// The newest trials of the self-test that injects its slow-downs.
pub(super) fn selftest(root: &Path, host: &str) -> anyhow::Result<Option<ShownPart>> {
    let Some(path) = newest(root, host, |name| !name.contains(SOURCE)) else { return Ok(None) };
    let setup: TrialSetup = first_line(&path)?;
    let summary = SelftestSummary::of(&read::<TrialSetup>(&path)?, false);
    let made_by = format!("`cargo lab selftest`: {}, probe `{}`.", trials_of(root, &path, &setup.host), setup.probe);
    Ok(Some(ShownPart { made_by, table: summary.table(), measured: None }))
}

/// Trials of patches of the source, of every tree that some were made to: totals of each way, and what was measured of
/// those that must be caught.
pub(super) fn through_the_source(root: &Path, host: &str) -> anyhow::Result<Option<ShownPart>> {
    let (mut totals, mut effects, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for path in trials_files(root, host, |name| name.contains(SOURCE)) {
        let tree = first_line::<SourceSetup>(&path)?.tree.get(..12).unwrap_or_default().to_owned();
        let all = read::<SourceSetup>(&path)?;
        // Of several trials of a patch in a way the last counts.
        let mut last: Vec<&SourceTrial> = Vec::new();
        for trial in &all {
            last.retain(|other| (&other.patch, other.way) != (&trial.patch, trial.way));
            last.push(trial);
        }
        totals.extend(Way::ALL.into_iter().filter_map(|way| totals_of(&tree, way, &last)));
        let must_catch = last.iter().filter(|trial| trial.kind == Expectation::MustCatch && trial.timed_as.is_none());
        effects.extend(must_catch.map(|trial| {
            let benchmark = trial.benchmark.clone().unwrap_or_default();
            [trial.patch.clone(), tree.clone(), trial.way.name().to_owned(), benchmark, measured(trial)]
        }));
        let host_of_trials = last.first().map(|trial| trial.host.as_str()).unwrap_or_default();
        files.push(trials_of(root, &path, host_of_trials));
    }
    if files.is_empty() {
        return Ok(None);
    }
    let totals = markdown(
        [
            "tree",
            "applied as",
            "caught",
            "missed",
            "quiet",
            "false alarms",
            "could not measure",
            "timed in another way",
            "minutes",
        ],
        totals,
    );
    effects.sort();
    let effects = markdown(["must be caught", "tree", "applied as", "benchmark", "measured"], effects);
    let made_by = format!("`cargo lab selftest --source`: {}.", files.join("; "));
    Ok(Some(ShownPart { made_by, table: format!("{totals}\n\n{effects}"), measured: None }))
}

/// The totals of one way; `None` if nothing was tried in it.
fn totals_of(tree: &str, way: Way, trials: &[&SourceTrial]) -> Option<[String; 9]> {
    let trials: Vec<&SourceTrial> = trials.iter().copied().filter(|trial| trial.way == way).collect();
    if trials.is_empty() {
        return None;
    }
    let count = |found: TrialOutcome| trials.iter().filter(|trial| trial.found == found).count().to_string();
    Some([
        format!("`{tree}`"),
        way.name().to_owned(),
        count(TrialOutcome::Caught),
        count(TrialOutcome::Missed),
        count(TrialOutcome::Quiet),
        count(TrialOutcome::FalseAlarm),
        count(TrialOutcome::CouldNotMeasure),
        trials.iter().filter(|trial| trial.timed_as.is_some()).count().to_string(),
        format!("{:.0}", trials.iter().map(|trial| trial.seconds).sum::<f64>() / 60.0),
    ])
}

fn measured(trial: &SourceTrial) -> String {
    let percent = |ratio: f64| 100.0 * (ratio - 1.0);
    match trial.effect {
        Some(Ratio { estimate, lower, upper }) if lower < upper => {
            format!("{:+.1} % ({:.1} to {:.1})", percent(estimate), percent(lower), percent(upper))
        }
        Some(Ratio { estimate, .. }) => format!("{:+.1} %", percent(estimate)),
        None => trial.found.name().to_owned(),
    }
}

/// What the trials of a file have in common.
fn first_line<S: DeserializeOwned>(path: &Path) -> anyhow::Result<S> {
    let text = read_text(path, "trials of cargo lab selftest")?;
    let line = text.lines().next().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| anyhow!("{}:1: {error}", path.display()))
}

/// Where trials lie, and on which host they were made.
fn trials_of(root: &Path, path: &Path, host: &str) -> String {
    let path = path.strip_prefix(root).unwrap_or(path).display();
    format!("trials in [{path}](../../{path}), `{host}`")
}

/// The last by name of the host's files with trials: names end with the time.
fn newest(root: &Path, host: &str, is_wanted: fn(&str) -> bool) -> Option<PathBuf> {
    trials_files(root, host, is_wanted).pop()
}

/// The host's files with trials, by name.
fn trials_files(root: &Path, host: &str, is_wanted: fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(directory) = std::fs::read_dir(root.join("baselines/selftest")) else { return Vec::new() };
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let is_of_host = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "jsonl")
            && stem(path).is_some_and(|name| name.starts_with(&format!("{host}-")) && is_wanted(&name))
    };
    let mut files: Vec<PathBuf> = directory.flatten().map(|entry| entry.path()).filter(is_of_host).collect();
    files.sort_by_key(|path| stem(path));
    files
}
