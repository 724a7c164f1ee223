//! `summary.md`: the answer first, then the tables, then host and method.

use std::fmt::Write;
use std::path::PathBuf;

use fairbench::baseline::Shift;
use fairbench::measure::stats::{PairedRatio, Quartiles};

use crate::catalogue::REFERENCE;
use crate::report::answer::references;
use crate::report::data::threshold;
use crate::report::html::Input;
use crate::report::verdict::CONTROL_MARGIN;
use crate::run::Point;
use crate::sweep::row::{ArmKind, CsvRow};
use crate::sweep::stored::CellChange;
use crate::tripwire::{JudgedTripwire, TripwireState};

/// Everything that a summary is made from.
pub struct RunSummary<'a> {
    /// What the report also says.
    pub input: &'a Input<'a>,
    /// The rows of the run's table.
    pub rows: &'a [CsvRow],
    /// Paths of the plots, which lie beside the summary.
    pub plots: &'a [PathBuf],
}

impl RunSummary<'_> {
    /// The whole text as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).map(|()| text).unwrap_or_default()
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "**{}**\n", self.input.answer.line)?;
        writeln!(out, "# Sweep ({}) of {}\n", self.input.run.header.plan, self.input.run.header.started_utc)?;
        self.write_answer(out)?;
        self.write_fixtures(out)?;
        self.write_parallel(out)?;
        let effects = crate::run::effects::table(&self.input.effects);
        if !effects.is_empty() {
            writeln!(out, "## What each seam is worth\n\n{effects}")?;
        }
        self.write_knobs(out)?;
        self.write_control(out)?;
        self.write_tripwires(out)?;
        self.write_baseline(out)?;
        for plot in self.plots {
            if let Some(name) = plot.file_stem().and_then(|name| name.to_str()) {
                writeln!(out, "![{name}]({name}.png)\n")?;
            }
        }
        writeln!(out, "## Notes\n")?;
        for note in &self.input.run.notes {
            writeln!(out, "- {note}")?;
        }
        let left_out = self.input.run.names_of_left_out();
        if !left_out.is_empty() {
            let why = if self.input.run.elapsed_s.is_none() {
                "Not measured when it was interrupted"
            } else {
                "Left out for lack of time"
            };
            writeln!(out, "- {why}: {}.", left_out.join("; "))?;
        }
        writeln!(out, "\n## Host\n\n| | |\n|---|---|")?;
        for (name, value) in self.input.run.header.host.describe() {
            writeln!(out, "| {name} | {value} |")?;
        }
        writeln!(out, "\n## Method\n\n{METHOD}")
    }

    fn write_answer(&self, out: &mut String) -> std::fmt::Result {
        let answer = &self.input.answer;
        let references = references(&answer.picks);
        if !answer.picks.is_empty() {
            let times: String = references
                .iter()
                .map(|reference| format!(" times as fast as {}, per core |", reference.name))
                .collect();
            writeln!(
                out,
                "| workload | composition | tokens per second and core (quartiles) |{times} margin over the next (95 %) | \
                 the next |\n|---|---|---:|{}---:|---|",
                "---:|".repeat(references.len())
            )?;
        }
        for pick in &answer.picks {
            let Quartiles { q1, median, q3 } = pick.tokens_per_second_per_core.scaled(1e-6);
            write!(out, "| {} | `{}` | {median:.2} M ({q1:.2}–{q3:.2}) |", pick.point, pick.composition)?;
            for reference in &references {
                let times =
                    (reference.of)(pick).map_or_else(not_available, |ratio| format!("{:.2}", 1.0 / ratio.estimate));
                write!(out, " {times} |")?;
            }
            match &pick.next {
                Some(next) => writeln!(out, " {} | {} |", next.ratio.percent(), next.difference.words())?,
                None => writeln!(out, " | none is measurably slower |")?,
            }
        }
        writeln!(out)?;
        for caution in &answer.careful {
            writeln!(out, "- Careful: {caution}")?;
        }
        writeln!(out, "- Checked: {}\n", answer.checked)
    }

    fn write_fixtures(&self, out: &mut String) -> std::fmt::Result {
        let single: Vec<&CsvRow> =
            self.rows.iter().filter(|row| row.purpose == "variants" && row.threads == 1).collect();
        if single.is_empty() {
            return Ok(());
        }
        writeln!(out, "## One thread\n")?;
        writeln!(
            out,
            "| fixture | batch | variant | ns/token (quartiles) | time / classic (95 %) | time / plain (95 %) | \
             × plain | time / floor | allocs/token | bytes/token | instr/token |\n\
             |---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|"
        )?;
        for row in single.iter().filter(|row| row.kind != ArmKind::Control) {
            let is_plain = row.variant == REFERENCE;
            writeln!(
                out,
                "| {} | {} | {} | {:.0} ({:.0}–{:.0}) | {} | {} | {} | {} | {} | {} | {} |",
                row.fixture,
                row.batch_tokens,
                row.variant,
                row.time_median_ns_per_token,
                row.time_q1_ns_per_token,
                row.time_q3_ns_per_token,
                row.to_classic().map_or_else(not_available, interval),
                if is_plain { "1".to_owned() } else { interval(row.to_plain()) },
                if is_plain { "1".to_owned() } else { format!("{:.2}", 1.0 / row.ratio_to_plain) },
                row.ratio_to_floor.map_or_else(not_available, |ratio| format!("{ratio:.2}")),
                count(row.allocations_per_token),
                count(row.allocated_bytes_per_token),
                row.instructions_per_token.map_or_else(not_available, |count| format!("{count:.0}")),
            )?;
        }
        for (variant, point) in self.unavailable(1) {
            let Point { corpus, batch, .. } = point;
            writeln!(out, "| {corpus} | {batch} | {variant} |{}", " n/a |".repeat(8))?;
        }
        writeln!(out)
    }

    fn write_parallel(&self, out: &mut String) -> std::fmt::Result {
        let mut rows = self
            .rows
            .iter()
            .filter(|row| row.is_default_variant() && row.threads > 1 && row.variant != REFERENCE)
            .peekable();
        let Some(first) = rows.peek() else { return Ok(()) };
        let threads = first.threads;
        writeln!(out, "## {threads} threads, not pinned\n")?;
        writeln!(
            out,
            "| fixture | batch | variant | ns/token (quartiles) | time / classic (95 %) | time / plain (95 %) | × plain | \
             blocks |\n|---|---:|---|---:|---:|---:|---:|---:|"
        )?;
        for row in rows {
            writeln!(
                out,
                "| {} | {} | {} | {:.0} ({:.0}–{:.0}) | {} | {} | {:.2} | {} |",
                row.fixture,
                row.batch_tokens,
                row.variant,
                row.time_median_ns_per_token,
                row.time_q1_ns_per_token,
                row.time_q3_ns_per_token,
                row.to_classic().map_or_else(not_available, interval),
                interval(row.to_plain()),
                1.0 / row.ratio_to_plain,
                row.blocks
            )?;
        }
        for (variant, point) in self.unavailable(threads) {
            writeln!(out, "| {} | {} | {variant} | n/a | n/a | n/a | n/a | 0 |", point.corpus, point.batch)?;
        }
        writeln!(out)
    }

    /// Variants and points that could not be measured, at default knobs; the notes say why.
    fn unavailable(&self, threads: usize) -> impl Iterator<Item = (&str, &Point)> {
        let all = self.input.run.header.unavailable.iter();
        let all = all.flat_map(|left_out| left_out.points.iter().map(move |point| (left_out.variant.as_str(), point)));
        all.filter(move |(_, point)| point.knobs == self.input.run.header.default_knobs(threads))
    }

    fn write_knobs(&self, out: &mut String) -> std::fmt::Result {
        let mut rows = self.rows.iter().filter(|row| row.purpose == "knobs" && row.kind == ArmKind::Variant).peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        writeln!(out, "<details><summary>Knobs</summary>\n")?;
        writeln!(
            out,
            "| variant | fixture | batch | threads | soa_threshold | par_min_batch | ns/token | time / plain (95 %) |\n\
             |---|---|---:|---:|---:|---:|---:|---:|"
        )?;
        for row in rows {
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {:.0} | {} |",
                row.variant,
                row.fixture,
                row.batch_tokens,
                row.threads,
                threshold(row.soa_threshold_caveats),
                threshold(row.par_min_batch_tokens),
                row.time_median_ns_per_token,
                interval(row.to_plain())
            )?;
        }
        writeln!(out, "\n</details>\n")
    }

    fn write_control(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "## Control: plain against plain\n")?;
        writeln!(
            out,
            "| threads | groups | median ratio | lowest | highest | off by more than 2 % |\n|---|---:|---:|---:|---:|---:|"
        )?;
        for (name, is_single) in [("one", true), ("all", false)] {
            let mut controls: Vec<PairedRatio> = self
                .rows
                .iter()
                .filter(|row| row.kind == ArmKind::Control && (row.threads == 1) == is_single)
                .map(CsvRow::to_plain)
                .collect();
            controls.sort_by(|a, b| a.estimate.total_cmp(&b.estimate));
            let (Some(lowest), Some(highest), Some(middle)) =
                (controls.first(), controls.last(), controls.get(controls.len() / 2))
            else {
                continue;
            };
            writeln!(
                out,
                "| {name} | {} | {:.4} | {} | {} | {} |",
                controls.len(),
                middle.estimate,
                interval(*lowest),
                interval(*highest),
                controls.iter().filter(|control| control.excludes_one_by(CONTROL_MARGIN)).count()
            )?;
        }
        writeln!(out)
    }

    fn write_tripwires(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "## Tripwires\n\n| tripwire | limit | measured | verdict |\n|---|---|---:|---|")?;
        for JudgedTripwire { name, limit, measured, state } in &self.input.tripwires {
            let verdict = match state {
                TripwireState::Holds => "holds",
                TripwireState::Broken => "**BROKEN**",
                TripwireState::Elsewhere => "does not bind here",
                TripwireState::NotMeasured => "not measured in this sweep",
            };
            writeln!(out, "| {name} | {limit} | {measured} | {verdict} |")?;
        }
        writeln!(out)
    }

    fn write_baseline(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "## Baseline\n")?;
        let changes = match &self.input.baseline {
            Err(reason) => return writeln!(out, "{reason}\n"),
            Ok(changes) => changes,
        };
        let mut changed: Vec<&CellChange> = changes.iter().filter(|change| change.shift != Shift::Same).collect();
        if changed.is_empty() {
            return writeln!(out, "{} ratios compared, none changed beyond noise and layout.\n", changes.len());
        }
        changed.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
        let of = self.input.baseline_of.as_ref().map_or_else(String::new, |of| format!(" with those {of}"));
        writeln!(
            out,
            "{} ratios compared{of}; these changed. Where a variant changed to plain but not to the floor, or the other way \
             round, it is plain or the floor that moved.\n",
            changes.len()
        )?;
        writeln!(
            out,
            "| variant | fixture | batch | threads | ratio to | was | is | is / was | |\n|---|---|---:|---:|---|---:|---:|---:|---|"
        )?;
        for change in changed {
            let shift = if change.shift == Shift::Slower { "slower" } else { "faster" };
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} | {:.3} | {shift} |",
                change.key.variant,
                change.key.fixture,
                change.key.batch_tokens,
                change.key.threads,
                change.against,
                interval(change.was),
                interval(change.is),
                change.ratio()
            )?;
        }
        writeln!(out)
    }
}

