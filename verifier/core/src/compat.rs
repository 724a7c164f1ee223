//! The semantics of deployments that came before this library.
//!
//! They are laxer than the strict ones. The token's tenant namespace is not compared with the request's tenant, and its
//! scope is returned without being enforced: both are left to the caller. `Aud` is compared with the policy digest,
//! `PathPrefix` ignores segment boundaries, nets may have host bits and any spelling, an unknown request length passes
//! `BytesLe`, and `Rate` and `Custom` caveats are ignored. [The wire format](crate::specification::wire_v1#semantics)
//! has the table. Use them to move an existing service over without changing one decision; then move on to the strict
//! semantics.
//!
//! # Hazards
//!
//! - A provider of keys that answers for every tenant, as a lone [`MacKey`](crate::MacKey) does, accepts any
//!   tenant's tokens at any other: nothing else compares the two. Give a [`KeyRing`](crate::KeyRing), or compare.
//! - What `Allow` grants is the scope in it. A host that does not look at it grants everything.
//! - [Demands](crate::Demands) hold here too. [`audience`](crate::Demands::audience) is about the request's audience,
//!   while `Aud` itself is compared with the policy digest: set both, to the same text.
//! - To find out whether a code base uses these semantics, search it for `compat` without regard to case:
//!   [`Semantics::Compat`] can be set without this module.

use crate::{Semantics, VerifierConfig};

/// The default settings with [`Semantics::Compat`].
#[must_use]
pub fn config() -> VerifierConfig {
    VerifierConfig::default().with_semantics(Semantics::Compat)
}
