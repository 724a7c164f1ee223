//! The plots of a run: which there are, a file for each kind. How they are drawn is in `chart`.

pub(super) mod answer;
pub mod files;
pub(super) mod floor;
pub(super) mod seams;
pub(super) mod speedup;
pub(super) mod stages;
pub(super) mod thresholds;
pub(super) mod time;
mod trend;

use crate::report::chart::lines::{Series, XAxis};
use crate::report::chart::theme::{Theme, look_of};
use crate::report::chart::{Chart, Look, Value};
use crate::report::data::is_plain;
use crate::report::format::batch_of;
use crate::run::MeasuredArm;

/// A plot with its title and what a reader has to know.
pub(super) struct Figure {
    /// What a file of it is called, without its extension.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) note: String,
    chart: Box<dyn Chart>,
}

impl Figure {
    fn new(name: &str, title: String, note: impl Into<String>, chart: impl Chart + 'static) -> Self {
        // A corpus may be called by its path.
        let name = name.replace(|character: char| !(character.is_alphanumeric() || "+-_.".contains(character)), "-");
        Self { name, title, note: note.into(), chart: Box::new(chart) }
    }

    /// Draws it as SVG.
    pub(super) fn svg(&self, theme: Theme) -> anyhow::Result<String> {
        theme.svg(&*self.chart, &self.title, &self.note)
    }
}

/// An axis of tokens per call.
fn batches<'a>(arms: impl Iterator<Item = &'a MeasuredArm<'a>>) -> XAxis {
    let mut batches: Vec<usize> = arms.map(|arm| arm.point().batch).collect();
    batches.sort_unstable();
    batches.dedup();
    XAxis {
        title: "tokens per call (log scale)".to_owned(),
        is_log: true,
        ticks: batches.into_iter().map(|batch| (batch as f64, batch.to_string())).collect(),
    }
}

/// A line over batches for each variant and number of threads.
fn over_batches<'a>(
    arms: impl Iterator<Item = &'a MeasuredArm<'a>>,
    value: impl Fn(&MeasuredArm<'_>) -> Option<Value>,
) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for arm in arms {
        let Some(value) = value(arm) else { continue };
        let (label, look) = style(arm);
        let point = (arm.point().batch as f64, value);
        match all.iter_mut().find(|series| series.label == label) {
            Some(series) => series.points.push(point),
            None => all.push(Series { label, look, points: vec![point] }),
        }
    }
    for series in &mut all {
        series.points.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    }
    all
}

fn style(arm: &MeasuredArm<'_>) -> (String, Look) {
    let (variant, threads) = (&arm.arm.variant, arm.point().knobs.threads);
    let look = look_of(variant);
    if threads == 1 {
        (variant.clone(), look)
    } else {
        (format!("{variant}, {threads} threads"), Look { dashed: true, ..look })
    }
}

/// The batches that a plot with a line for each has room for: 1, 64 and the largest.
fn is_shown_batch(batch: usize, largest: usize) -> bool {
    [1, 64, largest].contains(&batch)
}

/// The variants that are compared with `plain`, on one thread.
fn single_beyond_plain<'a, 'r>(named: &[&'a MeasuredArm<'r>]) -> Vec<&'a MeasuredArm<'r>> {
    named.iter().copied().filter(|arm| arm.point().knobs.threads == 1 && !is_plain(arm)).collect()
}

fn case_of(arm: &MeasuredArm<'_>) -> String {
    batch_of(arm.point())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::data::Data;
    use crate::run::effects::effects;
    use crate::run::{Run, simulated};

    fn all(run: &Run) -> Vec<(&'static str, Vec<Figure>)> {
        let data = Data::of(run);
        vec![
            ("time", time::figures(&data)),
            ("speedup", speedup::figures(&data)),
            ("seams", seams::figures(&effects(run))),
            ("thresholds", thresholds::figures(&data)),
            ("stages", stages::figures(&data)),
            ("floor", floor::figures(&data)),
        ]
    }

    #[test]
    fn a_full_run_gives_every_plot_for_every_corpus_and_an_empty_one_none() {
        let run = simulated::full(8);
        let found: Vec<(&str, usize)> = all(&run).iter().map(|(kind, figures)| (*kind, figures.len())).collect();
        let expected = [("time", 2), ("speedup", 2), ("seams", 1), ("thresholds", 2), ("stages", 1), ("floor", 2)];
        assert_eq!(found, expected);
        let mut names: Vec<String> = Vec::new();
        for figure in all(&run).into_iter().flat_map(|(_, figures)| figures) {
            for theme in [Theme::Page, Theme::File] {
                assert!(figure.svg(theme).unwrap().contains("<title>"), "{}", figure.name);
            }
            assert!(!names.contains(&figure.name), "{} twice", figure.name);
            names.push(figure.name);
        }
        let empty = Run::new(run.header.clone(), std::path::PathBuf::new());
        assert!(all(&empty).iter().all(|(_, figures)| figures.is_empty()));
    }
}
