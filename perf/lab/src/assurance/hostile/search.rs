//! The search for the dearest token of a length.

use std::time::Duration;

use anyhow::Context;
use fairbench::measure::stats::{PairedRatio, Quartiles};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ron_auth_catalogue::Verifier;
use ron_auth_core::VerifierConfig;
use serde::Serialize;

use super::ordinary;
use super::recipe::{Damage, FILLERS, TokenRecipe, UNITS};
use super::work::Tokens;
use crate::rounds::subject::{Clock, InProcess, Subject, Work};
use crate::rounds::{RoundsEffort, measure};

/// Number of changes of the dearest recipe that are tried.
const CHANGES: usize = 40;
/// Number of distinct tokens of a pass.
const TOKENS: usize = 64;
/// A recipe is dearer if it takes this many times as long: less is noise.
const DEARER: f64 = 1.02;

/// The dearest token of a length that was found, beside an ordinary one.
#[derive(Clone, Debug, Serialize)]
pub struct Dearest {
    /// Length in bytes of CBOR.
    pub cbor_bytes: usize,
    /// Number of tokens of a batch; 1 means `verify_token`.
    pub batch_tokens: usize,
    /// Recipe of the dearest token, in words.
    pub recipe: String,
    /// Median time of the dearest token, in nanoseconds per token on one thread.
    pub dearest_ns: f64,
    /// Median time of the ordinary token, likewise.
    pub ordinary_ns: f64,
    /// Time of the dearest / time of the ordinary, over paired rounds.
    pub ratio: PairedRatio,
    /// Number of recipes that were tried.
    pub tried: usize,
}

/// Looks for the dearest token of `cbor_bytes`, in batches of `batch`, then measures it against the ordinary one in
/// paired rounds for about `budget`. `agrees` is asked about every token before it is timed.
///
/// The search climbs: it takes the dearest of all units, for that one the dearest filler and damage, then changes the
/// recipe at random and keeps a change if the outcome is dearer.
///
/// # Errors
/// An error of `agrees`; no token can be that short; the clock cannot be read.
pub fn dearest(
    verifier: &dyn Verifier,
    cbor_bytes: usize,
    batch: usize,
    budget: Duration,
    agrees: &dyn Fn(&[String]) -> anyhow::Result<()>,
) -> anyhow::Result<Dearest> {
    let mut tried = 0;
    let mut cost_ns = |recipe: &TokenRecipe| -> anyhow::Result<Option<f64>> {
        let Some(tokens) = tokens_of(recipe, cbor_bytes) else { return Ok(None) };
        agrees(&tokens)?;
        tried += 1;
        quick_ns(&mut hostile(verifier, tokens, batch)).map(Some)
    };
    let start = TokenRecipe { units: Vec::new(), filler: 0, damage: Damage::None };
    let mut best_ns = cost_ns(&start)?.with_context(|| format!("no token is of {cbor_bytes} bytes"))?;
    let mut best = start;
    let mut consider = |recipe: TokenRecipe, best: &mut TokenRecipe| -> anyhow::Result<()> {
        if let Some(ns) = cost_ns(&recipe)?
            && ns > best_ns * DEARER
        {
            (best_ns, *best) = (ns, recipe);
        }
        Ok(())
    };
    for unit in 0..UNITS.len() {
        let recipe = TokenRecipe { units: vec![unit], ..best.clone() };
        consider(recipe, &mut best)?;
    }
    for filler in 0..FILLERS.len() {
        // With the caveats, and instead of them.
        consider(TokenRecipe { filler, ..best.clone() }, &mut best)?;
        consider(TokenRecipe { filler, units: Vec::new(), ..best.clone() }, &mut best)?;
    }
    for damage in Damage::ALL {
        consider(TokenRecipe { damage, ..best.clone() }, &mut best)?;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(cbor_bytes as u64);
    for _ in 0..CHANGES {
        consider(changed(&best, &mut rng), &mut best)?;
    }

    let tokens = tokens_of(&best, cbor_bytes).context("a recipe gives a token once and not again")?;
    let ordinary: Option<Vec<String>> = (0..TOKENS as u32).map(|serial| ordinary(cbor_bytes, serial)).collect();
    let ordinary = ordinary.with_context(|| format!("no ordinary token is of {cbor_bytes} bytes"))?;
    let hostile = hostile(verifier, tokens, batch);
    let ordinary = Tokens::new(verifier, ordinary, batch, usize::MAX);
    let clock = Clock::for_threads(1);
    let mut subjects: Vec<Box<dyn Subject + '_>> =
        vec![Box::new(InProcess::new(hostile, clock)), Box::new(InProcess::new(ordinary, clock))];
    let effort = RoundsEffort { min_rounds: 8, max_rounds: 300, budget };
    let rounds = measure(&mut subjects, effort, 1, &|| false, &mut |_| {})?;
    let median_ns = |subject| {
        let quartiles = Quartiles::of(rounds.of(subject)).context("no round was completed")?;
        anyhow::Ok(quartiles.median / TOKENS as f64)
    };
    Ok(Dearest {
        cbor_bytes,
        batch_tokens: batch,
        recipe: best.describe(),
        dearest_ns: median_ns(0)?,
        ordinary_ns: median_ns(1)?,
        ratio: PairedRatio::of(rounds.of(0), rounds.of(1), 1).context("no round was completed")?,
        tried,
    })
}

fn hostile(verifier: &dyn Verifier, tokens: Vec<String>, batch: usize) -> Tokens<'_> {
    Tokens::new(verifier, tokens, batch, VerifierConfig::default().max_caveats)
}

