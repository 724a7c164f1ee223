//! The semantics of deployments that came before this library.
//!
//! They are laxer than the strict ones: `PathPrefix` ignores segment boundaries, an unknown request length passes
//! `BytesLe`, `Rate` and `Custom` caveats are ignored, and the scope is returned without being enforced. Use them
//! to move an existing service over without changing one decision; then move on to the strict semantics.

use crate::{Semantics, VerifierConfig};

/// The default settings with [`Semantics::Compat`].
#[must_use]
pub fn config() -> VerifierConfig {
    VerifierConfig::default().with_semantics(Semantics::Compat)
}
