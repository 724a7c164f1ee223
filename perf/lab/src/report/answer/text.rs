//! The answer in a terminal: the line, a table, the cautions.

use std::fmt::Write as _;

use super::Answer;
use super::pick::{Next, Pick};

/// Most columns of a line.
pub(super) const WIDTH: usize = 120;
/// Most lines that the line, the table and the cautions take; what a command says after them has the rest of 25.
const LINES: usize = 22;
/// Most rows of the table; if there are more workloads, some share a row.
const ROWS: usize = 10;
const HEADS: [&str; 4] = ["workload, batch", "composition", "tokens/s/core", "margin over the next (95 %)"];

impl Answer {
    /// The answer in at most 22 lines of at most 120 columns. The first one is the answer.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![self.line.clone()];
        let rows = merged(&self.picks);
        if !rows.is_empty() {
            lines.push(String::new());
            lines.extend(table(&rows));
            if rows.len() > ROWS {
                lines.truncate(3 + ROWS);
                lines.push(format!("… and {} more workloads: see the report.", rows.len() - ROWS));
            }
        }
        lines.push(String::new());
        let room = LINES - lines.len() - 1;
        let cautions: Vec<String> = self.careful.iter().flat_map(|caution| wrapped("Careful: ", caution)).collect();
        if cautions.len() > room {
            lines.extend(cautions.into_iter().take(room - 1));
            lines.push("Careful: there is more, see the report.".to_owned());
        } else {
            lines.extend(cautions);
        }
        lines.push(cut(&format!("Checked: {}", self.checked)));
        lines.join("\n")
    }
}

/// A row of the table: workloads with the same answer.
struct AnswerRow<'a> {
    picks: Vec<&'a Pick>,
}

impl<'a> AnswerRow<'a> {
    fn first(&self) -> Option<&'a Pick> {
        self.picks.first().copied()
    }

    /// The workloads of the row, such as `light, heavy 1, 64, 2 threads`.
    fn workload(&self) -> String {
        let corpora = listed(self.picks.iter().map(|pick| short(&pick.point.corpus)));
        let batches = listed(self.picks.iter().map(|pick| pick.point.batch.to_string()));
        match self.first().map_or(1, |pick| pick.point.knobs.threads) {
            1 => format!("{corpora} {batches}"),
            threads => format!("{corpora} {batches}, {threads} threads"),
        }
    }

    /// Tokens per second and core in millions; a range if there are several workloads.
    fn rate(&self) -> String {
        let rates = || self.picks.iter().map(|pick| pick.tokens_per_second_per_core.median);
        let (least, most) = (rates().fold(f64::MAX, f64::min), rates().fold(0.0, f64::max));
        let (least, most) = (millions(least), millions(most));
        if least == most { format!("{most} M") } else { format!("{least}–{most} M") }
    }

    /// The smallest lead over the next best among the workloads of the row.
    fn margin(&self) -> (String, Option<&'a Next>) {
        let nexts = self.picks.iter().filter_map(|pick| pick.next.as_ref());
        let Some(next) = nexts.min_by(|a, b| a.ratio.estimate.total_cmp(&b.ratio.estimate)) else {
            return ("none is measurably slower".to_owned(), None);
        };
        let at_least = if self.picks.len() > 1 { "≥ " } else { "" };
        (format!("{at_least}{}", next.ratio.percent()), Some(next))
    }
}

/// Rows for as few merged workloads as fit: each by itself; those of one corpus with the same answer; all with the same
/// answer.
fn merged(picks: &[Pick]) -> Vec<AnswerRow<'_>> {
    type IsSame = fn(&Pick, &Pick) -> bool;
    const WAYS: [IsSame; 3] = [
        |_, _| false,
        |one, other| one.point.corpus == other.point.corpus && same(one, other),
        |one, other| same(one, other),
    ];
    let merged = |is_same: IsSame| {
        let mut rows: Vec<AnswerRow<'_>> = Vec::new();
        for pick in picks {
            match rows.iter_mut().find(|row| row.first().is_some_and(|first| is_same(first, pick))) {
                Some(row) => row.picks.push(pick),
                None => rows.push(AnswerRow { picks: vec![pick] }),
            }
        }
        rows
    };
    let [.., last] = WAYS;
    WAYS.into_iter().map(merged).find(|rows| rows.len() <= ROWS).unwrap_or_else(|| merged(last))
}

