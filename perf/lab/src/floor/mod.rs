//! The floor: the least work that verifying these tokens can be, done by the same primitives in the same run.
//!
//! It decodes the same Base64 with SIMD into a reused buffer and hashes the very same MAC messages: of a single token
//! one after another through `blake3::keyed_hash`, from ready bytes; of a batch all at once in SIMD lanes, from words
//! that lie in lane form before the clock starts. `verify / floor` travels between machines.

pub mod probe;

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use base64_simd::{AsOut, URL_SAFE_NO_PAD};
use ron_auth_core::chain::Tag;
use ron_auth_core::wire::{MAC_HEAD_PREFIX, Major, read_head};
use ron_auth_core::{KeyName, MacKeyProvider};
use ron_auth_fixtures::Corpus;
use ron_auth_variants::mac::lanes::{LanesMac, Message, MessagesInLanes};

/// The longest message that lanes hash, in bytes: one BLAKE3 chunk.
const LONGEST_IN_LANES: usize = 1024;

/// The floor's work on a corpus, prepared.
pub struct Floor {
    corpus: Arc<Corpus>,
    batch: usize,
    decoded: Vec<u8>,
    /// All messages, one after another.
    messages: Vec<u8>,
    tokens: Vec<Steps>,
    /// The messages of each batch in lane form; empty if tokens come one at a time, or if this processor has no lanes.
    batches: Vec<MessagesInLanes>,
    tags: Vec<Option<Tag>>,
}

/// The MAC steps of one token; empty if no verifier would get as far as the MAC.
#[derive(Default)]
struct Steps {
    key: [u8; 32],
    messages: Vec<Range<usize>>,
}

impl Floor {
    /// Prepares the work on a corpus, for calls of `batch` tokens each.
    #[must_use]
    pub fn new(corpus: Arc<Corpus>, batch: usize) -> Self {
        let longest = corpus.tokens.iter().map(String::len).max().unwrap_or_default();
        let mut floor = Self {
            batch: batch.max(1),
            decoded: vec![0; longest],
            messages: Vec::new(),
            tokens: Vec::new(),
            corpus: corpus.clone(),
            batches: Vec::new(),
            tags: Vec::new(),
        };
        for text in &corpus.tokens {
            let steps = URL_SAFE_NO_PAD.decode_to_vec(text).ok().and_then(|cbor| floor.steps_of(&cbor));
            floor.tokens.push(steps.unwrap_or_default());
        }
        if Self::is_in_lanes(batch) {
            floor.put_in_lanes(batch);
        }
        floor
    }

