//! Cost against the floor: how much of the time is more than the least work that there is.

use super::{Figure, batches, over_batches};
use crate::report::chart::Value;
use crate::report::chart::lines::LineChart;
use crate::report::data::Data;

/// One figure for each corpus with a floor: a line for each variant on one thread.
pub(in crate::report) fn figures(data: &Data<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for corpus in data.corpora() {
        let arms: Vec<_> = data.named_on(corpus).into_iter().filter(|arm| arm.point().knobs.threads == 1).collect();
        let series = over_batches(arms.iter().copied(), |arm| data.to_floor(arm).map(Value::from));
        if series.is_empty() {
            continue;
        }
        let chart = LineChart {
            x: batches(arms.iter().copied()),
            y_title: "time / time of the floor (log scale)".to_owned(),
            is_y_log: true,
            mark: Some(1.0),
            series,
        };
        let note = "One thread, lower is better, 1 is the least work that there is; bars: 95 % intervals.";
        let title = format!("Cost against the floor, {corpus} tokens");
        figures.push(Figure::new(&format!("floor-{corpus}"), title, note, chart));
    }
    figures
}
