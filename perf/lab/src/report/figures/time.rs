//! Time per token against batch size.

use super::{Figure, batches, over_batches};
use crate::report::chart::Value;
use crate::report::chart::lines::LineChart;
use crate::report::data::Data;
use crate::run::MeasuredArm;

/// The recommended variant, which is also shown on all threads.
const ON_ALL_THREADS: &str = "prod";

/// One figure for each corpus: a line for each variant and `classic` on one thread, the floor, and `prod` on all.
pub(in crate::report) fn figures(data: &Data<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for corpus in data.corpora() {
        let is_shown = |arm: &&MeasuredArm<'_>| arm.point().knobs.threads == 1 || arm.arm.variant == ON_ALL_THREADS;
        let mut arms: Vec<&MeasuredArm<'_>> = data.named_on(corpus).into_iter().filter(is_shown).collect();
        arms.extend(data.floors_on(corpus));
        arms.extend(data.classic().into_iter().filter(is_shown).filter(|arm| arm.point().corpus == corpus));
        let series = over_batches(arms.iter().copied(), |arm| arm.time_ns().map(Value::from));
        if series.is_empty() {
            continue;
        }
        let chart = LineChart {
            x: batches(arms.iter().copied()),
            y_title: "ns per token (log scale)".to_owned(),
            is_y_log: true,
            mark: None,
            series,
        };
        let note = "Median over blocks, lower is faster; bars: quartiles. Dashed: the floor, and all threads.";
        let title = format!("Time per token, {corpus} tokens");
        figures.push(Figure::new(&format!("time-{corpus}"), title, note, chart));
    }
    figures
}