    /// How the messages of calls of so many tokens are hashed: `serial`, or `lanes` if this processor has any.
    #[must_use]
    pub fn kind(batch: usize) -> &'static str {
        if Self::is_in_lanes(batch) { "lanes" } else { "serial" }
    }

    fn is_in_lanes(batch: usize) -> bool {
        batch > 1 && LanesMac::default().lanes() > 0
    }

    fn put_in_lanes(&mut self, batch: usize) {
        for tokens in self.tokens.chunks(batch) {
            let messages: Vec<Message<'_>> = tokens
                .iter()
                .flat_map(|steps| steps.messages.iter().map(|message| (&steps.key, message.clone())))
                .filter_map(|(key, message)| Some(Message { key, bytes: self.messages.get(message)? }))
                .collect();
            self.tags.resize(self.tags.len().max(messages.len()), None);
            self.batches.push(MessagesInLanes::new(LanesMac::default(), &messages));
        }
    }

    /// Checks that the floor computes the MACs that the good tokens end in. Returns how many did.
    ///
    /// # Errors
    /// The first token whose MAC comes out different, or that the floor has no work for.
    pub fn check(&mut self) -> Result<u64, String> {
        let mut proven = 0;
        let with_work = self.corpus.tokens.iter().zip(&self.tokens).enumerate();
        // Of a bad token a verifier gets no further than what is bad.
        for (index, (text, steps)) in
            with_work.filter(|(index, _)| matches!(self.corpus.intended.get(*index), Some(Ok(_))))
        {
            let cbor = URL_SAFE_NO_PAD.decode_to_vec(text).unwrap_or_default();
            let last = self.hashes(steps).last();
            if last.is_none()
                || last.as_ref().map(|tag| &tag.as_bytes()[..]) != cbor.last_chunk::<32>().map(|tag| &tag[..])
            {
                return Err(format!("token {index}: the MAC of the floor is not the token's"));
            }
            proven += 1;
        }
        // Lanes hash what the serial path hashes, batch after batch.
        for (lanes, tokens) in self.batches.iter().zip(self.tokens.chunks(self.batch)) {
            lanes.keyed_hash(&mut self.tags);
            let messages = tokens.iter().flat_map(|steps| steps.messages.iter().zip(self.hashes(steps)));
            // Longer messages are hashed serially, lanes or no lanes.
            let in_lanes = |((message, serial), tag): ((&Range<usize>, blake3::Hash), &Option<Tag>)| {
                message.len() > LONGEST_IN_LANES || *tag == Some(serial.into())
            };
            if !messages.zip(&self.tags).all(in_lanes) {
                return Err("the floor's lanes do not come to what blake3::keyed_hash comes to".to_owned());
            }
        }
        Ok(proven)
    }

    fn hashes<'s>(&'s self, steps: &'s Steps) -> impl Iterator<Item = blake3::Hash> + 's {
        let bytes = |range: &Range<usize>| self.messages.get(range.clone()).unwrap_or_default();
        steps.messages.iter().map(move |range| blake3::keyed_hash(&steps.key, bytes(range)))
    }

    /// Decodes and hashes every token once.
    pub fn pass(&mut self) {
        for (text, steps) in self.corpus.tokens.iter().zip(&self.tokens) {
            let _ = black_box(URL_SAFE_NO_PAD.decode(text.as_bytes(), self.decoded.as_out()).map(|bytes| bytes.len()));
            for message in &steps.messages {
                if self.batches.is_empty() || message.len() > LONGEST_IN_LANES {
                    let message = self.messages.get(message.clone()).unwrap_or_default();
                    black_box(blake3::keyed_hash(&steps.key, message));
                }
            }
        }
        for batch in &self.batches {
            batch.keyed_hash(&mut self.tags);
            black_box(&self.tags);
        }
    }

    fn steps_of(&mut self, cbor: &[u8]) -> Option<Steps> {
        let spans = Spans::of(cbor)?;
        let key = self.corpus.keys.key_for(KeyName { tid: text_of(spans.tid)?, kid: text_of(spans.kid)? })?;
        let mut steps = Steps { key: *key.as_bytes(), messages: Vec::new() };
        let mut tag = self.push(&mut steps, &[&[MAC_HEAD_PREFIX], spans.tid, spans.kid, spans.scope]);
        for caveat in spans.caveats {
            tag = self.push(&mut steps, &[tag.as_bytes(), caveat]);
        }
        Some(steps)
    }

    fn push(&mut self, steps: &mut Steps, parts: &[&[u8]]) -> blake3::Hash {
        let start = self.messages.len();
        for part in parts {
            self.messages.extend_from_slice(part);
        }
        let range = start..self.messages.len();
        let tag = blake3::keyed_hash(&steps.key, self.messages.get(range.clone()).unwrap_or_default());
        steps.messages.push(range);
        tag
    }
}

/// The items that the MAC covers, as they are on the wire.
struct Spans<'a> {
    tid: &'a [u8],
    kid: &'a [u8],
    scope: &'a [u8],
    caveats: Vec<&'a [u8]>,
}

