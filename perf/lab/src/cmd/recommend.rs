//! `perf-lab recommend`: what do I run in production?

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Error;
use clap::Args as ClapArgs;
use fairbench::exit::{CommandResult, Exit, Failure};
use fairbench::interrupt;
use fairbench::measure::queue;
use fairbench::progress::ProgressBar;
use ron_auth_fixtures::Fixture;

use super::{OnCore, print};
use crate::corpus::Source;
use crate::own::repository_root;
use crate::recommend::{self, Budget, Question, advise, hold};
use crate::run::Run;
use crate::sweep::leader::leader;
use crate::sweep::measure::Step;

/// Say what to run in production, which is the fastest safe composition for a workload
///
/// Prints a line for Cargo.toml, a VerifierConfig, the tokens per second and the cost to expect, the margin over the
/// next best that is measurably slower, and what would change the advice.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Answer from this run, as `cargo lab sweep` writes it, instead of measuring now
    #[arg(long, value_name = "RUN")]
    run: Option<PathBuf>,
    /// Tokens like those of the service: a fixture or a file from `cargo lab corpus import`; with --run, its name will
    /// do
    #[arg(long, value_name = "NAME", default_value = "mixed")]
    corpus: String,
    /// Tokens per call; 1 is verify_token
    #[arg(long, value_name = "TOKENS", default_value = "1")]
    batch: NonZeroUsize,
    /// Number of cores that the service may use [default: all of the host that was measured]
    #[arg(long, value_name = "COUNT")]
    cores: Option<NonZeroUsize>,
    /// What an hour of one core costs, in any currency; the advice then says what a million verifications cost
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    price_per_core_hour: Option<f64>,
    /// Time to measure, such as 60s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration, conflicts_with = "run")]
    budget: Duration,
    /// No answer, but exit 3, where --budget is too short for one; otherwise it then takes as long as it needs
    #[arg(long, alias = "keep-budget", conflicts_with = "run")]
    strict_budget: bool,
    #[command(flatten)]
    on_core: OnCore,
    /// Check the advice against this other run, such as a full sweep
    #[arg(long, value_name = "RUN")]
    against: Option<PathBuf>,
}

/// Runs `recommend`. Exit 1 if the run of `--against` has a faster composition than the advice.
///
/// # Errors
/// Wrong usage; a run that cannot be read, or that did not measure this workload well enough; a strict budget that is
/// too short.
pub fn run(args: &Args) -> CommandResult {
    if args.price_per_core_hour.is_some_and(|price| !(price.is_finite() && price >= 0.0)) {
        return Err(Failure::usage("--price-per-core-hour: expected a number of at least 0"));
    }
    // Read first: better to fail now than after a minute of measuring.
    let against = args.against.as_deref().map(Run::read).transpose()?;
    let measured = match &args.run {
        Some(path) => Run::read(path)?,
        None => measured_now(args)?,
    };
    answer(&measured, against.as_ref(), args)
}

fn measured_now(args: &Args) -> Result<Run, Failure> {
    const STEPS: f64 = 1000.0;
    args.on_core.settle()?;
    interrupt::watch()?;
    let host = crate::own::host(&repository_root());
    if host.build != "release" {
        return Err(Failure::usage("a debug build's times mean nothing; use `cargo lab recommend`, or --run"));
    }
    let _turn = queue::turn(&interrupt::requested)?;
    let bar = ProgressBar::new("measuring", STEPS as u64);
    let mut told = |step: &Step<'_>| {
        bar.set((step.spent * STEPS) as u64);
        bar.say(&leader(step.run, step.panel));
    };
    let question = question(args, &args.corpus, host.cores);
    let budget = Budget { time: args.budget, is_strict: args.strict_budget };
    let mut say = |needed: &str| bar.tell(needed);
    let run = recommend::measured(&question, host, budget, &mut say, &interrupt::requested, &mut told);
    bar.finish();
    run
}

fn question(args: &Args, corpus: &str, cores: usize) -> Question {
    Question { corpus: corpus.to_owned(), batch: args.batch.get(), cores: args.cores.map_or(cores, NonZeroUsize::get) }
}

/// The name of a corpus in the run: the same name, the same file, or the only one with that file name. A corpus that
/// the run does not hold, but that could be measured, keeps its name.
///
/// # Errors
/// Wrong usage: the name is neither the run's, nor a fixture, nor a corpus file.
fn corpus_of(run: &Run, asked: &str) -> Result<String, Failure> {
    let arms = run.header.panels.iter().flat_map(|panel| &panel.groups).flat_map(|group| &group.arms);
    let held: BTreeSet<&str> = arms.map(|arm| arm.point.corpus.as_str()).collect();
    if held.contains(asked) || asked.parse::<Fixture>().is_ok() {
        return Ok(asked.to_owned());
    }
    let file = Path::new(asked).canonicalize().ok();
    // `None` if either is not there, so that nobody knows.
    let is_same_file = |held: &str| Some(Path::new(held).canonicalize().ok()? == *file.as_ref()?);
    if let Some(same) = held.iter().find(|held| is_same_file(held) == Some(true)) {
        return Ok((*same).to_owned());
    }
    let may_be_meant =
        |held: &&&str| Path::new(held).file_name() == Some(asked.as_ref()) && is_same_file(held).is_none();
    if let [only] = held.iter().filter(may_be_meant).collect::<Vec<_>>().as_slice() {
        return Ok((**only).to_owned());
    }
    match asked.parse::<Source>() {
        Ok(_) => Ok(asked.to_owned()),
        Err(unknown) => {
            let held: Vec<&str> = held.into_iter().collect();
            Err(Failure::usage(format!("--corpus: {unknown:#}; the run measured {}", held.join(", "))))
        }
    }
}

