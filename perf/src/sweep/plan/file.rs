//! A plan's file. Whatever is wrong in it is said with its line.

use std::path::Path;
use std::time::Duration;

use anyhow::{anyhow, bail};
use ron_auth_variants::{Variant, catalogue, compositions};
use serde::Deserialize;
use toml::Spanned;

use super::{Plan, Profiles, Section};
use crate::cell::REFERENCE;
use crate::corpus::Source;
use crate::run::measured::FEWEST_BLOCKS;

/// Most tokens per call that a plan may ask for.
const MOST_TOKENS: i64 = 65_536;
const DEFAULT_TURN_US: u32 = 300;
const DEFAULT_ROUNDS: usize = 2;
const DEFAULT_PRECISION_PERCENT: f64 = 1.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    budget: Option<Spanned<String>>,
    blocks: Spanned<[usize; 2]>,
    precision_percent: Option<Spanned<f64>>,
    turn_us: Option<Spanned<u32>>,
    rounds: Option<Spanned<usize>>,
    allocations: Option<Empty>,
    instructions: Option<Instructions>,
    memory: Option<Memory>,
    profile: Option<Profile>,
    #[serde(default)]
    section: Vec<Spanned<RawSection>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Instructions {
    variants: Vec<Spanned<String>>,
    batches: Vec<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    variants: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    variants: Vec<Spanned<String>>,
    corpora: Vec<Spanned<String>>,
    batch: Spanned<i64>,
    seconds: Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSection {
    name: String,
    variants: Vec<Spanned<String>>,
    corpora: Vec<Spanned<String>>,
    batches: Vec<Spanned<i64>>,
    threads: Option<Vec<Spanned<Threads>>>,
    #[serde(default)]
    soa_threshold: Vec<Spanned<i64>>,
    #[serde(default)]
    par_min_batch: Vec<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Threads {
    Number(i64),
    Word(String),
}

pub(super) fn parse(text: &str, path: &Path, name: &str, all_threads: usize) -> anyhow::Result<Plan> {
    let reader = Reader { text, path, all_threads };
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.wrong(at, error.message().replace('\n', "; "))
    })?;
    let [least, most] = *file.blocks.get_ref();
    if least < FEWEST_BLOCKS || most < least {
        let what =
            format!("blocks = [{least}, {most}]: expected [least, most], at least {FEWEST_BLOCKS} for an interval");
        return Err(reader.wrong(file.blocks.span().start, what));
    }
    let precision = reader.positive("precision_percent", file.precision_percent.as_ref(), DEFAULT_PRECISION_PERCENT)?;
    let turn_us = reader.at_least_one("turn_us", file.turn_us.as_ref(), DEFAULT_TURN_US)?;
    let rounds = reader.at_least_one("rounds", file.rounds.as_ref(), DEFAULT_ROUNDS)?;
    let mut sections = Vec::new();
    for section in file.section {
        sections.push(reader.section(section)?);
    }
    let plan = Plan {
        name: name.to_owned(),
        about: file.about,
        budget: file.budget.as_ref().map(|budget| reader.time(budget)).transpose()?,
        blocks: (least, most),
        precision: precision / 100.0,
        turn: Duration::from_micros(u64::from(turn_us)),
        rounds,
        sections,
        allocations: file.allocations.is_some(),
        instructions: match file.instructions {
            Some(raw) => Some((reader.variants(&raw.variants)?, reader.batches(&raw.batches)?)),
            None => None,
        },
        memory: file.memory.map_or(Ok(Vec::new()), |raw| reader.variants(&raw.variants))?,
        profile: match file.profile {
            Some(raw) => Some(reader.profile(&raw)?),
            None => None,
        },
    };
    if plan.sections.is_empty() {
        bail!("{}: no [[section]]; expected at least one (perf/plans/README.md)", path.display());
    }
    Ok(plan)
}

