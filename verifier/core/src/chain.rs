//! The MAC chain, step by step as [the wire format](crate::specification::wire_v1#mac) defines it: what minting uses,
//! and what every MAC engine must equal.

use std::fmt;

use zeroize::{Zeroize, optimization_barrier};

use crate::key::MacKey;
use crate::view::{Item, TokenView};
use crate::wire::MAC_HEAD_PREFIX;

/// A MAC tag. `==` takes the same time wherever two tags differ, and `Debug` shows nothing of one: the right tag of a
/// forged token is all that the forger lacks.
///
/// There is no tag that means "not computed"; where one may be missing, it is an `Option`.
#[derive(Clone, Copy)]
pub struct Tag(blake3::Hash);

impl Tag {
    /// The tag of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(blake3::Hash::from_bytes(bytes))
    }

    /// The tag's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Overwrites it.
    #[inline]
    pub(crate) fn wipe(&mut self) {
        *self = Self::from_bytes([0; 32]);
        optimization_barrier(self);
    }
}

impl From<blake3::Hash> for Tag {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash)
    }
}

impl PartialEq for Tag {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // `blake3::Hash` compares in constant time.
        self.0 == other.0
    }
}

impl Eq for Tag {}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(redacted)")
    }
}

/// Overwrites tags and forgets them. That they become `None` would not do: it leaves the bytes where they are.
pub(crate) fn wipe(tags: &mut Vec<Option<Tag>>) {
    tags.fill(Some(Tag::from_bytes([0; 32])));
    optimization_barrier(tags.as_slice());
    tags.clear();
}

/// The last tag of the chain over a token:
///
/// ```text
/// tag[0]   = keyed_hash(key, 0x83 ‖ tid-item ‖ kid-item ‖ scope-item)
/// tag[i+1] = keyed_hash(key, tag[i] ‖ caveat-item[i])
/// ```
#[inline]
pub fn tag_of<'a>(key: &MacKey, token: impl TokenView<'a>) -> Tag {
    // One step's message, put together in one piece with copies of fixed length.
    let mut message = [0; SHORT];
    let mut tag = step(key, &mut message, &[MAC_HEAD_PREFIX], token.head_items());
    for index in 0..token.caveat_count() {
        tag = step(key, &mut message, tag.as_bytes(), [token.caveat_item(index)]);
    }
    tag
}

/// Four of BLAKE3's 64-byte blocks: nearly every message fits.
const SHORT: usize = 256;

/// The tag of one step.
#[inline]
fn step<const N: usize, const I: usize>(
    key: &MacKey,
    message: &mut [u8; SHORT],
    start: &[u8; N],
    items: [Item<'_>; I],
) -> Tag {
    let len = N + items.iter().map(|item| item.len()).sum::<usize>();
    let (Some(place), true) = (message.first_chunk_mut(), len <= SHORT) else { return long_step(key, start, items) };
    *place = *start;
    let mut at = N;
    for item in items {
        copy(item, message.get_mut(at..).unwrap_or_default());
        at += item.len();
    }
    blake3::keyed_hash(key.as_bytes(), message.get(..len).unwrap_or_default()).into()
}

#[inline]
fn copy(item: Item<'_>, to: &mut [u8]) {
    // A copy of fixed length compiles to a move or two. What the window holds beyond the item is overwritten by the
    // next one, or lies beyond the message's end.
    match (to.first_chunk_mut::<32>(), item.with_following().first_chunk()) {
        (Some(place), Some(window)) if item.len() <= 32 => *place = *window,
        _ => {
            if let Some(place) = to.get_mut(..item.len()) {
                place.copy_from_slice(item.as_bytes());
            }
        }
    }
}

#[cold]
fn long_step<const N: usize, const I: usize>(key: &MacKey, start: &[u8; N], items: [Item<'_>; I]) -> Tag {
    let mut hasher = blake3::Hasher::new_keyed(key.as_bytes());
    hasher.update(start);
    for item in items {
        hasher.update(item.as_bytes());
    }
    let tag = hasher.finalize().into();
    // It holds the key.
    hasher.zeroize();
    tag
}
