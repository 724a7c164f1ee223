use ron_auth_core::MacKey;
use ron_auth_core::chain::{self, Tag};
use ron_auth_core::seam::Mac;
use ron_auth_core::view::TokenView;

/// One step after another with `blake3::keyed_hash`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SerialMac;

impl Mac for SerialMac {
    #[inline]
    fn tag<'a, V: TokenView<'a>>(&self, key: &MacKey, token: V) -> Tag {
        chain::tag_of(key, token)
    }
}
