//! Variants: the compositions that the lab compares, by name.

use std::fmt;

use ron_auth_core::seam::{Decode, Execute, Mac};
use ron_auth_variants::base64::{ScalarBase64, SimdBase64};
use ron_auth_variants::decode::{CiboriumDecode, SerdeCborDecode, ZeroCopyDecode};
use ron_auth_variants::execute::{RayonExecute, SequentialExecute};
use ron_auth_variants::mac::lanes::SimdLevel;
use ron_auth_variants::mac::{LanesMac, SerialMac};
use ron_auth_variants::scratch::{PerCallScratch, ThreadLocalScratch};

use crate::classic::classic;
use crate::compositions::compositions;
use crate::seams::{Base64Choice, DecodeChoice, ExecuteChoice, MacChoice, ScratchChoice, Seams};
use crate::verifier::{Verifier, boxed};

/// A composition with a name.
#[derive(Clone, Copy)]
pub struct Variant {
    /// Name on the command line and in results.
    pub name: &'static str,
    /// The backends of the seams.
    pub seams: Seams,
    /// The features of `ron-auth` that give this composition, without the default ones; empty for `classic`, which no
    /// features give.
    pub features: &'static [&'static str],
    pub(crate) kind: Kind,
    pub(crate) build: fn(&Seams) -> Box<dyn Verifier>,
}

/// The reason why a variant is in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has a name of its own, and its backends are compiled in.
    Named,
    /// One of all ways to fill the seams, with backends that are picked at run time.
    Composition,
    /// It is there to be compared with.
    Yardstick,
}

impl Variant {
    /// Builds a verifier of this composition.
    #[must_use]
    pub fn build(&self) -> Box<dyn Verifier> {
        (self.build)(&self.seams)
    }

    /// Whether it is one of the [`compositions`], whose backends are picked at run time, and not a variant with a name
    /// of its own.
    #[must_use]
    pub fn is_composition(&self) -> bool {
        self.kind == Kind::Composition
    }

    /// Reason why its times are not those of what it is named after, in this build on this processor; `None` if they
    /// are. It decides right in any case.
    #[must_use]
    pub fn hindrance(&self) -> Option<&'static str> {
        (self.seams.mac == MacChoice::LanesAvx2).then(|| SimdLevel::Avx2.hindrance()).flatten()
    }

    /// Whether batches may be spread over threads.
    #[must_use]
    pub fn is_parallel(&self) -> bool {
        self.seams.execute == ExecuteChoice::Parallel
    }

    /// Whether it is right about good tokens only: `classic`, which is there to be compared with.
    ///
    /// Its decoder does not ask whether a token's bytes are the one permitted encoding, so of bad tokens it may let
    /// through what all others refuse. Hence what is compared with it are good tokens, its answers to bad ones are held
    /// to nothing, it is neither in the [`catalogue`] nor among the compositions, and `ron-auth` has no feature for it.
    #[must_use]
    pub fn decides_only_good_tokens(&self) -> bool {
        self.seams.decode == DecodeChoice::Classic
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant").field("name", &self.name).field("seams", &self.seams).finish_non_exhaustive()
    }
}

/// Every named variant, `plain` first, `prod` last. All decide alike.
#[must_use]
pub fn catalogue() -> Vec<Variant> {
    const PLAIN: Seams = Seams::PLAIN;
    vec![
        named("plain", &["plain"], PLAIN, |_| like_plain(SerdeCborDecode, SerialMac, SequentialExecute)),
        named("simd-b64", &["plain", "simd-b64"], Seams { base64: Base64Choice::Simd, ..PLAIN }, |_| {
            boxed(SimdBase64, SerdeCborDecode, SerialMac, SequentialExecute, PerCallScratch)
        }),
        named("ciborium", &["fast-cbor"], Seams { decode: DecodeChoice::Ciborium, ..PLAIN }, |_| {
            like_plain(CiboriumDecode, SerialMac, SequentialExecute)
        }),
        named("minicbor-zerocopy", &["minicbor-zerocopy"], Seams { decode: DecodeChoice::ZeroCopy, ..PLAIN }, |_| {
            like_plain(ZeroCopyDecode, SerialMac, SequentialExecute)
        }),
        named("lanes", &["plain", "lanes"], Seams { mac: MacChoice::Lanes, ..PLAIN }, |_| {
            like_plain(SerdeCborDecode, LanesMac::default(), SequentialExecute)
        }),
        named("parallel", &["plain", "parallel"], Seams { execute: ExecuteChoice::Parallel, ..PLAIN }, |_| {
            like_plain(SerdeCborDecode, SerialMac, RayonExecute)
        }),
        named("tls-scratch", &["plain", "tls-scratch"], Seams { scratch: ScratchChoice::ThreadLocal, ..PLAIN }, |_| {
            boxed(ScalarBase64, SerdeCborDecode, SerialMac, SequentialExecute, ThreadLocalScratch)
        }),
        // The lab's switch for masking AVX-512 in lanes: what `prod` does with batches on a processor that ends at
        // AVX2. (`blake3` chooses for itself, so single tokens are hashed as the processor can.)
        named("prod-avx2", &["full"], Seams { mac: MacChoice::LanesAvx2, ..Seams::PROD }, |_| {
            prod(LanesMac::with_max(SimdLevel::Avx2))
        }),
        named("prod", &["full"], Seams::PROD, |_| prod(LanesMac::default())),
    ]
}

