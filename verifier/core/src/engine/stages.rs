//! What happens to one token, and to a chunk of tokens, on one thread.

use std::ops::Range;

use super::batch::Batch;
use super::{Engine, record_result};
use crate::chain::{self, Tag};
use crate::config::VerifierConfig;
use crate::decision::Verdict;
use crate::error::AuthError;
use crate::key::{KeyName, MacKey, MacKeyProvider};
use crate::metrics;
use crate::seam::{Base64, Decode, Execute, Mac, Reuse, ScratchPolicy, held_bytes};
use crate::semantics::{Columns, Judge, Nets, evaluate_streaming};
use crate::stack;
use crate::view::TokenView;

/// Memory that a verification works in, reused from call to call.
pub struct Scratch<D: Decode> {
    /// The decoded bytes of all tokens of a chunk, one after another.
    cbor: Vec<u8>,
    arena: D::Arena,
    tokens: Vec<Result<Placed<D::Token>, AuthError>>,
    /// The keys of the good tokens; empty between calls.
    keys: Vec<MacKey>,
    /// The tags of the good tokens; empty between calls.
    tags: Vec<Option<Tag>>,
    columns: Columns,
}

impl<D: Decode> Default for Scratch<D> {
    fn default() -> Self {
        Self {
            cbor: Vec::new(),
            arena: D::Arena::default(),
            tokens: Vec::new(),
            keys: Vec::new(),
            tags: Vec::new(),
            columns: Columns::default(),
        }
    }
}

/// A decoded token, and where its bytes are.
struct Placed<T> {
    /// Its place among the keys of its chunk.
    key: usize,
    cbor: Range<usize>,
    token: T,
}

impl<T> Placed<T> {
    fn view<'a, D: Decode<Token = T>>(&'a self, cbor: &'a [u8], arena: &'a D::Arena) -> D::View<'a> {
        D::view(&self.token, cbor.get(self.cbor.clone()).unwrap_or_default(), arena)
    }
}

impl<D: Decode> Scratch<D> {
    fn clear(&mut self) {
        self.cbor.clear();
        D::clear(&mut self.arena);
        self.tokens.clear();
    }
}

impl<D: Decode> Reuse for Scratch<D> {
    fn reset(&mut self) -> usize {
        self.clear();
        let Self { cbor, arena, tokens, keys, tags, columns } = self;
        held_bytes(cbor)
            + D::held_bytes(arena)
            + held_bytes(tokens)
            + held_bytes(keys)
            + held_bytes(tags)
            + columns.held_bytes()
    }
}

/// Keys and right MACs of a chunk. They are wiped when it ends, also if it ends with a panic of a key provider.
struct Secrets<'s> {
    keys: &'s mut Vec<MacKey>,
    tags: &'s mut Vec<Option<Tag>>,
}

impl Drop for Secrets<'_> {
    fn drop(&mut self) {
        // Each key wipes itself.
        self.keys.clear();
        chain::wipe(self.tags);
        stack::wipe_below();
    }
}

