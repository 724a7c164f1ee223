//! `summary.md`: the verdict first, then the tables, then host and method.

use std::fmt::Write;
use std::path::PathBuf;

use crate::baseline::{Change, Standing};
use crate::cell::REFERENCE;
use crate::effects::Effects;
use crate::measure::stats::PairedRatio;
use crate::recommend::Advice;
use crate::run::Run;
use crate::sweep::row::{Kind, Row};
use crate::tripwire::{Judged, State};

/// By how much the control may be off before a run is doubted.
const CONTROL_MARGIN: f64 = 0.02;

/// All that a summary tells.
pub struct Summary<'a> {
    /// What was measured.
    pub run: &'a Run,
    /// Its rows.
    pub rows: &'a [Row],
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// The tripwires, judged.
    pub tripwires: &'a [Judged],
    /// The changes against the baseline, or why there are none.
    pub baseline: Result<Vec<Change>, String>,
    /// What to run.
    pub advices: &'a [Advice],
    /// What each seam is worth.
    pub effects: &'a [Effects],
    /// The plots, beside the summary.
    pub plots: &'a [PathBuf],
}

impl Summary<'_> {
    /// Names of the tripwires that are broken.
    #[must_use]
    pub fn broken(&self) -> Vec<&str> {
        self.tripwires.iter().filter(|t| t.state == State::Broken).map(|t| t.name.as_str()).collect()
    }

    /// One line: what there is to know.
    #[must_use]
    pub fn verdict(&self) -> String {
        let mut parts = Vec::new();
        if self.interrupted {
            let planned = self.run.header.panels.len();
            let measured = planned - self.run.left_out().len();
            parts.push(format!("PARTIAL ({measured} of {planned} panels measured)"));
        }
        if self.run.header.host.build != "release" {
            parts.push("MEANINGLESS: a debug build".to_owned());
        }
        if self.doubtful() {
            parts.push("DOUBTFUL: a control is off by more than 2 %".to_owned());
        }
        parts.push(format!("{} cells equal to {REFERENCE}", self.run.header.checked_cells));
        parts.push(match self.fastest() {
            Some((name, speedup, cells)) => {
                format!("fastest in most of {cells} cells: {name} (up to {speedup:.1} times plain)")
            }
            None => "nothing measured".to_owned(),
        });
        let broken = self.broken();
        let bound = self.tripwires.iter().filter(|t| matches!(t.state, State::Holds | State::Broken)).count();
        parts.push(if broken.is_empty() {
            format!("{bound} tripwires hold")
        } else {
            format!("tripwires BROKEN: {}", broken.join(", "))
        });
        parts.push(match &self.baseline {
            Err(_) => "no baseline for this host".to_owned(),
            Ok(changes) => {
                let count = |standing| changes.iter().filter(|change| change.standing == standing).count();
                format!(
                    "baseline: {} slower, {} faster, {} the same",
                    count(Standing::Slower),
                    count(Standing::Faster),
                    count(Standing::Same)
                )
            }
        });
        parts.join("; ") + "."
    }

    /// The whole text.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).map(|()| text).unwrap_or_default()
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "**{}**\n", self.verdict())?;
        writeln!(out, "# Sweep ({}) of {}\n", self.run.header.plan, self.run.header.started_utc)?;
        for advice in self.advices {
            writeln!(out, "{}\n", advice.headline())?;
        }
        self.write_fixtures(out)?;
        self.write_parallel(out)?;
        let effects = crate::effects::table(self.effects);
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
        for note in &self.run.notes {
            writeln!(out, "- {note}")?;
        }
        let left_out = self.run.names_of_left_out();
        if !left_out.is_empty() {
            let why =
                if self.interrupted { "Not measured when it was interrupted" } else { "Left out for want of time" };
            writeln!(out, "- {why}: {}.", left_out.join("; "))?;
        }
        writeln!(out, "\n## Host\n\n| | |\n|---|---|")?;
        for (name, value) in self.run.header.host.describe() {
            writeln!(out, "| {name} | {value} |")?;
        }
        writeln!(out, "\n## Method\n\n{METHOD}")
    }

    fn write_fixtures(&self, out: &mut String) -> std::fmt::Result {
        let single: Vec<&Row> = self.rows.iter().filter(|row| row.purpose == "variants" && row.threads == 1).collect();
        if single.is_empty() {
            return Ok(());
        }
        writeln!(out, "## One thread\n")?;
        writeln!(
            out,
            "| fixture | batch | variant | ns/token (quartiles) | time / plain (95 %) | speed-up | time / floor | \
             allocs/token | bytes/token | instr/token |\n|---|---:|---|---:|---:|---:|---:|---:|---:|---:|"
        )?;
        for row in single.iter().filter(|row| row.kind != Kind::Control) {
            let is_plain = row.variant == REFERENCE;
            writeln!(
                out,
                "| {} | {} | {} | {:.0} ({:.0}–{:.0}) | {} | {} | {} | {} | {} | {} |",
                row.fixture,
                row.batch_tokens,
                row.variant,
                row.time_median_ns_per_token,
                row.time_q1_ns_per_token,
                row.time_q3_ns_per_token,
                if is_plain { "1".to_owned() } else { interval(row.to_plain()) },
                if is_plain { "1".to_owned() } else { format!("{:.2}", 1.0 / row.ratio_to_plain) },
                row.ratio_to_floor.map_or_else(not_available, |ratio| format!("{ratio:.2}")),
                count(row.allocations_per_token),
                count(row.allocated_bytes_per_token),
                row.instructions_per_token.map_or_else(not_available, |count| format!("{count:.0}")),
            )?;
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
        writeln!(out, "## {} threads, not pinned\n", first.threads)?;
        writeln!(
            out,
            "| fixture | batch | variant | ns/token (quartiles) | time / plain (95 %) | speed-up | blocks |\n\
             |---|---:|---|---:|---:|---:|---:|"
        )?;
        for row in rows {
            writeln!(
                out,
                "| {} | {} | {} | {:.0} ({:.0}–{:.0}) | {} | {:.2} | {} |",
                row.fixture,
                row.batch_tokens,
                row.variant,
                row.time_median_ns_per_token,
                row.time_q1_ns_per_token,
                row.time_q3_ns_per_token,
                interval(row.to_plain()),
                1.0 / row.ratio_to_plain,
                row.blocks
            )?;
        }
        writeln!(out)
    }

    fn write_knobs(&self, out: &mut String) -> std::fmt::Result {
        let mut rows = self.rows.iter().filter(|row| row.purpose == "knobs" && row.kind == Kind::Variant).peekable();
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
                row.soa_threshold_caveats,
                row.par_min_batch_tokens,
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
            "| threads | contests | median ratio | lowest | highest | off by more than 2 % |\n|---|---:|---:|---:|---:|---:|"
        )?;
        for (name, is_single) in [("one", true), ("all", false)] {
            let mut controls: Vec<PairedRatio> = self
                .rows
                .iter()
                .filter(|row| row.kind == Kind::Control && (row.threads == 1) == is_single)
                .map(Row::to_plain)
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
        for Judged { name, limit, measured, state } in self.tripwires {
            let verdict = match state {
                State::Holds => "holds",
                State::Broken => "**BROKEN**",
                State::Elsewhere => "does not bind here",
                State::NotMeasured => "not measured in this sweep",
            };
            writeln!(out, "| {name} | {limit} | {measured} | {verdict} |")?;
        }
        writeln!(out)
    }

    fn write_baseline(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "## Baseline\n")?;
        let changes = match &self.baseline {
            Err(reason) => return writeln!(out, "{reason}\n"),
            Ok(changes) => changes,
        };
        let mut changed: Vec<&Change> = changes.iter().filter(|change| change.standing != Standing::Same).collect();
        if changed.is_empty() {
            return writeln!(out, "{} ratios compared, none changed beyond noise and layout.\n", changes.len());
        }
        changed.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
        writeln!(out, "{} ratios compared; these changed:\n", changes.len())?;
        writeln!(
            out,
            "| variant | fixture | batch | threads | ratio to | was | is | is / was | |\n|---|---|---:|---:|---|---:|---:|---:|---|"
        )?;
        for change in changed {
            let standing = if change.standing == Standing::Slower { "slower" } else { "faster" };
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} | {:.3} | {standing} |",
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

    /// The variant that is fastest in most single-threaded cells, and its greatest speed-up.
    fn fastest(&self) -> Option<(&str, f64, usize)> {
        let candidates = || self.rows.iter().filter(|row| row.is_default_variant() && row.threads == 1);
        let mut wins: Vec<(&str, usize)> = Vec::new();
        let mut contests: Vec<(usize, usize)> = candidates().map(|row| (row.panel, row.batch_tokens)).collect();
        contests.dedup();
        for &contest in &contests {
            let of_contest = candidates().filter(|row| (row.panel, row.batch_tokens) == contest);
            let best = of_contest.min_by(|a, b| a.ratio_to_plain.total_cmp(&b.ratio_to_plain))?;
            match wins.iter_mut().find(|(name, _)| *name == best.variant) {
                Some((_, count)) => *count += 1,
                None => wins.push((&best.variant, 1)),
            }
        }
        let (name, _) = wins.into_iter().max_by_key(|(_, count)| *count)?;
        let speedup =
            candidates().filter(|row| row.variant == name).map(|row| 1.0 / row.ratio_to_plain).fold(0.0, f64::max);
        Some((name, speedup, contests.len()))
    }

    fn doubtful(&self) -> bool {
        self.rows.iter().any(|row| row.kind == Kind::Control && row.to_plain().excludes_one_by(CONTROL_MARGIN))
    }
}

