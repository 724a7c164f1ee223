//! Every composition that the lab compares, by name.

use std::fmt;

use ron_auth_core::Verifier;

/// A named composition of seams.
#[derive(Clone, Copy)]
pub struct Variant {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// What fills each seam.
    pub seams: Seams,
    /// The features of `ron-auth` that give this composition, without the default ones.
    pub features: &'static [&'static str],
    build: fn() -> Box<dyn Verifier>,
}

/// What fills each of the five seams, by the backend's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the seams")]
pub struct Seams {
    pub base64: &'static str,
    pub decode: &'static str,
    pub mac: &'static str,
    pub execute: &'static str,
    pub scratch: &'static str,
}

impl Variant {
    /// A verifier of this composition.
    #[must_use]
    pub fn build(&self) -> Box<dyn Verifier> {
        (self.build)()
    }

    /// Whether batches may be spread over threads.
    #[must_use]
    pub fn is_parallel(&self) -> bool {
        self.seams.execute == "parallel"
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant").field("name", &self.name).field("seams", &self.seams).finish_non_exhaustive()
    }
}

/// Every variant that this build's features hold, `plain` first, `prod` last.
#[must_use]
pub fn catalogue() -> Vec<Variant> {
    Vec::new()
}

/// The variant of this name.
///
/// # Errors
/// A name that is not in the catalogue.
pub fn find(name: &str) -> Result<Variant, UnknownVariant> {
    catalogue()
        .into_iter()
        .find(|variant| variant.name == name)
        .ok_or_else(|| UnknownVariant { name: name.to_owned(), known: catalogue().iter().map(|v| v.name).collect() })
}

/// A name that no variant has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVariant {
    name: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no variant is called {:?}; the variants are {}", self.name, self.known.join(", "))
    }
}

impl std::error::Error for UnknownVariant {}
