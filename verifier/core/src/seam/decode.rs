use crate::error::AuthError;
use crate::view::TokenView;

/// Bytes to a token view, with the exact bytes that each MAC step covers.
///
/// A decoder accepts exactly the canonical encoding of wire format v1. What it reads is split in three, so that a
/// batch can reuse memory without tying lifetimes together: the CBOR, a [`Token`](Self::Token) that borrows nothing,
/// and an [`Arena`](Self::Arena) that tokens of a batch share.
pub trait Decode: Send + Sync + 'static {
    /// A decoded token: owned, or places in the CBOR and the arena.
    type Token: Send + 'static;
    /// What all tokens of a batch share; grows to the largest batch seen and is reused.
    type Arena: Default + Send + 'static;
    /// A token put together with what it points into.
    type View<'a>: TokenView<'a>;

    /// Reads one token.
    ///
    /// # Errors
    /// - [`AuthError::Bounds`]: the bytes begin as a canonical token does, up to the head of the caveat array, and
    ///   that head announces more than `max_caveats`. Nothing behind it is looked at.
    /// - [`AuthError::Malformed`] with [`Malformed::Cbor`](crate::Malformed::Cbor): anything else that is not
    ///   canonical.
    fn decode(&self, cbor: &[u8], max_caveats: usize, arena: &mut Self::Arena) -> Result<Self::Token, AuthError>;

    /// Puts a token together with the CBOR and the arena that it was decoded from and into.
    fn view<'a>(token: &'a Self::Token, cbor: &'a [u8], arena: &'a Self::Arena) -> Self::View<'a>;

    /// Forgets all tokens, keeps the memory.
    fn clear(arena: &mut Self::Arena);

    /// Bytes of memory that an arena takes, used or not.
    fn held_bytes(arena: &Self::Arena) -> usize;
}
