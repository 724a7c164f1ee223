//! Reading a plan's file. Errors name the line.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use anyhow::{anyhow, bail};
use fairbench::measure::interval::FEWEST_BLOCKS;
use ron_auth_catalogue::{Variant, catalogue, compositions};
use toml::Spanned;

use super::raw::{File, RawInstructions, RawMemory, RawProfile, RawSection, Threads};
use super::{PlanSection, Profiles, SweepPlan};
use crate::catalogue::{CLASSIC, REFERENCE};
use crate::corpus::Source;

/// Most tokens per call that a plan may have.
const MOST_TOKENS: i64 = 65_536;
const MOST_BLOCKS: usize = 10_000;
const MOST_ROUNDS: i64 = 1000;
const MOST_TURN_US: i64 = 1_000_000;
/// Largest value of a knob, far above any batch.
const MOST_KNOB: i64 = 1_000_000;
const MOST_PROFILE_SECONDS: f64 = 3600.0;
/// Largest precision in per cent: an interval that is wider says nothing.
const MOST_PRECISION_PERCENT: f64 = 100.0;
const DEFAULT_BLOCKS: (usize, usize) = (6, 24);
const DEFAULT_TURN_US: u64 = 300;
const DEFAULT_ROUNDS: usize = 2;
const DEFAULT_PRECISION_PERCENT: f64 = 1.0;

pub(super) fn parse(text: &str, path: &Path, name: &str, all_threads: usize) -> anyhow::Result<SweepPlan> {
    let reader = Reader { text, path, all_threads };
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.wrong(at, in_plain_words(error.message()))
    })?;
    let precision = file.precision_percent.map_or(Ok(DEFAULT_PRECISION_PERCENT), |percent| {
        reader.positive("precision_percent", &percent, MOST_PRECISION_PERCENT)
    })?;
    let turn_us = file.turn_us.map_or(Ok(DEFAULT_TURN_US), |us| reader.whole("turn_us =", &us, 1..=MOST_TURN_US))?;
    let rounds = file.rounds.map_or(Ok(DEFAULT_ROUNDS), |rounds| reader.whole("rounds =", &rounds, 1..=MOST_ROUNDS))?;
    let mut sections = Vec::new();
    for section in file.section {
        sections.push(reader.section(section)?);
    }
    let plan = SweepPlan {
        name: name.to_owned(),
        about: file.about,
        budget: file.budget.as_ref().map(|budget| reader.time(budget)).transpose()?,
        blocks: file.blocks.map_or(Ok(DEFAULT_BLOCKS), |blocks| reader.blocks(&blocks))?,
        precision: precision / 100.0,
        turn: Duration::from_micros(turn_us),
        rounds,
        sections,
        allocations: file.allocations.is_some(),
        instructions: file.instructions.map(|raw| reader.instructions(&raw)).transpose()?,
        memory: file.memory.map_or(Ok(Vec::new()), |raw| reader.memory(&raw))?,
        profile: file.profile.map(|raw| reader.profile(&raw)).transpose()?,
    };
    if plan.sections.is_empty() {
        bail!("{}: no [[section]]; expected at least one (perf/plans/README.md)", path.display());
    }
    Ok(plan)
}

/// Puts what the parser says about a number into words for those who write plans.
fn in_plain_words(message: &str) -> String {
    let message =
        message.replace("expected i64", "expected a whole number").replace("expected f64", "expected a number");
    message.replace('\n', "; ")
}

/// Reads a file and knows on which line everything stands.
struct Reader<'a> {
    text: &'a str,
    path: &'a Path,
    all_threads: usize,
}

