//! What happens to one token, and to a chunk of tokens, on one thread.

use std::ops::Range;

use super::{Engine, EvalMode, record_result};
use crate::chain::Tag;
use crate::config::VerifierConfig;
use crate::decision::Verdict;
use crate::error::AuthError;
use crate::key::{MacKey, MacKeyProvider};
use crate::metrics;
use crate::seam::{Base64, Decode, Execute, Mac, ScratchPolicy};
use crate::semantics::{Columns, Judge, Nets, evaluate_streaming};
use crate::view::TokenView;

/// Memory that a verification works in, reused from call to call.
pub struct Scratch<D: Decode> {
    /// The decoded bytes of all tokens of a chunk, one after another.
    cbor: Vec<u8>,
    arena: D::Arena,
    tokens: Vec<Result<Placed<D::Token>, AuthError>>,
    /// The keys of the good tokens. Held only until the MACs are computed.
    keys: Vec<MacKey>,
    tags: Vec<Tag>,
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
        self.keys.clear();
    }
}

impl<B: Base64, D: Decode, M: Mac, X: Execute, S: ScratchPolicy> Engine<B, D, M, X, S> {
    /// One token, all stages.
    #[inline]
    pub(super) fn one<'s, K: MacKeyProvider + ?Sized>(
        &self,
        mode: EvalMode,
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
        check_tag(&self.mac.tag(&key, view), view)?;
        drop(key);
        record_caveats(judge.config(), view);
        if view.caveat_count() >= mode.soa_threshold(judge.config()) {
            columns.mark(judge, 1, |_| Some(view), &mut Nets::default());
            columns.verdict(judge, 0, view)
        } else {
            evaluate_streaming(judge, view, &mut Nets::default())
        }
    }

    /// A chunk of tokens, stage by stage; each result goes to `sink` with its index in the chunk, in order, until
    /// `sink` has an error.
    pub(super) fn chunk<K: MacKeyProvider + ?Sized, T: AsRef<str>, E>(
        &self,
        mode: EvalMode,
        judge: &Judge<'_>,
        texts: &[T],
        keys: &K,
        scratch: &mut Scratch<D>,
        sink: &mut impl FnMut(usize, Result<Verdict<'_>, AuthError>) -> Result<(), E>,
    ) -> Result<(), E> {
        let config = judge.config();
        scratch.clear();
        let Scratch { cbor, arena, tokens, keys: token_keys, tags, columns } = scratch;
        // Reserved at once, so that growing leaves no copies of keys behind.
        token_keys.reserve(texts.len());
        // The token that the last key was looked up for. The next one is usually signed with the same.
        let mut asked_for = None;
        for (index, text) in texts.iter().enumerate() {
            let token = self.read(config, text.as_ref(), cbor, arena).and_then(|mut placed| {
                let view = placed.view::<D>(cbor, arena);
                let known = asked_for.and_then(|index| good(tokens, index)).map(|other| other.view::<D>(cbor, arena));
                if !known.is_some_and(|known| known.tid() == view.tid() && known.kid() == view.kid()) {
                    token_keys.push(key_of(view, keys)?);
                    asked_for = Some(index);
                }
                placed.key = token_keys.len() - 1;
                Ok(placed)
            });
            tokens.push(token);
        }
        let (cbor, arena, tokens) = (&*cbor, &*arena, &mut *tokens);

        tags.clear();
        tags.resize(tokens.len(), Tag::from_bytes([0; 32]));
        let job = |index: usize| {
            let placed = good(tokens, index)?;
            Some((token_keys.get(placed.key)?, placed.view::<D>(cbor, arena)))
        };
        self.mac.tags(job, tags);
        token_keys.clear();
        for (token, tag) in tokens.iter_mut().zip(&*tags) {
            if let Ok(placed) = token
                && let Err(error) = check_tag(tag, placed.view::<D>(cbor, arena))
            {
                *token = Err(error);
            }
        }

        let tokens = &*tokens;
        let view = |index: usize| good(tokens, index).map(|p| p.view::<D>(cbor, arena));
        let columnar = self.mean_caveats_reach(mode.soa_threshold(config), tokens.len(), view);
        let mut nets = Nets::default();
        if columnar {
            columns.mark(judge, tokens.len(), view, &mut nets);
        }
        for (index, token) in tokens.iter().enumerate() {
            let result = match token {
                Err(error) => Err(*error),
                Ok(placed) => {
                    let view = placed.view::<D>(cbor, arena);
                    record_caveats(config, view);
                    if columnar {
                        columns.verdict(judge, index, view)
                    } else {
                        evaluate_streaming(judge, view, &mut nets)
                    }
                }
            };
            record_result(config, &result);
            sink(index, result)?;
        }
        Ok(())
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

    /// Whether the good tokens among `count` have `threshold` caveats or more on average.
    fn mean_caveats_reach<'a, V: TokenView<'a>>(
        &self,
        threshold: usize,
        count: usize,
        view: impl Fn(usize) -> Option<V>,
    ) -> bool {
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
}

/// Token `index`, unless it has failed.
fn good<T>(tokens: &[Result<Placed<T>, AuthError>], index: usize) -> Option<&Placed<T>> {
    tokens.get(index)?.as_ref().ok()
}

#[inline]
fn key_of<'a, K: MacKeyProvider + ?Sized>(token: impl TokenView<'a>, keys: &K) -> Result<MacKey, AuthError> {
    keys.key_for(token.kid().as_str(), token.tid().as_str()).ok_or(AuthError::UnknownKid)
}

fn check_tag<'a>(tag: &Tag, token: impl TokenView<'a>) -> Result<(), AuthError> {
    // `blake3::Hash` compares in constant time.
    if *tag == Tag::from_bytes(*token.mac()) { Ok(()) } else { Err(AuthError::MacMismatch) }
}

fn record_caveats<'a>(config: &VerifierConfig, token: impl TokenView<'a>) {
    if let Some(recorder) = config.metrics() {
        recorder.histogram(metrics::CAVEATS_PER_CAP, token.caveat_count() as u64);
    }
}
