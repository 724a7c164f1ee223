//! Wire format v1: how a token is written as bytes. The format itself:
//! [`specification::wire_v1`](crate::specification::wire_v1).
//!
//! This module writes the one permitted encoding and walks over single items of it. Reading a whole token is a
//! decoder's work, behind [`Decode`](crate::seam::Decode).

mod any;
mod encode;
mod head;
mod key_order;
mod simple;
mod text_items;

pub use any::{MAX_NESTING, canonical_item_len};
pub use encode::{encode_array_head, encode_caveat, encode_scope, encode_text, encode_token};
pub use head::{Head, Major, NotCanonical, read_head};
pub(crate) use key_order::key_order;
pub use text_items::TextItems;

/// First byte of the first MAC step's message: the head of a CBOR array of three items.
pub const MAC_HEAD_PREFIX: u8 = 0x83;
