//! Effects as sentences and as a table.

use std::fmt;

use fairbench::measure::stats::PairedRatio;

use super::{Effect, Effects, all_backends};
use crate::run::compositions::LEAST_DIFFERENCE;

/// Explanation of the numbers in the table.
const LEGEND: &str = "A factor on the time when the backend takes the place of plain's, averaged (geometric mean) over \
                      the 16 settings of the other four seams; what two do together is listed below it.";

/// What a ratio says, as a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RatioWord {
    Faster,
    Slower,
    /// No difference that can be told, or less than [`LEAST_DIFFERENCE`].
    Same,
}

impl RatioWord {
    fn of(PairedRatio { lower, upper, estimate }: PairedRatio) -> Self {
        let includes_one = lower <= 1.0 && 1.0 <= upper;
        let is_close_to_one = 1.0 / (1.0 + LEAST_DIFFERENCE) <= lower && upper <= 1.0 + LEAST_DIFFERENCE;
        match estimate {
            _ if includes_one || is_close_to_one => Self::Same,
            estimate if estimate < 1.0 => Self::Faster,
            _ => Self::Slower,
        }
    }
}

impl Effects {
    /// What each seam is worth at this point, and what seams are worth together, in words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut sentences = vec![format!("{}: {}.", self.point, self.each())];
        sentences.extend(self.of_pairs().map(|said| format!("{said}.")));
        if let Some((all, alone)) = self.together {
            sentences
                .push(format!("All five take {all} of the time of none; what each is worth alone makes {alone:.3}."));
        }
        sentences.join(" ")
    }

    /// Main effects in words: faster ones first, the largest ahead; then slower ones; then those that make no
    /// difference.
    fn each(&self) -> String {
        let mut effects: Vec<&Effect> = self.main.iter().collect();
        effects.sort_by(|a, b| a.ratio.estimate.total_cmp(&b.ratio.estimate));
        let mut clauses = Vec::new();
        for (word, clause) in [
            (RatioWord::Faster, ["", " takes", " of the time"]),
            (RatioWord::Slower, ["", " takes", " times the time"]),
            (RatioWord::Same, ["no difference that could be told: ", "", ""]),
        ] {
            let [head, verb, what] = clause;
            let mut own = effects.iter().filter(|effect| RatioWord::of(effect.ratio) == word);
            let Some(first) = own.next() else { continue };
            let rest = own.map(|effect| format!(", {} {}", effect.name(), effect.ratio));
            clauses.push(format!("{head}{}{verb} {}{what}{}", first.name(), first.ratio, rest.collect::<String>()));
        }
        clauses.join("; ")
    }

    fn of_pairs(&self) -> impl Iterator<Item = String> {
        let unknown = || format!("{} blocks are too few to tell what two seams do together", self.blocks);
        let unknown = (!self.pairs_can_be_told).then(unknown);
        unknown.into_iter().chain(self.interactions.iter().map(Effect::of_a_pair))
    }
}

impl Effect {
    fn name(&self) -> String {
        self.backends.join(" and ")
    }

    /// An interaction in words. Above 1 the second backend gains less (or costs more) beside the first, below 1 more.
    fn of_a_pair(&self) -> String {
        format!("{} together take {} times what each alone suggests", self.name(), self.ratio)
    }
}

/// All effects of a run in Markdown: an explanation, a row for each point with a column for each seam, and interactions
/// below. Empty if there are none.
#[must_use]
pub fn table(effects: &[Effects]) -> String {
    if effects.is_empty() {
        return String::new();
    }
    let backends = all_backends();
    let rule = format!("|---|{}", "---:|".repeat(backends.len()));
    let mut lines = vec![LEGEND.to_owned(), String::new(), row(&"point", &backends), rule];
    lines.extend(effects.iter().map(|effects| {
        let ratios: Vec<PairedRatio> = effects.main.iter().map(|effect| effect.ratio).collect();
        row(&effects.point, &ratios)
    }));
    lines.push(String::new());
    for effects in effects {
        lines.extend(effects.of_pairs().map(|said| format!("- {}: {said}", effects.point)));
    }
    if effects.iter().all(|effects| effects.of_pairs().next().is_none()) {
        lines.push("No two seams do together what they do not do alone.".to_owned());
    }
    lines.join("\n").trim_end().to_owned() + "\n"
}

