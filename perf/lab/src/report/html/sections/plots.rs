//! The plots, a section for each kind, with the numbers behind them if no other table has these.

use maud::{Markup, html};

use super::{HtmlSection, RowGroup, ShownRun, beside, details, figure, missing, plain_table, table};
use crate::report::figures::stages::{STAGES, points, samples, share};
use crate::report::figures::{Figure, floor, seams, speedup, stages, thresholds, time};
use crate::report::format::{batch_of, ratio};
use crate::run::effects::{Effect, Effects};
use crate::run::record::Profile;

/// A kind of plot.
struct PlotKind {
    id: &'static str,
    title: &'static str,
    figures: fn(&ShownRun<'_>) -> Vec<Figure>,
    /// Makes a table of the numbers behind it.
    behind: fn(&ShownRun<'_>) -> Markup,
    /// What it takes to have such a plot, shown if there is none.
    takes: &'static str,
}

const KINDS: [PlotKind; 6] = [
    PlotKind {
        id: "time",
        title: "Time per token",
        figures: |side| time::figures(&side.data),
        behind: nothing,
        takes: "No named variant was measured.",
    },
    PlotKind {
        id: "speed-up",
        title: "Speed-up",
        figures: |side| speedup::figures(&side.data),
        behind: nothing,
        takes: "No plot: no named variant was measured in six blocks or more.",
    },
    PlotKind {
        id: "seams",
        title: "What each seam is worth",
        figures: |side| seams::figures(&side.input.effects),
        behind: effects,
        takes: "No plot: it takes a run that measured all compositions of the seams.",
    },
    PlotKind {
        id: "thresholds",
        title: "Thresholds",
        figures: |side| thresholds::figures(&side.data),
        behind: nothing,
        takes: "No plot: it takes a run with a section that varies the knobs, six blocks or more.",
    },
    PlotKind {
        id: "stages",
        title: "Where the time goes",
        figures: |side| stages::figures(&side.data),
        behind: shares,
        takes: "No plot: it takes a run with profiles of variants that it also timed.",
    },
    PlotKind {
        id: "floor",
        title: "Cost against the floor",
        figures: |side| floor::figures(&side.data),
        behind: nothing,
        takes: "No plot: no floor was measured in six blocks or more.",
    },
];

/// A section for each kind of plot.
pub(in crate::report::html) fn all(sides: &[ShownRun<'_>]) -> anyhow::Result<Vec<HtmlSection>> {
    KINDS
        .iter()
        .map(|kind| {
            // Drawing may fail, so it is done before anything is laid out.
            let mut drawn = sides.iter().map(|side| kind.body(side)).collect::<anyhow::Result<Vec<_>>>()?.into_iter();
            let body = beside(sides, |_| drawn.next().unwrap_or_default());
            Ok(HtmlSection { id: kind.id, title: kind.title, body })
        })
        .collect()
}

impl PlotKind {
    fn body(&self, side: &ShownRun<'_>) -> anyhow::Result<Markup> {
        let plots = (self.figures)(side);
        if plots.is_empty() {
            return Ok(missing(self.takes));
        }
        Ok(html! {
            div.gallery { @for plot in &plots { (figure(plot)?) } }
            ((self.behind)(side))
        })
    }
}

fn nothing(_: &ShownRun<'_>) -> Markup {
    html! {}
}

fn effects(side: &ShownRun<'_>) -> Markup {
    let row = |effects: &Effects, effect: &Effect| {
        let point = &effects.point;
        vec![seams::backends(effect), point.corpus.clone(), batch_of(point), ratio(effect.ratio)]
    };
    let rows = |of: fn(&Effects) -> &[Effect]| -> Vec<Vec<String>> {
        let all = side.input.effects.iter();
        all.flat_map(|effects| of(effects).iter().map(move |effect| row(effects, effect))).collect()
    };
    let heads = ["backend", "tokens", "workload", "factor on the time (95 %)"];
    let together = side.input.effects.iter().filter_map(|effects| {
        let (measured, product) = effects.together?;
        let point = &effects.point;
        Some(vec![point.corpus.clone(), batch_of(point), ratio(measured), format!("{product:.3}")])
    });
    let (interactions, together) = (rows(|effects| &effects.interactions), together.collect::<Vec<_>>());
    html! {
        (details("Each backend in place of plain's, as factors", &plain_table(
            "Factor on the time of each backend in place of plain's",
            &heads,
            3,
            rows(|effects| &effects.main),
        )))
        @if !interactions.is_empty() {
            (details("Seams that matter together", &plain_table(
                "By how much two backends differ from the product of their own factors",
                &heads,
                3,
                interactions,
            )))
        }
        @if !together.is_empty() {
            (details("How far the seams add up", &plain_table(
                "Plain / everything recommended, and the product of the seams' own speed-ups",
                &["tokens", "workload", "measured (95 %)", "product"],
                2,
                together,
            )))
        }
    }
}

fn shares(side: &ShownRun<'_>) -> Markup {
    let row = |profile: &Profile| {
        let mut row = vec![profile.variant.clone(), samples(profile).to_string()];
        row.extend(STAGES.iter().map(|(stage, _)| format!("{:.1}", 100.0 * share(profile, stage))));
        row
    };
    let mut heads = vec!["variant", "samples"];
    heads.extend(STAGES.iter().map(|(stage, _)| *stage));
    let groups: Vec<RowGroup> = points(&side.data)
        .into_iter()
        .map(|point| RowGroup {
            head: Some(point.to_string()),
            rows: side.data.run.profiles.iter().filter(|profile| profile.point == *point).map(row).collect(),
        })
        .collect();
    details("Shares", &table("Share of samples in each stage, in per cent", &heads, 1, &groups))
}