fn tokens_of(recipe: &TokenRecipe, cbor_bytes: usize) -> Option<Vec<String>> {
    (0..TOKENS as u32).map(|serial| recipe.token(cbor_bytes, serial)).collect()
}

/// The least of three turns, in nanoseconds per token: disturbances only ever add time.
fn quick_ns(work: &mut Tokens<'_>) -> anyhow::Result<f64> {
    let mut least = f64::INFINITY;
    for turn in 0..4 {
        let elapsed = Clock::for_threads(1).time(|| work.pass()).context("this system does not tell CPU time")?;
        // The first one finds caches cold.
        if turn > 0 {
            least = least.min(elapsed.as_secs_f64() * 1e9 / work.count() as f64);
        }
    }
    Ok(least)
}

/// A recipe with another unit at some place, one unit more or less, another filler or another damage.
fn changed(recipe: &TokenRecipe, rng: &mut ChaCha8Rng) -> TokenRecipe {
    let mut changed = recipe.clone();
    let unit = rng.random_range(0..UNITS.len());
    match rng.random_range(0..5) {
        0 => {
            let place = rng.random_range(0..=changed.units.len());
            changed.units.insert(place, unit);
        }
        1 => {
            let place = rng.random_range(0..changed.units.len().max(1));
            if let Some(other) = changed.units.get_mut(place) {
                *other = unit;
            }
        }
        2 => drop(changed.units.pop()),
        3 => changed.filler = rng.random_range(0..FILLERS.len()),
        _ => changed.damage = Damage::ALL.choose(rng).copied().unwrap_or(Damage::None),
    }
    changed
}

#[cfg(test)]
mod tests {
    use ron_auth_catalogue::find;

    use super::*;

    #[test]
    fn what_is_found_is_no_cheaper_than_a_token_without_caveats() {
        let prod = find("prod").unwrap().build();
        let found = dearest(&*prod, 512, 1, Duration::from_millis(20), &|_| Ok(())).unwrap();
        assert!(found.tried > UNITS.len() + FILLERS.len(), "{found:?}");
        let bare = TokenRecipe { units: Vec::new(), filler: 0, damage: Damage::None };
        let bare_ns = quick_ns(&mut hostile(&*prod, tokens_of(&bare, 512).unwrap(), 1)).unwrap();
        assert!(found.dearest_ns > bare_ns, "{found:?}, bare {bare_ns}");
    }

    #[test]
    fn an_engine_that_disagrees_is_not_timed() {
        let prod = find("prod").unwrap().build();
        let error = dearest(&*prod, 512, 1, Duration::ZERO, &|_| anyhow::bail!("they differ")).unwrap_err();
        assert_eq!(error.to_string(), "they differ");
        assert!(dearest(&*prod, 60, 1, Duration::ZERO, &|_| Ok(())).unwrap_err().to_string().contains("60 bytes"));
    }
}