impl<B: Base64, D: Decode, M: Mac, X: Execute, S: ScratchPolicy> Engine<B, D, M, X, S> {
    /// One token, all stages.
    #[inline]
    pub(super) fn one<'s, K: MacKeyProvider + ?Sized>(
        &self,
        judge: &Judge<'_>,
        text: &str,
        keys: &K,
        scratch: &'s mut Scratch<D>,
    ) -> Result<Verdict<'s>, AuthError> {
        scratch.clear();
        let placed = self.read(judge.config(), text, &mut scratch.cbor, &mut scratch.arena)?;
        let Scratch { cbor, arena, tokens, columns, .. } = scratch;
        tokens.push(Ok(placed));
        // Read back from where it was put: the verdict borrows it.
        let Some(Ok(placed)) = tokens.last() else { return Err(AuthError::Bounds) };
        let view = placed.view::<D>(cbor, arena);
        let key = key_of(view, keys)?;
        let mut tag = self.mac.tag(&key, view);
        drop(key);
        check_and_wipe(&mut tag, view)?;
        record_caveats(judge.config(), view);
        if view.caveat_count() >= self.mode.soa_threshold(judge.config()) {
            columns.mark(judge, 1, |_| Some(view), &mut Nets::default());
            columns.verdict(judge, 0, view)
        } else {
            evaluate_streaming(judge, view, &mut Nets::default())
        }
    }

    /// A chunk of a batch, stage by stage; each result goes to `sink` with its index in the batch, in order, until
    /// `sink` has an error.
    pub(super) fn chunk<K: MacKeyProvider + ?Sized, E>(
        &self,
        batch: &impl Batch,
        chunk: Range<usize>,
        keys: &K,
        scratch: &mut Scratch<D>,
        sink: &mut impl FnMut(usize, Result<Verdict<'_>, AuthError>) -> Result<(), E>,
    ) -> Result<(), E> {
        let config = batch.config();
        scratch.clear();
        let Scratch { cbor, arena, tokens, keys: token_keys, tags, columns } = scratch;
        let secrets = Secrets { keys: token_keys, tags };
        // Reserved at once, so that growing leaves no copies of keys behind.
        secrets.keys.reserve(chunk.len());
        // The token that the last key was looked up for. The next one is usually signed with the same.
        let mut asked_for = None;
        for (place, index) in chunk.clone().enumerate() {
            let token = self.read(config, batch.text(index), cbor, arena).and_then(|mut placed| {
                let view = placed.view::<D>(cbor, arena);
                let known = asked_for.and_then(|place| good(tokens, place)).map(|other| other.view::<D>(cbor, arena));
                if !known.is_some_and(|known| known.tid() == view.tid() && known.kid() == view.kid()) {
                    secrets.keys.push(key_of(view, keys)?);
                    asked_for = Some(place);
                }
                placed.key = secrets.keys.len() - 1;
                Ok(placed)
            });
            tokens.push(token);
        }
        let (cbor, arena, tokens) = (&*cbor, &*arena, &mut *tokens);

        secrets.tags.resize(tokens.len(), None);
        let job = |index: usize| {
            let placed = good(tokens, index)?;
            Some((secrets.keys.get(placed.key)?, placed.view::<D>(cbor, arena)))
        };
        self.mac.tags(job, secrets.tags);
        for (token, tag) in tokens.iter_mut().zip(&*secrets.tags) {
            if let Ok(placed) = token
                && let Err(error) = check_tag(tag.as_ref(), placed.view::<D>(cbor, arena))
            {
                *token = Err(error);
            }
        }
        drop(secrets);

        let tokens = &*tokens;
        let view = |index: usize| good(tokens, index).map(|p| p.view::<D>(cbor, arena));
        let columnar = mean_caveats_reach(self.mode.soa_threshold(config), tokens.len(), view);
        batch.runs(chunk.clone(), |judge, run| {
            let first = run.start - chunk.start;
            let mut nets = Nets::default();
            if columnar {
                columns.mark(judge, run.len(), |place| view(first + place), &mut nets);
            }
            for (place, index) in run.enumerate() {
                let result = match tokens.get(first + place) {
                    Some(Ok(placed)) => {
                        let view = placed.view::<D>(cbor, arena);
                        record_caveats(config, view);
                        if columnar {
                            columns.verdict(judge, place, view)
                        } else {
                            evaluate_streaming(judge, view, &mut nets)
                        }
                    }
                    Some(Err(error)) => Err(*error),
                    // A chunk has as many tokens as texts.
                    None => Err(AuthError::Bounds),
                };
                record_result(config, &result);
                sink(index, result)?;
            }
            Ok(())
        })
    }

    /// The stages before the key: length, Base64, CBOR.
    #[inline(always)]
    fn read(
        &self,
        config: &VerifierConfig,
        text: &str,
        cbor: &mut Vec<u8>,
        arena: &mut D::Arena,
    ) -> Result<Placed<D::Token>, AuthError> {
        if text.len() > config.max_text_chars() {
            return Err(AuthError::Bounds);
        }
        let start = cbor.len();
        if let Err(malformed) = self.base64.decode(text.as_bytes(), cbor) {
            cbor.truncate(start);
            return Err(AuthError::Malformed(malformed));
        }
        let bytes = cbor.get(start..).unwrap_or_default();
        let token = self.decode.decode(bytes, config.max_caveats, arena)?;
        Ok(Placed { key: 0, cbor: start..cbor.len(), token })
    }
}

