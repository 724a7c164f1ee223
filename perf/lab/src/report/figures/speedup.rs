//! Speed-up over what is deployed (`classic`), or over `plain` in runs from before that was measured.

use crate::catalogue::{CLASSIC, REFERENCE};

use super::{Figure, case_of, is_shown_batch, single_beyond_plain};
use crate::report::chart::Value;
use crate::report::chart::dots::{Dot, DotChart, DotGroup};
use crate::report::chart::theme::look_of;
use crate::report::data::Data;

/// One figure for each corpus: a group for each variant on one thread, a dot for each batch.
pub(in crate::report) fn figures(data: &Data<'_>) -> Vec<Figure> {
    let mut figures = Vec::new();
    for corpus in data.corpora() {
        let arms = single_beyond_plain(&data.named_on(corpus));
        let largest = arms.iter().map(|arm| arm.point().batch).max().unwrap_or(1);
        let has_classic = arms.iter().any(|arm| data.to_classic(arm).is_some());
        let reference = if has_classic { CLASSIC } else { REFERENCE };
        let mut groups: Vec<DotGroup> = Vec::new();
        for arm in arms.iter().filter(|arm| is_shown_batch(arm.point().batch, largest)) {
            let ratio = if has_classic { data.to_classic(arm) } else { arm.to_plain() };
            let Some(ratio) = ratio else { continue };
            let dot = Dot { label: case_of(arm), value: Value::from(ratio.inverse()) };
            match groups.iter_mut().find(|group| group.label == arm.arm.variant) {
                Some(group) => group.dots.push(dot),
                None => groups.push(DotGroup {
                    label: arm.arm.variant.clone(),
                    look: look_of(&arm.arm.variant),
                    dots: vec![dot],
                }),
            }
        }
        if groups.is_empty() {
            continue;
        }
        let chart = DotChart { x_title: format!("times as fast as {reference} (log scale)"), groups };
        let note = "One thread, further right is faster; bars: 95 % intervals, where these are wider than the dot.";
        let title = format!("Speed-up over {reference}, {corpus} tokens");
        figures.push(Figure::new(&format!("speedup-{corpus}"), title, note, chart));
    }
    figures
}
