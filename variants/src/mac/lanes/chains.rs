//! What is hashed: a token's chain.

use ron_auth_core::MacKey;
use ron_auth_core::chain::{self, Tag};
use ron_auth_core::view::{Item, TokenView};
use ron_auth_core::wire::MAC_HEAD_PREFIX;
use zeroize::Zeroize;

/// Messages under one key: a head, and links that are each led by the tag of the message before.
pub(super) trait Chain<'a>: Copy {
    /// What every head begins with.
    const LEAD: &'static [u8];
    fn key(self) -> &'a [u8; 32];
    /// The head behind its lead, in pieces.
    fn head(self) -> [&'a [u8]; 3];
    fn links(self) -> usize;
    /// A link without the tag that leads it.
    fn link(self, index: usize) -> &'a [u8];
    /// The last tag, without lanes.
    fn serially(self) -> Tag;
}

/// The MAC chain of a token.
#[derive(Clone, Copy)]
pub(super) struct TokenChain<'a, V> {
    pub(super) key: &'a MacKey,
    pub(super) token: V,
}

impl<'a, V: TokenView<'a>> Chain<'a> for TokenChain<'a, V> {
    const LEAD: &'static [u8] = &[MAC_HEAD_PREFIX];

    #[inline(always)]
    fn key(self) -> &'a [u8; 32] {
        self.key.as_bytes()
    }
    #[inline(always)]
    fn head(self) -> [&'a [u8]; 3] {
        self.token.head_items().map(Item::as_bytes)
    }
    #[inline(always)]
    fn links(self) -> usize {
        self.token.caveat_count()
    }
    #[inline(always)]
    fn link(self, index: usize) -> &'a [u8] {
        self.token.caveat_item(index).as_bytes()
    }
    fn serially(self) -> Tag {
        chain::tag_of(self.key, self.token)
    }
}

/// The tag of a head, however long.
pub(super) fn hash_head<'a, C: Chain<'a>>(chain: C) -> Tag {
    let mut hasher = blake3::Hasher::new_keyed(chain.key());
    hasher.update(C::LEAD);
    for piece in chain.head() {
        hasher.update(piece);
    }
    finish(hasher)
}

/// The tag of a link, however long; `tag` is that of the message before.
pub(super) fn hash_link<'a>(chain: impl Chain<'a>, tag: &[u8; 32], link: usize) -> Tag {
    let item = chain.link(link);
    let mut message = [0; 256];
    if let Some((lead, rest)) = message.split_first_chunk_mut()
        && let Some(place) = rest.get_mut(..item.len())
    {
        *lead = *tag;
        place.copy_from_slice(item);
        blake3::keyed_hash(chain.key(), message.get(..32 + item.len()).unwrap_or_default()).into()
    } else {
        let mut hasher = blake3::Hasher::new_keyed(chain.key());
        hasher.update(tag).update(item);
        finish(hasher)
    }
}

/// The tag of what was hashed. The hasher holds the key, and is wiped.
fn finish(mut hasher: blake3::Hasher) -> Tag {
    let tag = hasher.finalize().into();
    hasher.zeroize();
    tag
}