const fn named(
    name: &'static str,
    features: &'static [&'static str],
    seams: Seams,
    build: fn(&Seams) -> Box<dyn Verifier>,
) -> Variant {
    Variant { name, seams, features, kind: Kind::Named, build }
}

fn like_plain(
    decode: impl Decode + Clone + 'static,
    mac: impl Mac + Clone + 'static,
    execute: impl Execute + Clone + 'static,
) -> Box<dyn Verifier> {
    boxed(ScalarBase64, decode, mac, execute, PerCallScratch)
}

fn prod(mac: LanesMac) -> Box<dyn Verifier> {
    boxed(SimdBase64, ZeroCopyDecode, mac, RayonExecute, ThreadLocalScratch)
}

/// The variant of this name, `classic` included, or the composition of these backends: `simd-b64+lanes`.
///
/// # Errors
/// A name that is not in the catalogue, nor made of backends of different seams.
pub fn find(name: &str) -> Result<Variant, UnknownVariant> {
    catalogue()
        .into_iter()
        .chain([classic()])
        .chain(compositions().iter().copied())
        .find(|variant| variant.name == name)
        .or_else(|| composed_of(name))
        .ok_or_else(|| UnknownVariant { name: name.to_owned(), known: catalogue().iter().map(|v| v.name).collect() })
}

/// The composition of these backends, in whatever order they are named.
fn composed_of(name: &str) -> Option<Variant> {
    let mut wanted: Vec<&str> = match name.strip_prefix('+').unwrap_or(name) {
        "" => return None,
        backends => backends.split('+').collect(),
    };
    wanted.sort_unstable();
    compositions().iter().copied().find(|variant| {
        let mut own = variant.seams.beyond_plain();
        own.sort_unstable();
        own == wanted
    })
}

/// A name that no variant has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVariant {
    name: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no variant is called {:?}; the variants are {}; or backends of different seams, such as simd-b64+lanes; or \
             classic, the yardstick",
            self.name,
            self.known.join(", ")
        )
    }
}

impl std::error::Error for UnknownVariant {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_named_after_a_backend_differs_from_plain_in_that_seam_alone() {
        let names: Vec<_> = catalogue().iter().map(|variant| variant.name).collect();
        let backends = ["simd-b64", "ciborium", "minicbor-zerocopy", "lanes", "parallel", "tls-scratch"];
        assert_eq!(names, [&["plain"], &backends[..], &["prod-avx2", "prod"]].concat());
        for name in backends {
            let seams = find(name).unwrap().seams;
            assert_eq!(seams.beyond_plain(), [name]);
        }
    }

    #[test]
    fn the_yardstick_is_found_by_its_name_and_offered_nowhere() {
        let classic = find("classic").unwrap();
        assert!(classic.decides_only_good_tokens() && classic.features.is_empty(), "{classic:?}");
        let offered = || catalogue().into_iter().chain(compositions().iter().copied());
        assert!(offered().all(|variant| variant.name != classic.name && !variant.decides_only_good_tokens()));
        assert!(offered().all(|variant| variant.seams != classic.seams && !variant.features.contains(&"classic")));
        for composed in ["+classic", "classic+lanes", "hasher", "simd-b64+classic+hasher"] {
            assert!(find(composed).is_err(), "{composed}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let complaint = find("fastest").unwrap_err().to_string();
        assert!(complaint.starts_with("no variant is called \"fastest\"; the variants are plain, "), "{complaint}");
        assert!(complaint.contains(", prod; or backends of different seams"), "{complaint}");
    }
}