fn same(one: &Pick, other: &Pick) -> bool {
    one.composition == other.composition && one.point.knobs.threads == other.point.knobs.threads
}

/// Head and rows within the width: how the next best differs is said in words, in signs, or not at all.
fn table(rows: &[AnswerRow<'_>]) -> Vec<String> {
    let ways: [fn(&Next) -> String; 3] =
        [|next| next.difference.words(), |next| next.difference.signs(), |_| String::new()];
    let drawn = ways.map(|differs| {
        let mut cells = vec![HEADS.map(str::to_owned)];
        for row in rows {
            let (margin, next) = row.margin();
            let differs = next.map(differs).unwrap_or_default();
            let composition = row.first().map(|pick| pick.composition.clone()).unwrap_or_default();
            // Margins are as long as each other but for a digit: what follows lines up.
            let margin = if differs.is_empty() { margin } else { format!("{margin:<18} {differs}") };
            cells.push([row.workload(), composition, row.rate(), margin]);
        }
        aligned(&cells)
    });
    let fits = |lines: &&Vec<String>| lines.iter().all(|line| columns(line) <= WIDTH);
    let [.., narrowest] = &drawn;
    drawn.iter().find(fits).unwrap_or(narrowest).iter().map(|line| cut(line)).collect()
}

fn aligned(cells: &[[String; 4]]) -> Vec<String> {
    let width = |column: usize| cells.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell)).max();
    let widths: Vec<usize> = (0..4).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &[String; 4]| {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Rates are numbers.
            let _ = if column == 2 { write!(line, "{cell:>width$}  ") } else { write!(line, "{cell:<width$}  ") };
        }
        line.trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

/// A caution in lines that fit, indented from the second one on.
fn wrapped(head: &str, sentence: &str) -> Vec<String> {
    let mut lines = vec![head.trim_end().to_owned()];
    for word in sentence.split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= WIDTH => *line += &format!(" {word}"),
            _ => lines.push(cut(&format!("  {word}"))),
        }
    }
    lines
}

/// The distinct names in order, such as `a, b, c`.
fn listed(names: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all.join(", ")
}

/// The name of a corpus file without its path, cut if it is long.
fn short(corpus: &str) -> String {
    const MOST: usize = 16;
    let name = corpus.rsplit(['/', '\\']).next().unwrap_or(corpus);
    if columns(name) <= MOST {
        return name.to_owned();
    }
    name.chars().take(MOST - 1).chain(['…']).collect()
}

/// Millions with three significant digits.
fn millions(rate: f64) -> String {
    let millions = rate / 1e6;
    let decimals = if millions < 1.0 {
        3
    } else if millions < 10.0 {
        2
    } else {
        1
    };
    format!("{millions:.decimals$}")
}

pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

