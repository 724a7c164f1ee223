//! The MAC chain, step by step as WIRE.md defines it: what minting uses, and what every MAC engine must equal.

use smallvec::SmallVec;

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
    // One step's message, which is rarely longer than four BLAKE3 blocks.
    let mut message: SmallVec<[u8; 256]> = SmallVec::new();
    message.push(MAC_HEAD_PREFIX);
    for item in token.head_items() {
        message.extend_from_slice(item);
    }
    let mut tag = blake3::keyed_hash(key.as_bytes(), &message);
    for index in 0..token.caveat_count() {
        message.clear();
        message.extend_from_slice(tag.as_bytes());
        message.extend_from_slice(token.caveat_item(index));
        tag = blake3::keyed_hash(key.as_bytes(), &message);
    }
    tag
}
