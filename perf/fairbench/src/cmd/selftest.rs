//! `selftest`: what are the gate's verdicts worth on this machine?

use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use clap::Args as ClapArgs;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{OnCore, print, selftest_source};
use crate::compare::engine::Surroundings;
use crate::exit::{CommandResult, Exit, Failure};
use crate::gate::{self};
use crate::interrupt;
use crate::measure::{queue, seed_of_now};
use crate::progress::ProgressBar;
use crate::project::Project;
use crate::selftest::criterion::Criterion;
use crate::selftest::journal::{Setup, TrialJournal, TrialSetup};
use crate::selftest::pairs::Programs;
use crate::selftest::rates::{SelftestSummary, percent};
use crate::selftest::trials::{Trial, TrialKind};
use crate::settings::GateConfig;

/// Time that Criterion gets as long as no gate has been timed, in seconds.
const FIRST_GUESS_S: f64 = 8.0;

/// Test the gate as an instrument: its false alarms on equal programs, and its power against injected slow-downs
///
/// Each trial is a whole gate over the canonical benchmarks on one thread, and is kept when it ends; after Ctrl-C, the
/// same --out goes on where it stopped. A round has eleven trials: equal programs, four times; 2, 3, 5 and 7 % more
/// work and 5 % less; 3 % judged by a warn level of 3 %; and Criterion on equal programs.
///
/// With --source the gate is tested with patches of the source instead, each committed and gated as a developer and as
/// CI would: each of must-catch must end with a regression, each of must-not-alarm without an alarm. It takes two
/// hours; exit 0 only if all of them do, 1 if one does not, 3 if some could not be measured.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Number of rounds, those that --out holds already included; a round takes one to two minutes
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    trials: u32,
    /// Print the rates as JSON
    #[arg(long)]
    json: bool,
    /// File in which trials are kept, and which may hold earlier ones [default: a new file in baselines/selftest of the
    /// repository]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Leave out the trials of Criterion
    #[arg(long)]
    no_criterion: bool,
    /// Only sum up the trials that --out holds
    #[arg(long, requires = "out")]
    report: bool,
    #[command(flatten)]
    on_core: OnCore,
    #[command(flatten)]
    source: selftest_source::Args,
}

/// Runs `selftest`. Exit 0 once all trials are done, 130 if interrupted; what was done until then is kept and summed
/// up.
///
/// # Errors
/// A probe that does not build or fails; a file that cannot be read or written.
pub fn run(args: &Args, project: &Project<'_>) -> CommandResult {
    args.on_core.settle()?;
    if args.source.source {
        return selftest_source::run(project, &args.source, args.out.as_deref(), args.report, args.json);
    }
    let (root, config) = (&project.root, &project.settings.gate);
    interrupt::watch()?;
    let host = project.host().fingerprint();
    let path = args.out.clone().unwrap_or_else(|| {
        let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace([':', '-'], "");
        root.join("baselines/selftest").join(format!("{host}-{now}.jsonl"))
    });
    let programs = Programs::build(project)?;
    let setup =
        TrialSetup { format: TrialSetup::FORMAT.to_owned(), host, probe: programs.hash()?, settings: config.clone() };
    let mut journal = TrialJournal::open(&path, &setup)?;
    let ended = if args.report { Ok(()) } else { go_on(&mut journal, &programs, args, project) };
    let interrupted = matches!(&ended, Err(failure) if failure.exit() == Exit::Interrupted);

    let summary = SelftestSummary::of(&journal.trials, interrupted);
    if args.json {
        print(serde_json::to_string_pretty(&summary).map_err(anyhow::Error::from)?);
    } else {
        print(text(&summary));
        print(format_args!("Trials: {}", path.display()));
    }
    match ended {
        Ok(()) => Ok(Exit::Success),
        Err(_) if interrupted => Ok(Exit::Interrupted),
        Err(failure) => Err(failure),
    }
}

