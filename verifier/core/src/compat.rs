//! The semantics of deployments that came before this library.
//!
//! They are laxer than the strict ones. The token's tenant namespace is not compared with the request's tenant, and its
//! scope is returned without being enforced: both are left to the caller. `Aud` is compared with the policy digest,
//! `PathPrefix` ignores segment boundaries, nets may have host bits and any spelling, an unknown request length passes
//! `BytesLe`, and `Rate` and `Custom` caveats are ignored. `docs/WIRE.md` has the table. Use them
//! to move an existing service over without changing one decision; then move on to the strict semantics.

use crate::{Semantics, VerifierConfig};

/// The default settings with [`Semantics::Compat`].
#[must_use]
pub fn config() -> VerifierConfig {
    VerifierConfig::default().with_semantics(Semantics::Compat)
}
