//! What each seam is worth, as a plot.

use super::Figure;
use crate::report::chart::dots::{Dot, DotChart, DotGroup};
use crate::report::chart::theme::look_of;
use crate::report::chart::{Look, Value, theme};
use crate::report::format::batch_of;
use crate::run::effects::{Effect, Effects};

/// One figure for each corpus: a group for each seam, a dot for each batch.
pub(in crate::report) fn figures(all: &[Effects]) -> Vec<Figure> {
    let mut corpora: Vec<&str> = all.iter().map(|effects| effects.point.corpus.as_str()).collect();
    corpora.dedup();
    let mut figures = Vec::new();
    for corpus in corpora {
        let mut groups: Vec<DotGroup> = Vec::new();
        for effects in all.iter().filter(|effects| effects.point.corpus == corpus) {
            for effect in &effects.main {
                let label = backends(effect);
                let dot = Dot { label: batch_of(&effects.point), value: Value::from(effect.ratio.inverse()) };
                match groups.iter_mut().find(|group| group.label == label) {
                    Some(group) => group.dots.push(dot),
                    None => groups.push(DotGroup { look: look(effect), label, dots: vec![dot] }),
                }
            }
        }
        if groups.is_empty() {
            continue;
        }
        let chart = DotChart { x_title: "times as fast with the backend (log scale)".to_owned(), groups };
        let note = "Mean over all settings of the other seams, further right is faster; bars: 95 % intervals, where \
                    these are wider than the dot.";
        let title = format!("What each seam is worth, {corpus} tokens");
        figures.push(Figure::new(&format!("seams-{corpus}"), title, note, chart));
    }
    figures
}

/// The name of an effect: its backends.
pub(in crate::report) fn backends(effect: &Effect) -> String {
    effect.backends.join(" with ")
}

fn look(effect: &Effect) -> Look {
    effect.backends.first().map_or(Look::plain(theme::INK), |backend| look_of(backend))
}