impl<'a> Spans<'a> {
    /// Finds the five entries of a token. It is enough for tokens that a verifier accepts.
    fn of(cbor: &'a [u8]) -> Option<Self> {
        let mut rest = cbor.get(read_head(cbor).ok()?.len_bytes..)?;
        let mut entry = || {
            let _key = take_item(&mut rest)?;
            take_item(&mut rest)
        };
        let (tid, kid, scope, caveat_array) = (entry()?, entry()?, entry()?, entry()?);
        let head = read_head(caveat_array).ok()?;
        let mut rest = caveat_array.get(head.len_bytes..)?;
        let caveats = (0..head.argument).map(|_| take_item(&mut rest)).collect::<Option<_>>()?;
        Some(Self { tid, kid, scope, caveats })
    }
}

fn take_item<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let all = *rest;
    let mut at = 0;
    // Items still to be walked over, nested ones included.
    let mut pending = 1_u64;
    while pending > 0 {
        let head = read_head(all.get(at..)?).ok()?;
        at += head.len_bytes;
        pending -= 1;
        match head.major {
            Major::Bytes | Major::Text => at = at.checked_add(usize::try_from(head.argument).ok()?)?,
            Major::Array => pending = pending.checked_add(head.argument)?,
            Major::Map => pending = pending.checked_add(head.argument.checked_mul(2)?)?,
            Major::Unsigned | Major::Negative | Major::Tag | Major::Simple => {}
        }
    }
    *rest = all.get(at..)?;
    all.get(..at)
}

fn text_of(item: &[u8]) -> Option<&str> {
    str::from_utf8(item.get(read_head(item).ok()?.len_bytes..)?).ok()
}

#[cfg(test)]
mod tests {
    use ron_auth_fixtures::Fixture;

    use super::*;

    #[test]
    fn the_last_tag_of_the_floor_is_the_mac_of_the_token() {
        for fixture in [Fixture::Light, Fixture::Heavy] {
            let corpus = Arc::new(fixture.corpus(8));
            let floor = Floor::new(corpus.clone(), 1);
            for (text, steps) in corpus.tokens.iter().zip(&floor.tokens) {
                let cbor = URL_SAFE_NO_PAD.decode_to_vec(text).unwrap();
                let last = steps.messages.last().unwrap().clone();
                let tag = blake3::keyed_hash(&steps.key, &floor.messages[last]);
                assert_eq!(tag.as_bytes(), cbor.last_chunk::<32>().unwrap(), "{}", fixture.name());
            }
        }
    }

    #[test]
    fn the_floor_proves_its_macs_serially_and_in_lanes() {
        for (fixture, batch) in [(Fixture::Light, 1), (Fixture::Light, 64), (Fixture::Heavy, 64), (Fixture::Heavy, 40)]
        {
            let mut floor = Floor::new(Arc::new(fixture.corpus(64)), batch);
            assert_eq!(floor.check(), Ok(64));
            if let Some(lanes) = floor.batches.first_mut() {
                *lanes = MessagesInLanes::new(LanesMac::default(), &[Message { key: &[1; 32], bytes: b"other" }]);
                assert!(floor.check().unwrap_err().contains("lanes"));
            }
        }
    }

    #[test]
    fn tokens_of_which_some_are_bad_and_some_long_prove_their_floor_too() {
        for batch in [1, 64] {
            let mut floor = Floor::new(Arc::new(Fixture::Mixed.corpus(256)), batch);
            let proven = floor.check().unwrap();
            assert!((230..256).contains(&proven), "{proven}");
        }
    }

    #[test]
    fn tokens_that_no_verifier_would_authenticate_cost_the_floor_no_hashing() {
        let mut corpus = Fixture::Light.corpus(2);
        corpus.tokens[0] = "not a token".to_owned();
        corpus.tokens[1] = "_____".to_owned();
        let mut floor = Floor::new(Arc::new(corpus), 64);
        assert!(floor.messages.is_empty());
        floor.pass();
        assert!(floor.check().unwrap_err().starts_with("token 0: "));
    }
}
