//! Every composition that the lab compares, by name.

#[cfg(feature = "all")]
mod chosen;
#[cfg(feature = "classic")]
mod classic;
#[cfg(feature = "all")]
mod compositions;

use std::fmt;

use ron_auth_core::seam::{Base64, Decode, Execute, Mac, ScratchPolicy};
use ron_auth_core::{Engine, Verifier};

#[cfg(feature = "classic")]
pub use classic::classic;
#[cfg(feature = "all")]
pub use compositions::compositions;

// Which of the backends are used depends on the features.
#[allow(unused_imports)]
use crate::{base64::*, decode::*, execute::*, mac::*, scratch::*};

/// A named composition of seams.
#[derive(Clone, Copy)]
pub struct Variant {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// What fills each seam.
    pub seams: Seams,
    /// The features of `ron-auth` that give this composition, without the default ones; none for `classic`, which no
    /// features give.
    pub features: &'static [&'static str],
    build: fn(&Seams) -> Box<dyn Verifier>,
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
        (self.build)(&self.seams)
    }

    /// Why its times are not those of what it is named after, in this build on this processor; `None` if they are. It
    /// decides right in any case.
    #[must_use]
    pub fn hindrance(&self) -> Option<&'static str> {
        #[cfg(feature = "lanes")]
        if self.seams.mac == "lanes-avx2" {
            return lanes::SimdLevel::Avx2.hindrance();
        }
        None
    }

    /// Whether batches may be spread over threads.
    #[must_use]
    pub fn is_parallel(&self) -> bool {
        self.seams.execute == "parallel"
    }

    /// Whether it is right about good tokens only: `classic`, which is there to be compared with.
    ///
    /// Its decoder does not ask whether a token's bytes are the one permitted encoding, so of bad tokens it may let
    /// through what all others refuse. Hence what is compared with it are good tokens, its answers to bad ones are held to
    /// nothing, it is neither in the [`catalogue`] nor among the compositions, and `ron-auth` has no feature for it.
    #[must_use]
    pub fn decides_only_good_tokens(&self) -> bool {
        self.seams.decode == "classic"
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant").field("name", &self.name).field("seams", &self.seams).finish_non_exhaustive()
    }
}

/// Every variant that this build's features hold, `plain` first, `prod` last. All decide alike.
#[must_use]
pub fn catalogue() -> Vec<Variant> {
    vec![
        #[cfg(feature = "plain")]
        Variant {
            name: "plain",
            seams: PLAIN,
            features: &["plain"],
            build: |_| boxed(ScalarBase64, SerdeCborDecode, SerialMac, SequentialExecute, PerCallScratch),
        },
        #[cfg(all(feature = "plain", feature = "simd-b64"))]
        Variant {
            name: "simd-b64",
            seams: Seams { base64: "simd-b64", ..PLAIN },
            features: &["plain", "simd-b64"],
            build: |_| boxed(SimdBase64, SerdeCborDecode, SerialMac, SequentialExecute, PerCallScratch),
        },
        #[cfg(feature = "fast-cbor")]
        Variant {
            name: "ciborium",
            seams: Seams { decode: "ciborium", ..PLAIN },
            features: &["fast-cbor"],
            build: |_| boxed(ScalarBase64, CiboriumDecode, SerialMac, SequentialExecute, PerCallScratch),
        },
        #[cfg(feature = "minicbor-zerocopy")]
        Variant {
            name: "minicbor-zerocopy",
            seams: Seams { decode: "minicbor-zerocopy", ..PLAIN },
            features: &["minicbor-zerocopy"],
            build: |_| boxed(ScalarBase64, ZeroCopyDecode, SerialMac, SequentialExecute, PerCallScratch),
        },
        #[cfg(all(feature = "plain", feature = "lanes"))]
        Variant {
            name: "lanes",
            seams: Seams { mac: "lanes", ..PLAIN },
            features: &["plain", "lanes"],
            build: |_| boxed(ScalarBase64, SerdeCborDecode, LanesMac::default(), SequentialExecute, PerCallScratch),
        },
        #[cfg(all(feature = "plain", feature = "parallel"))]
        Variant {
            name: "parallel",
            seams: Seams { execute: "parallel", ..PLAIN },
            features: &["plain", "parallel"],
            build: |_| boxed(ScalarBase64, SerdeCborDecode, SerialMac, RayonExecute, PerCallScratch),
        },
        #[cfg(all(feature = "plain", feature = "tls-scratch"))]
        Variant {
            name: "tls-scratch",
            seams: Seams { scratch: "tls-scratch", ..PLAIN },
            features: &["plain", "tls-scratch"],
            build: |_| boxed(ScalarBase64, SerdeCborDecode, SerialMac, SequentialExecute, ThreadLocalScratch),
        },
        // The lab's switch for masking AVX-512 in lanes: what `prod` does with batches on a processor that ends at AVX2.
        // (`blake3` chooses for itself, so single tokens are hashed as the processor can.)
        #[cfg(feature = "all")]
        Variant {
            name: "prod-avx2",
            seams: Seams { mac: "lanes-avx2", ..PROD },
            features: &["full"],
            build: |_| prod(LanesMac::with_max(lanes::SimdLevel::Avx2)),
        },
        #[cfg(feature = "all")]
        Variant { name: "prod", seams: PROD, features: &["full"], build: |_| prod(LanesMac::default()) },
    ]
}

