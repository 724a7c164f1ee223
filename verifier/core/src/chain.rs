//! The MAC chain, step by step as WIRE.md defines it: what minting uses, and what every MAC engine must equal.

use crate::key::MacKey;
use crate::view::TokenView;
use crate::wire::MAC_HEAD_PREFIX;

/// A MAC tag. Its `==` takes the same time wherever two tags differ.
pub type Tag = blake3::Hash;

/// The last tag of the chain over a token:
///
/// ```text
/// tag[0]   = keyed_hash(key, 0x83 ‖ tid-item ‖ kid-item ‖ scope-item)
/// tag[i+1] = keyed_hash(key, tag[i] ‖ caveat-item[i])
/// ```
pub fn tag_of<'a>(key: &MacKey, token: impl TokenView<'a>) -> Tag {
    let [tid, kid, scope] = token.head_items();
    let mut tag = step(key, &[MAC_HEAD_PREFIX], [tid, kid, scope]);
    for index in 0..token.caveat_count() {
        tag = step(key, tag.as_bytes(), [token.caveat_item(index)]);
    }
    tag
}

/// The tag of one step's message: `first` and then `items`.
#[inline]
fn step<const N: usize>(key: &MacKey, first: &[u8], items: [&[u8]; N]) -> Tag {
    // A message in one piece is hashed by `keyed_hash`, which is twice as fast on short messages as feeding a
    // `Hasher`. Nearly all fit four of BLAKE3's 64-byte blocks.
    let mut message = [0; 256];
    let mut free = message.as_mut_slice();
    for piece in [first].into_iter().chain(items) {
        let Some((place, rest)) = free.split_at_mut_checked(piece.len()) else {
            return long_step(key, first, items);
        };
        place.copy_from_slice(piece);
        free = rest;
    }
    let free_len = free.len();
    let len = message.len() - free_len;
    blake3::keyed_hash(key.as_bytes(), message.get(..len).unwrap_or_default())
}

#[cold]
fn long_step<const N: usize>(key: &MacKey, first: &[u8], items: [&[u8]; N]) -> Tag {
    let mut hasher = blake3::Hasher::new_keyed(key.as_bytes());
    hasher.update(first);
    for item in items {
        hasher.update(item);
    }
    hasher.finalize()
}