/// Knows where everything stands.
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

    fn section(&self, raw: Spanned<RawSection>) -> anyhow::Result<Section> {
        let at = raw.span().start;
        let raw = raw.into_inner();
        let section = Section {
            variants: self.variants(&raw.variants)?,
            corpora: self.corpora(&raw.corpora)?,
            batches: self.batches(&raw.batches)?,
            threads: match &raw.threads {
                None => vec![1],
                Some(threads) => self.threads(threads)?,
            },
            soa_thresholds: self.whole("soa_threshold", &raw.soa_threshold)?,
            par_min_batches: self.whole("par_min_batch", &raw.par_min_batch)?,
            name: raw.name,
        };
        for (list, is_empty) in [
            ("variants", section.variants.is_empty()),
            ("corpora", section.corpora.is_empty()),
            ("batches", section.batches.is_empty()),
            ("threads", raw.threads.as_ref().is_some_and(Vec::is_empty)),
        ] {
            if is_empty {
                return Err(self.wrong(at, format!("section {:?} measures nothing: {list} is empty", section.name)));
            }
        }
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
        let only_plain = section.variants.iter().all(|variant| variant.name == REFERENCE);
        if only_plain && section.soa_thresholds.is_empty() && section.par_min_batches.is_empty() {
            let what = "plain is what all others are compared with; expected another variant";
            return Err(self.wrong(at, format!("section {:?} measures nothing: {what}", section.name)));
        }
        Ok(section)
    }

    fn profile(&self, raw: &Profile) -> anyhow::Result<Profiles> {
        Ok(Profiles {
            variants: self.variants(&raw.variants)?,
            corpora: self.corpora(&raw.corpora)?,
            batch: self.tokens(&raw.batch)?,
            time: Duration::try_from_secs_f64(self.positive("seconds", Some(&raw.seconds), 0.0)?)
                .map_err(|_| self.wrong(raw.seconds.span().start, "seconds: too many"))?,
        })
    }

    fn variants(&self, names: &[Spanned<String>]) -> anyhow::Result<Vec<Variant>> {
        let mut variants: Vec<Variant> = Vec::new();
        for name in names {
            let meant = match name.get_ref().as_str() {
                "named" => catalogue(),
                "compositions" => compositions().to_vec(),
                one => vec![ron_auth_variants::find(one).map_err(|error| {
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
        let number = *batch.get_ref();
        let tokens = usize::try_from(number).ok().filter(|_| (1..=MOST_TOKENS).contains(&number));
        tokens.ok_or_else(|| {
            self.wrong(batch.span().start, format!("a batch of {number}: expected 1 to {MOST_TOKENS} tokens"))
        })
    }

    fn whole(&self, what: &str, numbers: &[Spanned<i64>]) -> anyhow::Result<Vec<usize>> {
        let whole = |number: &Spanned<i64>| {
            let complaint =
                || self.wrong(number.span().start, format!("{what} {}: expected 0 or more", number.get_ref()));
            usize::try_from(*number.get_ref()).map_err(|_| complaint())
        };
        numbers.iter().map(whole).collect()
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

    fn positive(&self, what: &str, value: Option<&Spanned<f64>>, default: f64) -> anyhow::Result<f64> {
        let Some(value) = value else { return Ok(default) };
        let number = *value.get_ref();
        if number > 0.0 && number.is_finite() {
            return Ok(number);
        }
        Err(self.wrong(value.span().start, format!("{what} = {number}: expected a number above 0")))
    }

    fn at_least_one<N>(&self, what: &str, value: Option<&Spanned<N>>, default: N) -> anyhow::Result<N>
    where
        N: Copy + Default + PartialEq + std::fmt::Display,
    {
        match value {
            None => Ok(default),
            Some(value) if *value.get_ref() != N::default() => Ok(*value.get_ref()),
            Some(value) => {
                Err(self.wrong(value.span().start, format!("{what} = {}: expected 1 or more", value.get_ref())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::plan::BuiltIn;

    const GOOD: &str = "about = \"a\"\nblocks = [6, 12]\n\n[[section]]\nname = \"variants\"\nvariants = [\"prod\"]\n\
                        corpora = [\"light\"]\nbatches = [64]\nthreads = [1, \"all\"]\n";

    fn read(text: &str) -> anyhow::Result<Plan> {
        parse(text, Path::new("own.toml"), "own", 4)
    }

    #[test]
    fn the_plans_that_come_with_the_lab_are_good() {
        for which in [BuiltIn::Smoke, BuiltIn::Quick, BuiltIn::Full] {
            for threads in [1, 2, 64] {
                assert!(!Plan::built_in(which, threads).unwrap().panels().is_empty());
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
            ("[\"prod\"]", "[\"plain\"]", "own.toml:4: section \"variants\" measures nothing: plain is what all"),
            ("[6, 12]", "[3, 12]", "own.toml:2: blocks = [3, 12]: expected [least, most], at least 6"),
            ("blocks = [6, 12]", "budget = \"soon\"\nblocks = [6, 12]", "own.toml:2: budget \"soon\": expected a time"),
            ("about", "abuot", "own.toml:1: unknown field `abuot`"),
            ("batches", "batch", "own.toml:8: unknown field `batch`"),
            ("blocks = [6, 12]", "blocks = [6, 12]\nturn_us = 0", "own.toml:3: turn_us = 0: expected 1 or more"),
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
