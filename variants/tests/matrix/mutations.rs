//! Every single-bit flip, every cut, insertions at every place and every swap of neighbouring bytes, of the CBOR and of
//! the text of every fixture: never a token, and the same error on every variant.

use ron_auth_catalogue::catalogue;
use ron_auth_core::{AuthError, MAX_CHUNK_TOKENS};
use ron_auth_fixtures::Fixture;

use super::table::token::{Raw, base64url, from_base64url};
use super::table::{self, Keys};
use super::{Outcome, each_of};

/// Bytes to insert: what heads of all major types begin with, and what is likely to be taken for something else.
const INSERTED: [u8; 8] = [0x00, 0x18, 0x40, 0x61, 0x80, 0xa1, 0xc1, 0xff];

fn changed_bytes(cbor: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for at in 0..cbor.len() {
        for bit in 0..8 {
            let mut flipped = cbor.to_vec();
            flipped[at] ^= 1 << bit;
            found.push(flipped);
        }
        found.push(cbor[..at].to_vec());
        if at + 1 < cbor.len() && cbor[at] != cbor[at + 1] {
            let mut swapped = cbor.to_vec();
            swapped.swap(at, at + 1);
            found.push(swapped);
        }
    }
    for at in 0..=cbor.len() {
        // By turns two of them, and the byte before it again: a repetition.
        let turn = [INSERTED[2 * at % INSERTED.len()], INSERTED[(2 * at + 1) % INSERTED.len()]];
        let again = at.checked_sub(1).map(|before| cbor[before]);
        for byte in turn.into_iter().chain(again) {
            found.push([&cbor[..at], &[byte], &cbor[at..]].concat());
        }
    }
    found
}

/// Of the flips of a character, those that leave the text a text.
fn changed_texts(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for at in 0..text.len() {
        let (before, rest) = text.split_at(at);
        let (own, after) = (rest.as_bytes()[0], &rest[1..]);
        let with = |character: u8| format!("{before}{}{after}", char::from(character));
        found.extend((0..7).map(|bit| with(own ^ 1 << bit)));
        found.push(before.to_owned());
        if let Some(next) = after.bytes().next()
            && next != own
        {
            found.push(format!("{before}{}{}{}", char::from(next), char::from(own), &after[1..]));
        }
        found.push(format!("{before}{}{rest}", ["A", "_", "=", "é"][at % 4]));
    }
    found.extend(["A", "AA", "AAA", "AAAA", "=", "\n"].map(|end| format!("{text}{end}")));
    found
}

/// What a changed token may come to.
fn is_refused(result: &Outcome) -> bool {
    use AuthError::{Bounds, MacMismatch, Malformed, UnknownKid};
    matches!(result, Err(MacMismatch | UnknownKid | Malformed(_) | Bounds))
}

#[test]
fn no_changed_fixture_is_a_token_and_all_variants_say_the_same() {
    for fixture in [Fixture::Light, Fixture::Heavy, Fixture::ScatteredLight, Fixture::ScatteredHeavy] {
        let corpus = fixture.corpus(1);
        refused(fixture.name(), &corpus.tokens[0], |variant, tokens| {
            variant.verify_each(&corpus.config, tokens, &corpus.ctx, &corpus.keys)
        });
    }
    let config = table::config();
    refused("a caveat of every kind", &Raw::with_every_caveat().token(), |variant, tokens| {
        variant.verify_each(&config, tokens, &table::ctx(), &Keys)
    });
}

fn refused(
    name: &str,
    token: &str,
    verify: impl Fn(&dyn ron_auth_catalogue::Verifier, &[String]) -> Vec<Outcome> + Sync,
) {
    let mut changed: Vec<String> =
        changed_bytes(&from_base64url(token)).iter().map(|changed| base64url(changed)).collect();
    changed.extend(changed_texts(token));
    let variants = catalogue();
    let plain = variants[0].build();
    assert!(verify(&*plain, &[token.to_owned()])[0].is_ok(), "{name}");
    // All of a chunk are bad: lanes are full of tokens that differ in a bit.
    let expected: Vec<_> = changed.chunks(MAX_CHUNK_TOKENS).map(|chunk| verify(&*plain, chunk)).collect();
    for (place, (other, result)) in changed.iter().zip(expected.iter().flatten()).enumerate() {
        assert!(*other != token && is_refused(result), "{name}, {place}: {result:?} of {other}, changed from {token}");
    }
    each_of(&variants[1..], |variant, failures| {
        let verifier = variant.build();
        for (chunk, expected) in changed.chunks(MAX_CHUNK_TOKENS).zip(&expected) {
            for ((token, got), expected) in chunk.iter().zip(verify(&*verifier, chunk)).zip(expected) {
                if got != *expected {
                    failures.push(format!("{}: {got:?} and not {expected:?} of {token}", variant.name));
                }
            }
        }
    });
}
