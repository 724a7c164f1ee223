//! Memory that verifying takes before the MAC has been checked.
//!
//! What is counted is the most that is held at any moment, beyond what was held before. The counting is done in
//! `perf-lab-peak`, whose global allocator counts.

use std::hint::black_box;

use ron_auth_catalogue::Variant;
use ron_auth_core::{KeyName, MacKey, MacKeyProvider};
use serde::{Deserialize, Serialize};

use super::claims::claims;
use super::recipe::{Damage, FILLERS, TokenRecipe, UNITS};
use super::{LENGTHS, request, settings};

/// The most bytes that verifying may take for each character of a token's text, beyond [`BYTES_BESIDE`].
pub const MOST_BYTES_PER_CHAR: f64 = 4.0;
/// Bytes that verifying any token may take, whatever its length.
pub const BYTES_BESIDE: u64 = 4 << 10;

/// Name of the counting program.
pub const PROGRAM: &str = "perf-lab-peak";

/// The memory that verifying one token took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Description of the token.
    pub token: String,
    /// Length of its text in characters.
    pub chars: usize,
    /// The most bytes that were held at any moment.
    pub bytes: u64,
}

impl Taken {
    /// Bytes beyond [`BYTES_BESIDE`], for each character.
    #[must_use]
    pub fn bytes_per_char(&self) -> f64 {
        self.bytes.saturating_sub(BYTES_BESIDE) as f64 / self.chars.max(1) as f64
    }
}

/// A key provider without keys, so that verification ends where the MAC would be checked.
struct NoKeys;

impl MacKeyProvider for NoKeys {
    fn key_for(&self, _name: KeyName<'_>) -> Option<MacKey> {
        None
    }
}

/// Finds the token that takes most memory for its length, of all claims, units and fillers at every length. `most_held`
/// runs what it is given and returns how many bytes were held at most meanwhile.
///
/// # Errors
/// A thread that can't be started.
pub fn most_taken(variant: &Variant, most_held: &(impl Fn(&mut dyn FnMut()) -> u64 + Sync)) -> anyhow::Result<Taken> {
    let verifier = variant.build();
    let mut most: Option<Taken> = None;
    for (token, text) in LENGTHS.into_iter().flat_map(tokens) {
        // On a thread of its own: nothing was kept from the token before.
        let bytes = std::thread::scope(|scope| {
            let counting = std::thread::Builder::new().spawn_scoped(scope, || {
                most_held(&mut || {
                    let result = verifier.verify_token(&settings(), &text, &request(), &NoKeys);
                    drop(black_box(result));
                })
            })?;
            counting.join().map_err(|_| anyhow::anyhow!("{}: {token}: a panic", variant.name))
        })?;
        let taken = Taken { token, chars: text.len(), bytes };
        if most.as_ref().is_none_or(|most| taken.bytes_per_char() > most.bytes_per_char()) {
            most = Some(taken);
        }
    }
    most.ok_or_else(|| anyhow::anyhow!("no token was tried"))
}

fn tokens(cbor_bytes: usize) -> Vec<(String, String)> {
    let units = (0..UNITS.len()).map(|unit| TokenRecipe { units: vec![unit], filler: 0, damage: Damage::None });
    let fillers = (0..FILLERS.len()).map(|filler| TokenRecipe { units: Vec::new(), filler, damage: Damage::None });
    let recipes = units.chain(fillers).filter_map(|recipe| Some((recipe.describe(), recipe.token(cbor_bytes, 1)?)));
    claims(cbor_bytes).into_iter().chain(recipes).collect()
}