/// Makes trials, round by round, until there are as many of each kind as were asked for.
fn go_on(journal: &mut TrialJournal, programs: &Programs, args: &Args, project: &Project<'_>) -> Result<(), Failure> {
    let config = &project.settings.gate;
    let benches = project.settings.selftest.criterion.as_ref().filter(|_| !args.no_criterion);
    let criterion = benches.map(|benches| Criterion::build(&project.root, benches)).transpose()?;
    let rounds = args.trials as usize;
    let wanted = |kind: &TrialKind| *kind != TrialKind::Criterion || criterion.is_some();
    let kinds = TrialKind::ROUND.iter().filter(|kind| wanted(kind)).count();
    let bar = ProgressBar::new("self-test", (rounds * kinds) as u64);
    let mut rng = ChaCha8Rng::seed_from_u64(seed_of_now());
    for round in 0..rounds {
        for (place, kind) in TrialKind::ROUND.into_iter().enumerate().filter(|(_, kind)| wanted(kind)) {
            let like = |other: &&TrialKind| other.is_like(kind);
            let before = round * TrialKind::ROUND.iter().filter(like).count()
                + TrialKind::ROUND.iter().take(place).filter(like).count();
            if journal.count(kind) <= before {
                bar.say(&kind.name());
                // Between trials others have theirs.
                let _turn = queue::turn(&interrupt::requested)?;
                let trial = match (&criterion, kind) {
                    (Some(criterion), TrialKind::Criterion) => criterion.trial(seconds_of_a_gate(&journal.trials))?,
                    _ => gate_trial(kind, programs, config, &mut rng)?,
                };
                journal.keep(trial)?;
            }
            bar.advance(1);
        }
    }
    bar.finish();
    Ok(())
}

fn gate_trial(
    kind: TrialKind,
    programs: &Programs,
    config: &GateConfig,
    rng: &mut ChaCha8Rng,
) -> Result<Trial, Failure> {
    let matched = programs.pair(kind, rng)?;
    let start = Instant::now();
    let mut around =
        Surroundings { now: &|| start.elapsed(), interrupted: &interrupt::requested, progress: &mut |_| {} };
    let outcome = gate::judge(&matched.pair(), &kind.settings(config), seed_of_now(), &mut around);
    match &outcome.stopped {
        None => Ok(Trial::of(kind, &outcome)),
        Some(_) if outcome.exit() == Exit::Interrupted => Err(Failure::interrupted()),
        Some(reason) => Err(anyhow::anyhow!("{reason}").into()),
    }
}

/// Mean time of the gates on equal pairs so far, in seconds.
fn seconds_of_a_gate(trials: &[Trial]) -> f64 {
    let seconds: Vec<f64> =
        trials.iter().filter(|trial| matches!(trial.kind, TrialKind::Equal(_))).map(|trial| trial.seconds).collect();
    if seconds.is_empty() { FIRST_GUESS_S } else { seconds.iter().sum::<f64>() / seconds.len() as f64 }
}

fn text(summary: &SelftestSummary) -> String {
    let [criterion_benchmark, criterion_suite] = summary.criterion_false_alarms;
    let [derived, derived_upper] = summary.derived_false_alarms_per_gate;
    format!(
        "{}false alarms: {} of gates, {} of benchmarks (which makes {:.1} % of gates, at most {:.1} %); \
         5 % caught in {:.1} %, 7 % failed in {:.1} %, 3 % caught at a warn level of 3 % in {:.1} %; {:.1} s per gate\n\
         Criterion in the same time, equal programs: {} of suites, {} of benchmarks more than 5 % slower\n\n\
         {}\n\nBrackets hold 95 % intervals (Clopper–Pearson).",
        if summary.interrupted { "INTERRUPTED: " } else { "" },
        percent(summary.false_alarms_per_gate),
        percent(summary.false_alarms_per_benchmark),
        100.0 * derived,
        100.0 * derived_upper,
        100.0 * summary.power_5pct,
        100.0 * summary.fails_7pct,
        100.0 * summary.power_3pct,
        summary.seconds_per_gate,
        percent(criterion_suite),
        percent(criterion_benchmark),
        summary.table(),
    )
}