impl Reader<'_> {
    fn wrong(&self, at: usize, what: impl std::fmt::Display) -> anyhow::Error {
        let line = self.text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        anyhow!("{}:{line}: {what}", self.path.display())
    }

    fn section(&self, raw: Spanned<RawSection>) -> anyhow::Result<PlanSection> {
        let at = raw.span().start;
        let raw = raw.into_inner();
        if raw.name.get_ref().trim().is_empty() {
            return Err(self.wrong(raw.name.span().start, "a section's name is empty; results carry it"));
        }
        let section = PlanSection {
            variants: self.variants(&raw.variants)?,
            corpora: self.corpora(&raw.corpora)?,
            batches: self.batches(&raw.batches)?,
            threads: match &raw.threads {
                None => vec![1],
                Some(threads) => self.threads(threads)?,
            },
            soa_thresholds: self.knob("soa_threshold", &raw.soa_threshold)?,
            par_min_batches: self.knob("par_min_batch", &raw.par_min_batch)?,
            name: raw.name.into_inner(),
        };
        let lists = [
            ("variants", section.variants.len()),
            ("corpora", section.corpora.len()),
            ("batches", section.batches.len()),
            ("threads", raw.threads.as_ref().map_or(1, Vec::len)),
        ];
        self.none_empty(at, &format!("section {:?}", section.name), &lists)?;
        // On a machine with one thread, or for variants that don't spread, nothing may be left: that is no mistake of
        // the plan unless it is so on every machine.
        let spreads =
            section.variants.iter().any(Variant::is_parallel) && section.batches.iter().any(|&batch| batch > 1);
        let asks_for_more = raw
            .threads
            .as_ref()
            .is_some_and(|threads| threads.iter().all(|threads| !matches!(threads.get_ref(), Threads::Number(1))));
        if asks_for_more && !spreads {
            let what = "no variant of it spreads work over threads at any of its batches";
            return Err(self.wrong(at, format!("section {:?} measures nothing: {what}", section.name)));
        }
        let only_plain = section.variants.iter().all(|variant| variant.name == REFERENCE || variant.name == CLASSIC);
        if only_plain && section.soa_thresholds.is_empty() && section.par_min_batches.is_empty() {
            let what = "plain and classic are what all others are compared with; expected another variant";
            return Err(self.wrong(at, format!("section {:?} measures nothing: {what}", section.name)));
        }
        Ok(section)
    }

    fn instructions(&self, raw: &Spanned<RawInstructions>) -> anyhow::Result<(Vec<Variant>, Vec<usize>)> {
        let RawInstructions { variants, batches } = raw.get_ref();
        let lists = [("variants", variants.len()), ("batches", batches.len())];
        self.none_empty(raw.span().start, "[instructions]", &lists)?;
        Ok((self.variants(variants)?, self.batches(batches)?))
    }

    fn memory(&self, raw: &Spanned<RawMemory>) -> anyhow::Result<Vec<Variant>> {
        let RawMemory { variants } = raw.get_ref();
        self.none_empty(raw.span().start, "[memory]", &[("variants", variants.len())])?;
        self.variants(variants)
    }

    fn profile(&self, raw: &Spanned<RawProfile>) -> anyhow::Result<Profiles> {
        let RawProfile { variants, corpora, batch, seconds } = raw.get_ref();
        let lists = [("variants", variants.len()), ("corpora", corpora.len())];
        self.none_empty(raw.span().start, "[profile]", &lists)?;
        Ok(Profiles {
            variants: self.variants(variants)?,
            corpora: self.corpora(corpora)?,
            batch: self.tokens(batch)?,
            time: Duration::from_secs_f64(self.positive("seconds", seconds, MOST_PROFILE_SECONDS)?),
        })
    }

    /// Checks that none of these lists, each with its length, is empty.
    fn none_empty(&self, at: usize, owner: &str, lists: &[(&str, usize)]) -> anyhow::Result<()> {
        match lists.iter().find(|(_, length)| *length == 0) {
            Some((list, _)) => Err(self.wrong(at, format!("{owner} measures nothing: {list} is empty"))),
            None => Ok(()),
        }
    }

    fn blocks(&self, blocks: &Spanned<Vec<i64>>) -> anyhow::Result<(usize, usize)> {
        let numbers: Vec<usize> = blocks.get_ref().iter().filter_map(|&number| usize::try_from(number).ok()).collect();
        let is_good = |least, most| FEWEST_BLOCKS <= least && least <= most && most <= MOST_BLOCKS;
        match numbers.as_slice() {
            &[least, most] if blocks.get_ref().len() == 2 && is_good(least, most) => Ok((least, most)),
            _ => Err(self.wrong(
                blocks.span().start,
                format!(
                    "blocks = {:?}: expected [least, most], at least {FEWEST_BLOCKS} for an interval, at most {MOST_BLOCKS}",
                    blocks.get_ref()
                ),
            )),
        }
    }

    fn variants(&self, names: &[Spanned<String>]) -> anyhow::Result<Vec<Variant>> {
        let mut variants: Vec<Variant> = Vec::new();
        for name in names {
            let meant = match name.get_ref().as_str() {
                "named" => catalogue(),
                "compositions" => compositions().to_vec(),
                one => vec![ron_auth_catalogue::find(one).map_err(|error| {
                    self.wrong(name.span().start, format!("{error}; or \"named\", or \"compositions\""))
                })?],
            };
            for variant in meant {
                if !variants.iter().any(|known| known.name == variant.name) {
                    variants.push(variant);
                }
            }
        }
        Ok(variants)
    }

    fn corpora(&self, names: &[Spanned<String>]) -> anyhow::Result<Vec<Source>> {
        let corpus = |name: &Spanned<String>| {
            // A file is looked for beside the plan first.
            let beside = self.path.with_file_name(name.get_ref());
            let found = if beside.is_file() { Source::file(&beside) } else { name.get_ref().parse() };
            found.map_err(|error| self.wrong(name.span().start, format!("{error:#}")))
        };
        names.iter().map(corpus).collect()
    }

    fn batches(&self, batches: &[Spanned<i64>]) -> anyhow::Result<Vec<usize>> {
        batches.iter().map(|batch| self.tokens(batch)).collect()
    }

    fn tokens(&self, batch: &Spanned<i64>) -> anyhow::Result<usize> {
        self.whole("a batch of", batch, 1..=MOST_TOKENS)
    }

    fn knob(&self, name: &str, values: &[Spanned<i64>]) -> anyhow::Result<Vec<usize>> {
        values.iter().map(|value| self.whole(name, value, 0..=MOST_KNOB)).collect()
    }

    fn whole<N: TryFrom<i64>>(
        &self,
        what: &str,
        number: &Spanned<i64>,
        range: RangeInclusive<i64>,
    ) -> anyhow::Result<N> {
        let value = *number.get_ref();
        N::try_from(value).ok().filter(|_| range.contains(&value)).ok_or_else(|| {
            let expected = format!("expected {} to {}", range.start(), range.end());
            self.wrong(number.span().start, format!("{what} {value}: {expected}"))
        })
    }

    fn threads(&self, threads: &[Spanned<Threads>]) -> anyhow::Result<Vec<usize>> {
        let mut numbers = Vec::new();
        for entry in threads {
            let number = match entry.get_ref() {
                // With one thread alone there is nothing that the sections of one thread do not measure.
                Threads::Word(word) if word == "all" => self.all_threads,
                Threads::Number(number) if (1..=1024).contains(number) => usize::try_from(*number)?,
                Threads::Number(number) => {
                    return Err(
                        self.wrong(entry.span().start, format!("{number} threads: expected 1 to 1024, or \"all\""))
                    );
                }
                Threads::Word(word) => {
                    return Err(
                        self.wrong(entry.span().start, format!("threads {word:?}: expected numbers, or \"all\""))
                    );
                }
            };
            let is_new = !numbers.contains(&number);
            let is_repeated_by_all = number == 1 && matches!(entry.get_ref(), Threads::Word(_));
            if is_new && !is_repeated_by_all {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    fn time(&self, text: &Spanned<String>) -> anyhow::Result<Duration> {
        let what =
            |_| self.wrong(text.span().start, format!("budget {:?}: expected a time such as \"10m\"", text.get_ref()));
        humantime::parse_duration(text.get_ref()).map_err(what)
    }

    fn positive(&self, what: &str, value: &Spanned<f64>, most: f64) -> anyhow::Result<f64> {
        let number = *value.get_ref();
        if number > 0.0 && number <= most {
            return Ok(number);
        }
        Err(self.wrong(value.span().start, format!("{what} = {number}: expected a number above 0, up to {most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::plan::BuiltIn;

    const GOOD: &str = "about = \"a\"\nblocks = [6, 12]\n\n[[section]]\nname = \"variants\"\nvariants = [\"prod\"]\n\
                        corpora = [\"light\"]\nbatches = [64]\nthreads = [1, \"all\"]\n";

    fn read(text: &str) -> anyhow::Result<SweepPlan> {
        parse(text, Path::new("own.toml"), "own", 4)
    }

    #[test]
    fn the_plans_that_come_with_the_lab_are_good() {
        for which in [BuiltIn::Smoke, BuiltIn::Quick, BuiltIn::Full] {
            for threads in [1, 2, 64] {
                assert!(!SweepPlan::built_in(which, threads).unwrap().panels().is_empty());
            }
        }
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let plan = read(GOOD).unwrap();
        assert_eq!((plan.turn, plan.rounds, plan.precision), (Duration::from_micros(300), 2, 0.01));
        assert_eq!(plan.sections[0].threads, [1, 4]);
        assert!(!plan.allocations && plan.memory.is_empty() && plan.profile.is_none());
        assert_eq!(parse(GOOD, Path::new("own.toml"), "own", 1).unwrap().sections[0].threads, [1]);
    }

    #[test]
    fn a_plan_is_its_sections_and_all_else_has_a_default() {
        let plan = read(GOOD.split_once("\n\n").unwrap().1).unwrap();
        assert_eq!((plan.blocks, plan.about.as_str()), ((6, 24), ""));
    }

    #[test]
    fn what_is_wrong_is_named_with_file_and_line() {
        for (good, bad, complaint) in [
            ("\"prod\"", "\"prodd\"", "own.toml:6: no variant is called \"prodd\"; the variants are plain, "),
            ("\"light\"", "\"lite\"", "own.toml:7: "),
            ("batches = [64]", "batches = [0]", "own.toml:8: a batch of 0: expected 1 to 65536"),
            ("batches = [64]", "batches = []", "own.toml:4: section \"variants\" measures nothing: batches is empty"),
            ("[\"light\"]", "[]", "own.toml:4: section \"variants\" measures nothing: corpora is empty"),
            ("[1, \"all\"]", "[]", "own.toml:4: section \"variants\" measures nothing: threads is empty"),
            ("[1, \"all\"]", "[\"both\"]", "own.toml:9: threads \"both\": expected numbers, or \"all\""),
            ("[1, \"all\"]", "[0]", "own.toml:9: 0 threads: expected 1 to 1024"),
            (
                "[\"prod\"]",
                "[\"plain\"]",
                "own.toml:4: section \"variants\" measures nothing: plain and classic are what all",
            ),
            ("[6, 12]", "[3, 12]", "own.toml:2: blocks = [3, 12]: expected [least, most], at least 6"),
            ("blocks = [6, 12]", "budget = \"soon\"\nblocks = [6, 12]", "own.toml:2: budget \"soon\": expected a time"),
            ("about", "abuot", "own.toml:1: unknown field `abuot`"),
            ("batches", "batch", "own.toml:8: unknown field `batch`"),
            ("[6, 12]", "[-10, 5]", "own.toml:2: blocks = [-10, 5]: expected [least, most], at least 6"),
            ("[6, 12]", "[6]", "own.toml:2: blocks = [6]: expected [least, most]"),
            ("[6, 12]", "[6, -1, 12]", "own.toml:2: blocks = [6, -1, 12]: expected [least, most]"),
            ("[6, 12]", "[6, 10001]", "own.toml:2: blocks = [6, 10001]: expected [least, most], at least 6"),
            ("[6, 12]", "[6, 12]\nturn_us = 0", "own.toml:3: turn_us = 0: expected 1 to 1000000"),
            ("[6, 12]", "[6, 12]\nturn_us = 1000001", "own.toml:3: turn_us = 1000001: expected 1 to 1000000"),
            ("[6, 12]", "[6, 12]\nrounds = 1001", "own.toml:3: rounds = 1001: expected 1 to 1000"),
            ("[6, 12]", "[6, 12]\nrounds = -1", "own.toml:3: rounds = -1: expected 1 to 1000"),
            (
                "[6, 12]",
                "[6, 12]\nrounds = 2.5",
                "own.toml:3: invalid type: floating point `2.5`, expected a whole number",
            ),
            (
                "[6, 12]",
                "[6, 12]\nprecision_percent = 0",
                "own.toml:3: precision_percent = 0: expected a number above 0",
            ),
            ("[64]", "[64]\nsoa_threshold = [-1]", "own.toml:9: soa_threshold -1: expected 0 to 1000000"),
            ("[64]", "[64]\npar_min_batch = [1000001]", "own.toml:9: par_min_batch 1000001: expected 0 to 1000000"),
            ("\"variants\"", "\" \"", "own.toml:5: a section's name is empty"),
            ("[6, 12]", "[6, 12]\n[memory]\nvariants = []", "own.toml:3: [memory] measures nothing: variants is empty"),
            (
                "[6, 12]",
                "[6, 12]\n[instructions]\nvariants = [\"prod\"]\nbatches = []",
                "own.toml:3: [instructions] measures nothing: batches is empty",
            ),
            (
                "[6, 12]",
                "[6, 12]\n[profile]\nvariants = [\"prod\"]\ncorpora = []\nbatch = 1\nseconds = 1",
                "own.toml:3: [profile] measures nothing: corpora is empty",
            ),
            (
                "[6, 12]",
                "[6, 12]\n[profile]\nvariants = [\"prod\"]\ncorpora = [\"light\"]\nbatch = 1\nseconds = 3601",
                "own.toml:7: seconds = 3601: expected a number above 0, up to 3600",
            ),
            ("name = \"variants\"", "name = \"variants", "own.toml:5: "),
        ] {
            assert!(GOOD.contains(good));
            let said = read(&GOOD.replacen(good, bad, 1)).unwrap_err().to_string();
            assert!(said.starts_with(complaint), "{said}\n  expected {complaint}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        let none = read(GOOD.split("\n\n").next().unwrap()).unwrap_err().to_string();
        assert!(none.starts_with("own.toml: no [[section]]"), "{none}");
        let sequential = GOOD.replacen("\"prod\"", "\"lanes\"", 1).replacen("[1, \"all\"]", "[\"all\"]", 1);
        let said = read(&sequential).unwrap_err().to_string();
        assert!(
            said.starts_with("own.toml:4: section \"variants\" measures nothing: no variant of it spreads"),
            "{said}"
        );
    }
}