fn row(point: &dyn fmt::Display, cells: &[impl fmt::Display]) -> String {
    let cells: String = cells.iter().map(|cell| format!(" {cell} |")).collect();
    format!("| {point} |{cells}")
}

#[cfg(test)]
mod tests {
    use ron_auth_catalogue::compositions;

    use super::*;
    use crate::run::effects::tests::of;
    use crate::run::simulated::{Truth, point};

    fn effect(backends: &[&'static str], estimate: f64, lower: f64, upper: f64) -> Effect {
        Effect { backends: backends.to_vec(), ratio: PairedRatio { estimate, lower, upper } }
    }

    fn effects(main: Vec<Effect>, interactions: Vec<Effect>) -> Effects {
        Effects {
            point: point("light", 64, 1),
            blocks: 12,
            main,
            interactions,
            pairs_can_be_told: true,
            together: None,
        }
    }

    #[test]
    fn a_sentence_says_who_is_faster_who_slower_and_who_neither() {
        let main = vec![
            effect(&["simd-b64"], 0.96, 0.95, 0.97),
            effect(&["minicbor-zerocopy"], 0.4, 0.39, 0.41),
            effect(&["lanes"], 1.05, 1.04, 1.06),
            effect(&["parallel"], 1.02, 0.9, 1.2),
            effect(&["tls-scratch"], 0.995, 0.992, 0.998),
        ];
        let pair = effect(&["lanes", "parallel"], 1.1, 1.08, 1.12);
        assert_eq!(
            effects(main, vec![pair]).sentence(),
            "light, batch 64, 1 thread: minicbor-zerocopy takes 0.400 (0.390–0.410) of the time, simd-b64 0.960 \
             (0.950–0.970); lanes takes 1.050 (1.040–1.060) times the time; no difference that could be told: \
             tls-scratch 0.995 (0.992–0.998), parallel 1.020 (0.900–1.200). lanes and parallel together take 1.100 \
             (1.080–1.120) times what each alone suggests."
        );
    }

    #[test]
    fn seams_of_which_none_does_anything_are_said_to_do_nothing() {
        let said = effects(vec![effect(&["lanes"], 1.0, 0.99, 1.01)], Vec::new()).sentence();
        assert_eq!(said, "light, batch 64, 1 thread: no difference that could be told: lanes 1.000 (0.990–1.010).");
    }

    #[test]
    fn a_difference_is_one_only_outside_of_one_percent_and_without_1_in_its_interval() {
        let word =
            |lower: f64, upper: f64| RatioWord::of(PairedRatio { estimate: lower.midpoint(upper), lower, upper });
        assert!(word(0.5, 1.5) == RatioWord::Same && word(1.001, 1.009) == RatioWord::Same);
        assert!(word(1.001, 1.02) == RatioWord::Slower && word(0.98, 0.999) == RatioWord::Faster);
    }

    #[test]
    fn too_few_blocks_for_pairs_are_admitted() {
        let found = of(&Truth::default(), 8);
        assert!(found[0].sentence().contains("8 blocks are too few to tell what two seams do together"));
        assert!(table(&found).contains("- light, batch 1, 1 thread: 8 blocks are too few"));
    }

    #[test]
    fn the_table_has_a_row_for_each_point_as_wide_as_its_head_and_pairs_below() {
        let text = table(&of(&Truth::default(), 12));
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 4, "{text}");
        assert!(rows.iter().all(|row| row.matches('|').count() == 7), "{text}");
        assert!(rows[0].starts_with("| point | simd-b64 | minicbor-zerocopy | lanes | parallel | tls-scratch |"));
        assert!(rows[3].starts_with("| light, batch 64, 1 thread | 0."), "{text}");
        assert!(text.contains("\n- light, batch 64, 1 thread: lanes and parallel together take 1."), "{text}");
        assert!(text.starts_with(LEGEND), "{text}");
        assert_eq!(compositions().len() / 2, 16, "the legend says how many settings the others have");
        assert_eq!(table(&[]), "");
        let none = table(&of(&Truth { lanes_with_parallel: 1.0, ..Truth::default() }, 12));
        assert!(none.contains("No two seams"), "{none}");
    }
}
