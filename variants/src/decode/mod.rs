//! Bytes to a token view. All decoders accept exactly the canonical encoding of wire format v1.

#[cfg(feature = "fast-cbor")]
mod ciborium;
#[cfg(feature = "minicbor-zerocopy")]
mod minicbor_zerocopy;
#[cfg(any(feature = "plain", feature = "fast-cbor"))]
mod owned;
#[cfg(feature = "plain")]
mod serde_cbor;

#[cfg(feature = "fast-cbor")]
pub use ciborium::CiboriumDecode;
#[cfg(feature = "minicbor-zerocopy")]
pub use minicbor_zerocopy::{SpanArena, SpanView, ZeroCopyDecode};
#[cfg(any(feature = "plain", feature = "fast-cbor"))]
pub use owned::OwnedToken;
#[cfg(feature = "plain")]
pub use serde_cbor::SerdeCborDecode;