fn cut(line: &str) -> String {
    if columns(line) <= WIDTH {
        return line.to_owned();
    }
    line.chars().take(WIDTH - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use fairbench::measure::stats::Quartiles;

    use super::*;
    use crate::recommend::tests::run_at;
    use crate::report::html::Input;
    use crate::run::Run;
    use crate::run::simulated::{self, Truth, point};

    fn answered(mut run: Run) -> Answer {
        run.header.host.build = "release".to_owned();
        run.elapsed_s = Some(10.0);
        Input::of(&run, Vec::new(), Ok(Vec::new())).answer
    }

    /// A run of nine workloads of three corpora, like that of a quick sweep on two cores.
    fn like_a_quick_sweep(truth: &Truth) -> Run {
        let points: Vec<_> = ["light", "heavy", "mixed"]
            .iter()
            .flat_map(|corpus| {
                [point(corpus, 1, 1), point(corpus, 64, 1), point(corpus, 256, 1), point(corpus, 256, 2)]
            })
            .collect();
        let mut run = run_at(&points, truth, 12);
        run.header.host.cores = 2;
        run
    }

    fn assert_fits(text: &str) {
        assert!(text.lines().count() <= LINES, "{} lines\n{text}", text.lines().count());
        for line in text.lines() {
            assert!(columns(line) <= WIDTH, "{} columns: {line}", columns(line));
        }
    }

    #[test]
    fn the_answer_of_a_quick_sweep_is_a_line_a_table_and_cautions_in_22_lines_and_nothing_is_said_twice() {
        for truth in [
            Truth::default(),
            Truth { tls_scratch: 1.0, ..Truth::default() },
            Truth { tls_scratch: 0.985, noise: 0.02, ..Truth::default() },
            Truth { parallel: 0.9, lanes_with_parallel: 0.95, ..Truth::default() },
            Truth { control_off: 0.1, ..Truth::default() },
        ] {
            let answer = answered(like_a_quick_sweep(&truth));
            let text = answer.text();
            assert_fits(&text);
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some(answer.line.as_str()));
            assert!(
                ["On this host run `", "Run `", "No answer"].iter().any(|how| answer.line.starts_with(how)),
                "{text}"
            );
            if !answer.picks.is_empty() {
                assert_eq!(answer.picks.len(), 9);
                assert_eq!(lines.next(), Some(""));
                let head = lines.next().unwrap();
                assert!(HEADS.iter().all(|title| head.contains(title)), "{text}");
                assert!(text.contains("light 1 ") && text.contains("mixed 256, 2 threads "), "{text}");
            }
            let sentences: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
            assert_eq!(sentences.iter().collect::<HashSet<_>>().len(), sentences.len(), "{text}");
        }
    }

    #[test]
    fn a_row_says_by_how_much_the_next_is_slower_and_what_it_does_without() {
        let text = answered(like_a_quick_sweep(&Truth::default())).text();
        let row = text.lines().find(|line| line.starts_with("heavy 64 ")).unwrap();
        assert!(row.contains(" simd-b64+minicbor-zerocopy+lanes+tls-scratch "), "{row}");
        let margin = row.split_once(" M  +").unwrap().1;
        assert!(margin.starts_with("2.") || margin.starts_with("1.9"), "{row}");
        assert!(row.ends_with("tls-scratch") && row.contains(" % ("), "{row}");
    }

    #[test]
    fn ties_are_said_once_with_their_workloads() {
        let truth = Truth { tls_scratch: 1.0, ..Truth::default() };
        let answer = answered(like_a_quick_sweep(&truth));
        let ties: Vec<&String> = answer.careful.iter().filter(|caution| caution.contains("told")).collect();
        assert!(ties.len() <= 3, "{ties:#?}");
        assert!(ties[0].contains("cannot be told from `simd-b64+minicbor-zerocopy+lanes+tls-scratch`"), "{ties:#?}");
        assert!(ties[0].contains("batch 1, batch 64 (light, heavy, mixed)"), "{ties:#?}");
    }

    #[test]
    fn more_workloads_than_rows_are_merged() {
        let mut answer = answered(simulated::full(12));
        let pick = answer.picks[0].clone();
        let many = |corpora: usize, batches: usize| {
            let all = (0..corpora).flat_map(move |corpus| (0..batches).map(move |batch| (corpus, batch)));
            all.map(|(corpus, batch)| {
                let mut pick = pick.clone();
                pick.point = point(&format!("a/long/path/to/a/corpus/file-{corpus}"), 1 << batch, 1);
                let rate = 1e6 * (batch + 1) as f64;
                pick.tokens_per_second_per_core = Quartiles { q1: rate, median: rate, q3: rate };
                pick
            })
        };
        answer.picks = many(3, 5).collect();
        assert_fits(&answer.text());
        assert!(answer.text().contains("file-1 1, 2, 4, 8, 16 "), "{}", answer.text());
        assert!(answer.text().contains(" 1.00–5.00 M "), "{}", answer.text());
        answer.picks = many(40, 2)
            .enumerate()
            .map(|(index, mut pick)| {
                pick.composition = format!("composition-{index}");
                pick
            })
            .collect();
        answer.careful = (0..40).map(|index| format!("Reason {index} {}", "word ".repeat(40))).collect();
        assert_fits(&answer.text());
        assert!(answer.text().contains("… and 70 more workloads"), "{}", answer.text());
    }

    #[test]
    fn a_run_of_named_variants_alone_answers_with_the_fastest_of_them() {
        let mut run = simulated::full(12);
        run.header.panels.truncate(1);
        run.blocks.retain(|block| block.panel == 0);
        let answer = answered(run);
        assert!(
            answer.line.starts_with("On this host run `prod`: of the named variants, fastest on 10"),
            "{}",
            answer.line
        );
        assert!(answer.text().contains("Only named variants were compared"), "{}", answer.text());
        assert_fits(&answer.text());
    }
}
