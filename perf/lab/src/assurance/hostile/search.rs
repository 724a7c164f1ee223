//! The search for the dearest token of a length.
//!
//! It only looks for candidates, so the least of a few turns in this process is clock enough. What the dearest costs
//! beside an ordinary token is [measured](super::measured) in blocks.

use std::sync::Arc;

use anyhow::Context;
use fairbench_probe::clock::Clock;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ron_auth_catalogue::Verifier;

use super::lot::TokenLot;
use super::recipe::{Damage, FILLERS, TokenRecipe, UNITS};
use super::work::Tokens;

/// Number of changes of the dearest recipe that are tried.
const CHANGES: usize = 40;
/// A recipe is dearer if it takes this many times as long: less is noise.
const DEARER: f64 = 1.02;
/// Number of turns of which the least counts, after one that finds caches cold.
const TURNS: usize = 3;

/// The dearest token of a length that was found.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Length in bytes of CBOR.
    pub cbor_bytes: usize,
    /// Number of tokens of a batch; 1 means `verify_token`.
    pub batch_tokens: usize,
    /// Recipe of the token.
    pub recipe: TokenRecipe,
    /// Number of recipes that were tried.
    pub tried: usize,
}

/// Looks for the dearest token of `cbor_bytes`, in batches of `batch`. `agrees` is asked about every token before it is
/// timed.
///
/// The search climbs: it takes the dearest of all units, for that one the dearest filler and damage, then changes the
/// recipe at random and keeps a change if the outcome is dearer.
///
/// # Errors
/// An error of `agrees`; no token can be that short; the clock cannot be read.
pub fn dearest(
    verifier: &Arc<dyn Verifier>,
    cbor_bytes: usize,
    batch: usize,
    agrees: &dyn Fn(&[String]) -> anyhow::Result<()>,
) -> anyhow::Result<Candidate> {
    let mut tried = 0;
    let mut cost_ns = |recipe: &TokenRecipe| -> anyhow::Result<Option<f64>> {
        let lot = TokenLot { cbor_bytes, batch_tokens: batch, recipe: Some(recipe.clone()) };
        let Some(tokens) = lot.tokens() else { return Ok(None) };
        agrees(&tokens)?;
        tried += 1;
        least_ns(&lot.work(verifier.clone(), tokens)).map(Some)
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
    Ok(Candidate { cbor_bytes, batch_tokens: batch, recipe: best, tried })
}

/// The least of three turns, in nanoseconds per token: disturbances only ever add time.
fn least_ns(work: &Tokens) -> anyhow::Result<f64> {
    work.pass();
    let mut least = f64::INFINITY;
    for _ in 0..TURNS {
        let elapsed = Clock::for_threads(1).time(|| work.pass()).context("this system does not tell CPU time")?;
        least = least.min(elapsed.as_secs_f64() * 1e9 / work.count() as f64);
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
        let prod: Arc<dyn Verifier> = find("prod").unwrap().build().into();
        let found = dearest(&prod, 512, 1, &|_| Ok(())).unwrap();
        assert!(found.tried > UNITS.len() + FILLERS.len(), "{found:?}");
        let bare = TokenRecipe { units: Vec::new(), filler: 0, damage: Damage::None };
        let [found_ns, bare_ns] = [&found.recipe, &bare].map(|recipe| {
            let lot = TokenLot { cbor_bytes: 512, batch_tokens: 1, recipe: Some(recipe.clone()) };
            least_ns(&lot.work(prod.clone(), lot.tokens().unwrap())).unwrap()
        });
        assert!(found_ns > bare_ns, "{found:?}: {found_ns}, bare {bare_ns}");
    }

    #[test]
    fn an_engine_that_disagrees_is_not_timed() {
        let prod: Arc<dyn Verifier> = find("prod").unwrap().build().into();
        let error = dearest(&prod, 512, 1, &|_| anyhow::bail!("they differ")).unwrap_err();
        assert_eq!(error.to_string(), "they differ");
        assert!(dearest(&prod, 60, 1, &|_| Ok(())).unwrap_err().to_string().contains("60 bytes"));
    }
}