/// Prints the advice that follows from what was measured.
fn answer(measured: &Run, against: Option<&Run>, args: &Args) -> CommandResult {
    let corpus = corpus_of(measured, &args.corpus)?;
    let mut advice = advise(measured, &question(args, &corpus, measured.header.host.cores)).map_err(Error::from)?;
    advice.price_per_core_hour = args.price_per_core_hour;
    print(advice.markdown());
    let Some(against) = against else { return Ok(Exit::Success) };
    let held = hold(&advice, against).map_err(|error| Error::from(error).context("--against"))?;
    print(held.sentence());
    Ok(if held.holds { Exit::Success } else { Exit::Difference })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tempfile::TempDir;

    use super::*;
    use crate::run::Record;
    use crate::run::journal::RunJournal;
    use crate::run::simulated::{self, Truth};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn lab(arguments: &[&str]) -> CommandResult {
        run(&Line::try_parse_from([&["recommend"], arguments].concat()).unwrap().args)
    }

    fn stored(truth: &Truth) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        let run = simulated::run(truth, 24);
        let mut journal = RunJournal::create(directory.path(), &run.header).unwrap();
        for block in run.blocks {
            journal.write(&Record::Block(block)).unwrap();
        }
        directory
    }

    #[test]
    fn a_stored_run_is_answered_from_and_another_confirms_or_contradicts_it() {
        let (own, other) = (stored(&Truth::default()), stored(&Truth { tls_scratch: 1.05, ..Truth::default() }));
        let [own, other] = [&own, &other].map(|directory| directory.path().to_str().unwrap());
        let asked = ["--run", own, "--corpus", "light", "--batch", "64", "--price-per-core-hour", "0.05"];
        assert_eq!(lab(&asked).unwrap(), Exit::Success);
        assert_eq!(lab(&[&asked[..], &["--against", own]].concat()).unwrap(), Exit::Success);
        assert_eq!(lab(&[&asked[..], &["--against", other]].concat()).unwrap(), Exit::Difference);
    }

    #[test]
    fn a_corpus_of_the_run_is_found_by_its_path_another_path_to_it_or_its_file_name() {
        let directory = tempfile::tempdir().unwrap();
        let here = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        for name in ["own.toml", "other.toml"] {
            std::fs::write(here(name), "").unwrap();
        }
        let mut run = simulated::run(&Truth::default(), 6);
        let corpora = [here("own.toml"), "old/gone.toml".to_owned(), "a/two.toml".to_owned(), "b/two.toml".to_owned()];
        let arms = run.header.panels.iter_mut().flat_map(|panel| &mut panel.groups);
        for (arm, corpus) in arms.flat_map(|group| &mut group.arms).zip(&corpora) {
            arm.point.corpus.clone_from(corpus);
        }
        let found = |asked: &str| corpus_of(&run, asked).map_err(|failure| failure.to_string());
        for (asked, expected) in [
            ("light", "light".to_owned()),
            ("mixed", "mixed".to_owned()),
            (&here("own.toml"), here("own.toml")),
            (&here("./own.toml"), here("own.toml")),
            ("own.toml", here("own.toml")),
            ("gone.toml", "old/gone.toml".to_owned()),
            ("a/two.toml", "a/two.toml".to_owned()),
        ] {
            assert_eq!(found(asked).as_ref(), Ok(&expected), "{asked}");
        }
        for asked in ["two.toml", "elsewhere/gone.toml", &here("other.toml")] {
            assert!(found(asked).unwrap_err().contains("the run measured "), "{asked}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_said_in_one_line_with_its_exit_code() {
        let own = stored(&Truth::default());
        let own = own.path().to_str().unwrap();
        for (arguments, exit, complaint) in [
            (&["--batch", "2"][..], Exit::Usage, "debug build"),
            (&["--run", own, "--price-per-core-hour", "NaN"], Exit::Usage, "--price-per-core-hour: expected"),
            (&["--price-per-core-hour", "-1"], Exit::Usage, "--price-per-core-hour: expected a number of at least 0"),
            (&["--run", own, "--corpus", "nope"], Exit::Usage, "; the run measured light"),
            (&["--run", own], Exit::CouldNot, "did not measure all safe compositions on mixed, batch 1"),
            (&["--run", "no/such/run"], Exit::CouldNot, "no/such/run"),
        ] {
            let failure = lab(arguments).unwrap_err();
            assert_eq!(failure.exit(), exit, "{failure}");
            assert!(failure.to_string().contains(complaint), "{failure}");
            assert_eq!(failure.to_string().lines().count(), 1);
        }
    }
}
