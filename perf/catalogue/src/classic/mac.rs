//! How the yardstick hashes.

use blake3::Hasher;
use ron_auth_core::MacKey;
use ron_auth_core::chain::Tag;
use ron_auth_core::seam::Mac;
use ron_auth_core::view::TokenView;
use ron_auth_core::wire::MAC_HEAD_PREFIX;

/// As the deployed verifier hashes: one incremental `blake3::Hasher` for each step. Part of the yardstick `classic`;
/// [`SerialMac`](ron_auth_variants::mac::SerialMac) does the same chain in less time.
#[derive(Clone, Copy, Debug, Default)]
pub struct HasherMac;

impl Mac for HasherMac {
    #[inline]
    fn tag<'a, V: TokenView<'a>>(&self, key: &MacKey, token: V) -> Tag {
        let mut hasher = Hasher::new_keyed(key.as_bytes());
        hasher.update(&[MAC_HEAD_PREFIX]);
        for item in token.head_items() {
            hasher.update(item.as_bytes());
        }
        let mut tag: Tag = hasher.finalize().into();
        for index in 0..token.caveat_count() {
            let mut hasher = Hasher::new_keyed(key.as_bytes());
            hasher.update(tag.as_bytes()).update(token.caveat_item(index).as_bytes());
            tag = hasher.finalize().into();
        }
        tag
    }
}