/// Whether the good tokens among `count` have `threshold` caveats or more on average.
fn mean_caveats_reach<'a, V: TokenView<'a>>(threshold: usize, count: usize, view: impl Fn(usize) -> Option<V>) -> bool {
    if threshold == usize::MAX {
        return false;
    }
    let (mut good, mut caveats) = (0_usize, 0_usize);
    for view in (0..count).filter_map(view) {
        good += 1;
        caveats += view.caveat_count();
    }
    good > 0 && caveats >= threshold.saturating_mul(good)
}

/// Token `index`, unless it has failed.
fn good<T>(tokens: &[Result<Placed<T>, AuthError>], index: usize) -> Option<&Placed<T>> {
    tokens.get(index)?.as_ref().ok()
}

#[inline]
pub(crate) fn key_of<'a, K: MacKeyProvider + ?Sized>(token: impl TokenView<'a>, keys: &K) -> Result<MacKey, AuthError> {
    let name = KeyName { tid: token.tid().to_name()?, kid: token.kid().to_name()? };
    match keys.key_for(name) {
        Some(key) if !key.is_unset() => Ok(key),
        _ => Err(AuthError::UnknownKid),
    }
}

/// Only two MACs that there are can be equal: one that was computed, and one that the token carries.
fn check_tag<'a>(tag: Option<&Tag>, token: impl TokenView<'a>) -> Result<(), AuthError> {
    match (tag, token.mac()) {
        (Some(tag), Some(mac)) if *tag == Tag::from_bytes(*mac) => Ok(()),
        _ => Err(AuthError::MacMismatch),
    }
}

/// As [`check_tag`], for the tag of a single token, which has no other use. That of a forged token is what the forger
/// lacks: nothing is left of it.
#[inline(always)]
pub(crate) fn check_and_wipe<'a>(tag: &mut Tag, token: impl TokenView<'a>) -> Result<(), AuthError> {
    let checked = check_tag(Some(tag), token);
    tag.wipe();
    if checked.is_err() {
        stack::wipe_below();
    }
    checked
}

fn record_caveats<'a>(config: &VerifierConfig, token: impl TokenView<'a>) {
    if let Some(recorder) = config.metrics() {
        recorder.histogram(metrics::CAVEATS_PER_CAP, token.caveat_count() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{Capability, Caveat, Scope};
    use crate::view::OwnedToken;

    fn token(caveats: usize) -> OwnedToken {
        let caveats = vec![Caveat::Exp(0); caveats];
        let capability = Capability::from_parts(String::new(), String::new(), Scope::default(), caveats, [0; 32]);
        OwnedToken { capability, head_items: Default::default(), caveat_items: Vec::new() }
    }

    #[test]
    fn caveats_are_counted_per_good_token() {
        let tokens = [Some(token(2)), None, Some(token(5))];
        let reach = |threshold| mean_caveats_reach(threshold, tokens.len(), |index| tokens.get(index)?.as_ref());
        assert_eq!([0, 3, 4, usize::MAX - 1, usize::MAX].map(reach), [true, true, false, false, false]);
        assert!(!mean_caveats_reach(0, 3, |_| None::<&OwnedToken>), "without a good token");
    }
}