fn interval(ratio: PairedRatio) -> String {
    format!("{:.3} ({:.3}–{:.3})", ratio.estimate, ratio.lower, ratio.upper)
}

/// A count. Exact counts are shown exactly; fractions come from what a batch shares.
fn count(value: Option<f64>) -> String {
    value.map_or_else(
        not_available,
        |value| if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.2}") },
    )
}

fn not_available() -> String {
    "n/a".to_owned()
}

const METHOD: &str = "\
- Every variant is checked on the corpus it is timed on before anything is timed: same decisions, errors and order as \
  plain, and as the tokens were made for.
- A block is one fresh process for each variant, all laid out alike at an address that is drawn anew for every block. \
  In a round each takes two turns, in a shuffled order and back in reverse. A turn is one or more passes over 256 \
  distinct tokens (or one batch, where that is more), as many as fill its time.
- A ratio is the median over blocks of the log ratio of the same rounds; its interval, 95 %, is read off the ranks of \
  the blocks (sign test and bootstrap of the median, the wider of both). Variants lie at different places of one \
  program: 1–2 % between two of them may be the layout of their code.
- The control is plain once more, in a process of its own, in the same rounds.
- One thread: pinned to one core where the system allows it, and timed by the CPU time of the thread. Several: wall \
  time, called from outside the rayon pool, as a service does, not pinned.
