//! Checks `prod` and every peer, then measures them beside each other in blocks of fresh processes.

use std::time::Duration;

use anyhow::Context;
use fairbench::compare::group::{Arm, Effort};
use fairbench::compare::panel::{Enough, PanelBlocks};
use fairbench::compare::runner::MeasureError;
use fairbench::exit::Failure;
use fairbench::probe::{Lineup, ProbeCommand};
use ron_auth_fixtures::Fixture;
use serde::Serialize;

use crate::library::Library;
use crate::lock;
use crate::probe::{TOKENS_PER_ITERATION, case};

/// A turn is at least this long: long for the clock, short for a scheduler.
const EFFORT: Effort = Effort { turn_ns: 1_000_000.0, rounds: 3 };
const MOST_BLOCKS: usize = 400;
/// Half-width of an interval that nobody needs narrower.
const PRECISION: f64 = 0.001;

/// One line of the table. Times are medians over blocks.
#[derive(Debug, Serialize)]
pub struct Row {
    pub peer: &'static str,
    pub version: String,
    pub fixture: &'static str,
    pub token_bytes: usize,
    pub ns_per_token: f64,
    /// Peer / `prod`: above 1 the peer is slower.
    pub ratio: f64,
    pub ratio_lower95: f64,
    pub ratio_upper95: f64,
    pub tokens_per_turn: u64,
    /// In all blocks together.
    pub rounds: usize,
    pub blocks: usize,
    pub differs: &'static str,
}

/// An arm: a library, in a process of its own.
struct Contestant {
    name: &'static str,
    package: &'static str,
    differs: &'static str,
    subject: Library,
}

/// Rows for each fixture: `prod`, `prod` again as a control, and the peers, which take about `budget` in all.
///
/// # Errors
/// A library that cannot be set up, or one that accepts or refuses what it should not (exit 1); then nothing is timed.
/// Ctrl-C.
pub fn rows(
    fixtures: &[Fixture],
    only: &[String],
    budget: Duration,
    interrupted: &dyn Fn() -> bool,
) -> Result<Vec<Row>, Failure> {
    let contestants = contestants(only);
    let token_bytes = checked(fixtures, &contestants)?;
    let command = |contestant: &Contestant| -> anyhow::Result<ProbeCommand> {
        Ok(ProbeCommand::own(contestant.name)?.args(["probe", "--peer", contestant.subject.name()]))
    };
    let processes = contestants.iter().map(command).collect::<anyhow::Result<Vec<_>>>()?;
    let group = |fixture: &Fixture| (0..processes.len()).map(|process| Arm { process, case: case(*fixture) }).collect();
    let lineup = Lineup { groups: fixtures.iter().map(group).collect(), processes };
    let enough = Enough { most: MOST_BLOCKS, precision: PRECISION, budget };
    let found = lineup.measure(EFFORT, enough, interrupted).map_err(MeasureError::into_difference)?;
    let mut rows = Vec::new();
    for (group, (fixture, token_bytes)) in fixtures.iter().zip(token_bytes).enumerate() {
        for (arm, (contestant, token_bytes)) in contestants.iter().zip(token_bytes).enumerate() {
            rows.push(row(contestant, *fixture, token_bytes, &found, group, arm)?);
        }
    }
    Ok(rows)
}

fn contestants(only: &[String]) -> Vec<Contestant> {
    let prod = |name, differs| Contestant { name, package: "ron-auth-variants", differs, subject: Library::Prod };
    let mut all = vec![prod("ron-auth prod", ""), prod("prod, again", "the control: must be 1")];
    for library in Library::all() {
        if let Library::Peer(entry) = library
            && (only.is_empty() || only.iter().any(|name| name == entry.package))
        {
            all.push(Contestant { name: entry.name, package: entry.package, differs: entry.differs, subject: library });
        }
    }
    all
}

/// Checks every library on every fixture. Returns the bytes of a token of each, by fixture.
fn checked(fixtures: &[Fixture], contestants: &[Contestant]) -> Result<Vec<Vec<usize>>, Failure> {
    let mut of_fixtures = Vec::new();
    for fixture in fixtures {
        let mut bytes = Vec::new();
        for contestant in contestants {
            let library = contestant.subject.on(*fixture)?;
            library.check_all().map_err(|what| {
                Failure::difference(format!("{} on {fixture}: {what}; nothing was timed", contestant.subject.name()))
            })?;
            bytes.push(library.tokens().first().context("no tokens")?.len());
        }
        of_fixtures.push(bytes);
    }
    Ok(of_fixtures)
}

fn row(
    contestant: &Contestant,
    fixture: Fixture,
    token_bytes: usize,
    found: &PanelBlocks,
    group: usize,
    arm: usize,
) -> anyhow::Result<Row> {
    let none = "no block was completed";
    let ratio = found.ratio(group, arm, 0).context(none)?;
    Ok(Row {
        peer: contestant.name,
        version: lock::version_of(contestant.package)?,
        fixture: fixture.name(),
        token_bytes,
        ns_per_token: found.time_ns(group, arm).context(none)?.median,
        ratio: ratio.estimate,
        ratio_lower95: ratio.lower,
        ratio_upper95: ratio.upper,
        tokens_per_turn: found.arm(group, arm).context(none)?.iterations * TOKENS_PER_ITERATION,
        rounds: found.blocks() * EFFORT.rounds,
        blocks: found.blocks(),
        differs: contestant.differs,
    })
}