/// The plain choice for every seam: the reference.
#[cfg_attr(not(feature = "all"), allow(dead_code))]
const PLAIN: Seams =
    Seams { base64: "scalar", decode: "serde_cbor", mac: "serial", execute: "sequential", scratch: "per-call" };

/// The best choice for every seam.
#[cfg(feature = "all")]
const PROD: Seams = Seams {
    base64: "simd-b64",
    decode: "minicbor-zerocopy",
    mac: "lanes",
    execute: "parallel",
    scratch: "tls-scratch",
};

#[cfg(feature = "all")]
fn prod(mac: LanesMac) -> Box<dyn Verifier> {
    boxed(SimdBase64, ZeroCopyDecode, mac, RayonExecute, ThreadLocalScratch)
}

#[cfg_attr(not(feature = "all"), allow(dead_code))]
fn boxed(
    base64: impl Base64 + Clone + 'static,
    decode: impl Decode + Clone + 'static,
    mac: impl Mac + Clone + 'static,
    execute: impl Execute + Clone + 'static,
    scratch: impl ScratchPolicy + Clone + 'static,
) -> Box<dyn Verifier> {
    Box::new(Engine::new(base64, decode, mac, execute, scratch))
}

/// The variant of this name, `classic` included, or the composition of these backends: `simd-b64+lanes`.
///
/// # Errors
/// A name that is not in the catalogue, nor made of backends of different seams.
pub fn find(name: &str) -> Result<Variant, UnknownVariant> {
    catalogue()
        .into_iter()
        .find(|variant| variant.name == name)
        .or_else(|| yardstick(name))
        .or_else(|| composed_of(name))
        .ok_or_else(|| UnknownVariant { name: name.to_owned(), known: catalogue().iter().map(|v| v.name).collect() })
}

#[cfg(feature = "classic")]
fn yardstick(name: &str) -> Option<Variant> {
    Some(classic()).filter(|classic| classic.name == name)
}

#[cfg(not(feature = "classic"))]
fn yardstick(_: &str) -> Option<Variant> {
    None
}

#[cfg(feature = "all")]
fn composed_of(name: &str) -> Option<Variant> {
    let mut wanted: Vec<&str> = match name.strip_prefix('+').unwrap_or(name) {
        "" if name.is_empty() => return None,
        "" => Vec::new(),
        backends => backends.split('+').collect(),
    };
    wanted.sort_unstable();
    compositions().iter().copied().find(|variant| {
        let mut own = variant.seams.beyond_plain();
        own.sort_unstable();
        own == wanted
    })
}

#[cfg(not(feature = "all"))]
fn composed_of(_: &str) -> Option<Variant> {
    None
}

/// A name that no variant has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVariant {
    name: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no variant is called {:?}; the variants are {}", self.name, self.known.join(", "))?;
        if cfg!(feature = "all") {
            write!(f, "; or backends of different seams, such as simd-b64+lanes")?;
        }
        if cfg!(feature = "classic") {
            write!(f, "; or classic, the yardstick")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownVariant {}

#[cfg(all(test, feature = "all"))]
mod tests {
    use super::*;

    #[test]
    fn a_variant_named_after_a_backend_differs_from_plain_in_that_seam_alone() {
        let names: Vec<_> = catalogue().iter().map(|variant| variant.name).collect();
        let backends = ["simd-b64", "ciborium", "minicbor-zerocopy", "lanes", "parallel", "tls-scratch"];
        assert_eq!(names, [&["plain"], &backends[..], &["prod-avx2", "prod"]].concat());
        for name in backends {
            let seams = find(name).unwrap().seams;
            let fields = |seams: Seams| [seams.base64, seams.decode, seams.mac, seams.execute, seams.scratch];
            let changed: Vec<_> =
                fields(seams).into_iter().zip(fields(PLAIN)).filter(|(own, plain)| own != plain).collect();
            assert!(matches!(changed[..], [(own, _)] if own == name), "{name}: {changed:?}");
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
