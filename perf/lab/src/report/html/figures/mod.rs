//! The plots of a run: which there are, a file for each kind.

pub(super) mod answer;
pub(super) mod floor;
pub(super) mod seams;
pub(super) mod speedup;
pub(super) mod stages;
pub(super) mod thresholds;
pub(super) mod time;

use maud::{Markup, PreEscaped, html};

use super::format::batch_of;
use crate::report::chart::lines::{Series, XAxis};
use crate::report::chart::theme::look_of;
use crate::report::chart::{Look, Value};
use crate::report::data::is_plain;
use crate::run::MeasuredArm;

/// A plot with its title and what a reader has to know.
pub(super) struct Figure {
    pub(super) title: String,
    pub(super) note: String,
    pub(super) svg: String,
}

impl Figure {
    fn new(title: String, note: &str, draw: impl FnOnce(&str) -> anyhow::Result<String>) -> anyhow::Result<Self> {
        let svg = draw(&title)?;
        Ok(Self { title, note: note.to_owned(), svg })
    }

    pub(super) fn markup(&self) -> Markup {
        html! {
            figure {
                figcaption { strong { (self.title) } " " span { (self.note) } }
                (PreEscaped(&self.svg))
            }
        }
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
    use crate::report::html::Input;
    use crate::report::html::tests::hand_made;
    use crate::run::simulated;

    #[test]
    fn a_full_run_gives_every_plot_for_every_corpus_and_an_empty_one_none() {
        let run = simulated::full(8);
        let input = hand_made(&run);
        let data = Data::of(&run);
        for (kind, figures, expected) in all(&data, &input) {
            assert_eq!(figures.len(), expected, "{kind}");
            assert!(figures.iter().all(|figure| figure.svg.contains("<title>")), "{kind}");
        }
        let empty = crate::run::Run::new(run.header.clone(), std::path::PathBuf::new());
        for (kind, figures, _) in all(&Data::of(&empty), &Input::of(&empty, Vec::new(), Ok(Vec::new()))) {
            assert_eq!(figures.len(), 0, "{kind}");
        }
    }

    fn all(data: &Data<'_>, input: &Input<'_>) -> Vec<(&'static str, Vec<Figure>, usize)> {
        let mut corpora: Vec<&str> = input.effects.iter().map(|effects| effects.point.corpus.as_str()).collect();
        corpora.dedup();
        let corpora_with_effects = corpora.len();
        vec![
            ("time", time::figures(data).unwrap(), 2),
            ("speedup", speedup::figures(data).unwrap(), 2),
            ("seams", seams::figures(&input.effects).unwrap(), corpora_with_effects),
            ("thresholds", thresholds::figures(data).unwrap(), 2),
            ("stages", stages::figures(data).unwrap(), 1),
            ("floor", floor::figures(data).unwrap(), 2),
        ]
    }
}