fn interval(ratio: PairedRatio) -> String {
    format!("{:.3} ({:.3}–{:.3})", ratio.estimate, ratio.lower, ratio.upper)
}

/// Exact counts are shown exactly; fractions come from what a batch shares.
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
  the blocks (sign test and bootstrap of the median, the wider of both). Variants lie at different places of one program: \
  1–2 % between two of them may be the layout of their code.
- The control is plain once more, in a process of its own, in the same rounds.
- One thread: pinned to one core where the system allows it, and timed by the CPU time of the thread. Several: wall \
  time, called from outside the rayon pool, as a service does, not pinned.
- The floor is SIMD Base64 of the same text plus the same MAC messages: of single tokens through `blake3::keyed_hash` from ready bytes, of batches in SIMD lanes from words already in lane form.
- Allocations are counted by a separate program with a counting allocator, in steady state, the owned result \
  included. Instructions are counted by callgrind on one thread, as the difference of two runs.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::report::test_data::{host, rows};
    use crate::run::simulated::{self, Truth};

    fn run(host: Host) -> Run {
        let mut run = simulated::run(&Truth::default(), 6);
        run.header.host = host;
        run
    }

    fn summary<'a>(run: &'a Run, rows: &'a [Row], tripwires: &'a [Judged]) -> Summary<'a> {
        Summary {
            run,
            rows,
            interrupted: false,
            tripwires,
            baseline: Err("There is none.".to_owned()),
            advices: &[],
            effects: &[],
            plots: &[],
        }
    }

    #[test]
    fn the_verdict_is_the_first_line_and_names_what_is_broken() {
        let (run, rows) = (run(host()), rows());
        let broken = Judged { name: "t1".into(), limit: "l".into(), measured: "m".into(), state: State::Broken };
        let judged = [broken];
        let summary = summary(&run, &rows, &judged);
        let text = summary.markdown();
        let first = text.lines().next().unwrap();
        assert!(first.contains("prod (up to 5.0 times plain)") && first.contains("BROKEN: t1"), "{first}");
        assert!(!first.contains("DOUBTFUL") && !first.contains("PARTIAL"), "{first}");
    }

    #[test]
    fn a_bad_control_an_interruption_and_a_debug_build_come_first() {
        let mut rows = rows();
        let control = rows.iter_mut().find(|row| row.kind == Kind::Control).unwrap();
        (control.ratio_to_plain_lower95, control.ratio_to_plain, control.ratio_to_plain_upper95) = (1.03, 1.04, 1.05);
        let mut run = run(Host { build: "debug".to_owned(), ..host() });
        run.blocks.retain(|block| block.panel == 0);
        let summary = Summary { interrupted: true, ..summary(&run, &rows, &[]) };
        let verdict = summary.verdict();
        assert!(
            verdict.starts_with("PARTIAL (1 of 2 panels measured); MEANINGLESS: a debug build; DOUBTFUL"),
            "{verdict}"
        );
    }

    #[test]
    fn every_table_has_rows_as_wide_as_its_head() {
        let (run, rows) = (run(host()), rows());
        let text = summary(&run, &rows, &[]).markdown();
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
