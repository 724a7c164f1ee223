//! What the dearest tokens cost beside ordinary ones, measured in blocks of fresh processes.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use fairbench::compare::group::{Arm, Effort};
use fairbench::compare::panel::{Enough, PanelBlocks};
use fairbench::compare::runner::MeasureError;
use fairbench::exit::Failure;
use fairbench::measure::stats::PairedRatio;
use fairbench::probe::Lineup;
use ron_auth_catalogue::Variant;
use serde::Serialize;

use super::lot::TokenLot;
use super::recipe::TokenRecipe;
use super::search::Candidate;
use crate::own::own_program;

/// How much a block measures of each length and batch.
const EFFORT: Effort = Effort { turn_ns: 300_000.0, rounds: 3 };
const MOST_BLOCKS: usize = 100;
/// Half-width of an interval that nobody needs narrower.
const PRECISION: f64 = 0.002;

/// The dearest token of a length that was found, beside an ordinary one.
#[derive(Clone, Debug, Serialize)]
pub struct Dearest {
    /// Length in bytes of CBOR.
    pub cbor_bytes: usize,
    /// Number of tokens of a batch; 1 means `verify_token`.
    pub batch_tokens: usize,
    /// Recipe of the dearest token, in words.
    pub recipe: String,
    /// Median time of the dearest token over blocks, in nanoseconds per token on one thread.
    pub dearest_ns: f64,
    /// Median time of the ordinary token, likewise.
    pub ordinary_ns: f64,
    /// Time of the dearest / time of the ordinary, with its 95 % interval.
    pub ratio: PairedRatio,
    /// Number of recipes that were tried.
    pub tried: usize,
    /// Number of blocks that it was measured in.
    pub blocks: usize,
}

/// Measures all candidates of an engine, each against ordinary tokens of its length, for about `budget` each. Two
/// processes of the engine take turns, one with the candidates and one with ordinary tokens.
///
/// # Errors
/// A process that fails, or does not decide as the reference does (exit 1); Ctrl-C.
pub fn against_ordinary(
    engine: &Variant,
    candidates: &[Candidate],
    budget: Duration,
    interrupted: &dyn Fn() -> bool,
) -> Result<Vec<Dearest>, Failure> {
    let lots = |recipe: fn(&Candidate) -> Option<TokenRecipe>| -> Vec<TokenLot> {
        let lot = |candidate: &Candidate| TokenLot {
            cbor_bytes: candidate.cbor_bytes,
            batch_tokens: candidate.batch_tokens,
            recipe: recipe(candidate),
        };
        candidates.iter().map(lot).collect()
    };
    let sides = [lots(|candidate| Some(candidate.recipe.clone())), lots(|_| None)];
    let directory = tempfile::tempdir().context("could not make a temporary directory")?;
    let mut processes = Vec::new();
    for (number, lots) in sides.iter().enumerate() {
        let path = directory.path().join(format!("{number}.json"));
        let json = serde_json::to_vec(lots).map_err(anyhow::Error::from)?;
        fs::write(&path, json).with_context(|| format!("could not write {}", path.display()))?;
        let mut command = own_program(engine.name)?.args(["probe", "--variant", engine.name, "--lots"]);
        command.args.push(path.into());
        processes.push(command);
    }
    let [hostile, ordinary] = &sides;
    let arm = |(process, lot): (usize, &TokenLot)| Arm { process, case: lot.case() };
    let group =
        |pair: (&TokenLot, &TokenLot)| -> Vec<Arm> { [pair.0, pair.1].into_iter().enumerate().map(arm).collect() };
    let groups = hostile.iter().zip(ordinary).map(group).collect();
    let budget = budget * u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let enough = Enough { most: MOST_BLOCKS, precision: PRECISION, budget };
    let lineup = Lineup { processes, groups };
    let found = lineup.measure(EFFORT, enough, interrupted).map_err(MeasureError::into_difference)?;
    let rows = candidates.iter().enumerate().map(|(group, candidate)| dearest(candidate, &found, group));
    Ok(rows.collect::<anyhow::Result<_>>()?)
}

fn dearest(candidate: &Candidate, found: &PanelBlocks, group: usize) -> anyhow::Result<Dearest> {
    let none = "no block was completed";
    let median_ns = |arm| found.time_ns(group, arm).map(|ns| ns.median).context(none);
    Ok(Dearest {
        cbor_bytes: candidate.cbor_bytes,
        batch_tokens: candidate.batch_tokens,
        recipe: candidate.recipe.describe(),
        dearest_ns: median_ns(0)?,
        ordinary_ns: median_ns(1)?,
        ratio: found.ratio(group, 0, 1).context(none)?,
        tried: candidate.tried,
        blocks: found.blocks(),
    })
}
