//! Time against the two thresholds, relative to their defaults.

use super::{Figure, case_of};
use crate::catalogue::Knobs;
use crate::report::chart::lines::{LineChart, Series, XAxis};
use crate::report::chart::{Look, Value, theme};
use crate::report::data::{Data, threshold};
use crate::run::{ArmKind, MeasuredArm, Purpose};

/// A knob that is varied while the others stay.
struct Knob {
    name: &'static str,
    unit: &'static str,
    value: fn(&Knobs) -> usize,
    with: fn(Knobs, usize) -> Knobs,
}

const ALL: [Knob; 2] = [
    Knob {
        name: "soa_threshold",
        unit: "caveats per token",
        value: |knobs| knobs.soa_threshold,
        with: |knobs, soa_threshold| Knobs { soa_threshold, ..knobs },
    },
    Knob {
        name: "par_min_batch",
        unit: "tokens per call",
        value: |knobs| knobs.par_min_batch,
        with: |knobs, par_min_batch| Knobs { par_min_batch, ..knobs },
    },
];

/// One figure for each knob that was varied.
pub(in crate::report) fn figures(data: &Data<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for knob in &ALL {
        let curves: Vec<Curve> = curves(data, knob);
        if curves.is_empty() {
            continue;
        }
        let mut values: Vec<usize> = curves.iter().flat_map(|curve| &curve.points).map(|(value, _)| *value).collect();
        values.sort_unstable();
        values.dedup();
        // What all curves have in common need not stand at each of them.
        let workload = curves.first().map(|curve| &curve.workload);
        let shared = workload.filter(|workload| curves.iter().all(|curve| curve.workload == **workload));
        let place = |value: usize| values.iter().position(|known| *known == value).unwrap_or_default() as f64;
        let chart = LineChart {
            x: XAxis {
                // Some values mean "always" or "never": no scale has a place for these, so all are evenly spaced.
                title: format!("{} ({})", knob.name, knob.unit),
                is_log: false,
                ticks: values.iter().map(|&value| (place(value), threshold(value))).collect(),
            },
            y_title: "time / time at the default".to_owned(),
            is_y_log: false,
            mark: Some(1.0),
            series: (0..)
                .zip(&curves)
                .map(|(index, curve)| Series {
                    label: match shared {
                        Some(_) => curve.name.clone(),
                        None => format!("{}, {}", curve.name, curve.workload),
                    },
                    look: Look::plain(theme::colour(index)),
                    points: curve.points.iter().map(|&(value, time)| (place(value), time)).collect(),
                })
                .collect(),
        };
        let default = (knob.value)(&data.run.header.default_knobs(1));
        let title = format!("{}: time relative to the default, {}", knob.name, threshold(default));
        let on = shared.map_or_else(String::new, |workload| format!(" All: {workload}."));
        let note = format!("Below 1 is faster than the default; bars: 95 % intervals. Values are evenly spaced.{on}");
        figures.push(Figure::new(&knob.name.replace('_', "-"), title, note, chart));
    }
    figures
}

/// The times of one variant on one workload.
struct Curve {
    /// Name of the variant and the corpus.
    name: String,
    /// Batch and threads, as text.
    workload: String,
    /// Values of the knob, each with time / time at the default.
    points: Vec<(usize, Value)>,
}

/// One curve for each workload on which more than the knob's default was measured.
fn curves(data: &Data<'_>, knob: &Knob) -> Vec<Curve> {
    let arms: Vec<&MeasuredArm<'_>> =
        data.all.iter().filter(|arm| arm.purpose == Purpose::Knobs && arm.arm.kind == ArmKind::Variant).collect();
    let mut curves: Vec<Curve> = Vec::new();
    for arm in &arms {
        let knobs = arm.point().knobs;
        let defaults = data.run.header.default_knobs(knobs.threads);
        // Only this knob is turned: the other one stays at its default.
        if (knob.with)(knobs, (knob.value)(&defaults)) != defaults {
            continue;
        }
        let is_default = |other: &&&MeasuredArm<'_>| {
            other.arm.variant == arm.arm.variant
                && (other.panel, other.group) == (arm.panel, arm.group)
                && other.point().knobs == defaults
        };
        let Some(default) = arms.iter().find(is_default) else { continue };
        let Some(ratio) = arm.to(default) else { continue };
        let name = format!("{}, {}", arm.arm.variant, arm.point().corpus);
        let workload = case_of(arm);
        let point = ((knob.value)(&knobs), Value::from(ratio));
        match curves.iter_mut().find(|curve| (&curve.name, &curve.workload) == (&name, &workload)) {
            Some(curve) if curve.points.iter().any(|(value, _)| *value == point.0) => {}
            Some(curve) => curve.points.push(point),
            None => curves.push(Curve { name, workload, points: vec![point] }),
        }
    }
    for curve in &mut curves {
        curve.points.sort_by_key(|(value, _)| *value);
    }
    curves.retain(|curve| curve.points.len() > 1);
    curves
}