- The floor is SIMD Base64 of the same text plus the same MAC messages: of single tokens through `blake3::keyed_hash` \
  from ready bytes, of batches in SIMD lanes from words already in lane form.
- Allocations are counted by a separate program with a counting allocator, in steady state, the owned result \
  included. Instructions are counted by callgrind on one thread.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Unavailable;
    use crate::run::simulated::{self, Truth};

    #[test]
    fn the_verdict_is_the_first_line() {
        let run = simulated::run(&Truth::default(), 12);
        let rows = crate::sweep::row::rows(&run);
        let input = Input::of(&run, Vec::new(), Err("There is none.".to_owned()));
        let text = RunSummary { input: &input, rows: &rows, plots: &[] }.markdown();
        assert!(text.starts_with(&format!("**{}**", input.answer.line)), "{text}");
        assert!(text.contains("There is none.") && text.contains("## What each seam is worth"), "{text}");
    }

    #[test]
    fn what_was_left_out_is_said() {
        let mut run = simulated::run(&Truth::default(), 12);
        run.elapsed_s = Some(1.0);
        run.blocks.retain(|block| block.panel == 0);
        let input = Input::of(&run, Vec::new(), Ok(Vec::new()));
        let text = RunSummary { input: &input, rows: &[], plots: &[] }.markdown();
        assert!(text.contains("- Left out for lack of time: compositions on light, 1 thread."), "{text}");
    }

    #[test]
    fn what_could_not_be_measured_has_its_row() {
        let mut run = simulated::run(&Truth::default(), 12);
        let points = vec![simulated::point("light", 64, 1)];
        let left_out = Unavailable { variant: "prod-avx2".into(), reason: "built otherwise".into(), points };
        run.header.unavailable.push(left_out);
        let rows = crate::sweep::row::rows(&run);
        let input = Input::of(&run, Vec::new(), Ok(Vec::new()));
        let text = RunSummary { input: &input, rows: &rows, plots: &[] }.markdown();
        assert!(text.contains("| light | 64 | prod-avx2 | n/a | n/a |"), "{text}");
        let page = crate::report::html::Page { first: input, second: None, directory: "".into() }.render().unwrap();
        assert!(page.contains("n/a: built otherwise"), "{page}");
    }

    #[test]
    fn every_table_has_rows_as_wide_as_its_head() {
        let run = simulated::full(12);
        let rows = crate::sweep::row::rows(&run);
        let tripwire =
            JudgedTripwire { name: "t".into(), limit: "l".into(), measured: "m".into(), state: TripwireState::Holds };
        let input = Input::of(&run, vec![tripwire], Ok(Vec::new()));
        let text = RunSummary { input: &input, rows: &rows, plots: &[] }.markdown();
        let mut head = None;
        for line in text.lines() {
            let columns = line.starts_with('|').then(|| line.matches('|').count());
            if let (Some(head), Some(columns)) = (head, columns) {
                assert_eq!(head, columns, "{line}");
            }
            head = columns;
        }
    }
}
