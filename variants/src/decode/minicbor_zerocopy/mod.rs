//! Reads a token in place: one strict pass, nothing copied.

mod opening;
mod scan;
mod view;

use ron_auth_core::AuthError;
use ron_auth_core::seam::Decode;

pub use view::{SpanArena, SpanView};

/// `minicbor`'s decoder, held to the canonical encoding, leaving places in the CBOR instead of values.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZeroCopyDecode;

impl Decode for ZeroCopyDecode {
    /// A token's index in the arena.
    type Token = usize;
    type Arena = SpanArena;
    type View<'a> = SpanView<'a>;

    #[inline]
    fn decode(&self, cbor: &[u8], max_caveats: usize, arena: &mut Self::Arena) -> Result<usize, AuthError> {
        scan::token(cbor, max_caveats, arena)
    }

    #[inline]
    fn view<'a>(token: &'a usize, cbor: &'a [u8], arena: &'a Self::Arena) -> SpanView<'a> {
        arena.view(*token, cbor)
    }

    fn clear(arena: &mut Self::Arena) {
        arena.clear();
    }

    fn held_bytes(arena: &Self::Arena) -> usize {
        arena.held_bytes()
    }
}
