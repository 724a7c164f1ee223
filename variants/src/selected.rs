//! The one composition that this build's features select: what `ron-auth` runs.

use ron_auth_core::Engine;

#[cfg(not(feature = "simd-b64"))]
type SelectedBase64 = crate::base64::ScalarBase64;
#[cfg(feature = "simd-b64")]
type SelectedBase64 = crate::base64::SimdBase64;

/// The decoder that the features select: the first of `minicbor-zerocopy`, `fast-cbor`, `plain` that is on.
#[cfg(feature = "minicbor-zerocopy")]
pub type SelectedDecode = crate::decode::ZeroCopyDecode;
/// The decoder that the features select: the first of `minicbor-zerocopy`, `fast-cbor`, `plain` that is on.
#[cfg(all(feature = "fast-cbor", not(feature = "minicbor-zerocopy")))]
pub type SelectedDecode = crate::decode::CiboriumDecode;
/// The decoder that the features select: the first of `minicbor-zerocopy`, `fast-cbor`, `plain` that is on.
#[cfg(all(feature = "plain", not(any(feature = "minicbor-zerocopy", feature = "fast-cbor"))))]
pub type SelectedDecode = crate::decode::SerdeCborDecode;

#[cfg(not(feature = "lanes"))]
type SelectedMac = crate::mac::SerialMac;
#[cfg(feature = "lanes")]
type SelectedMac = crate::mac::LanesMac;

#[cfg(not(feature = "parallel"))]
type SelectedExecute = crate::execute::SequentialExecute;
#[cfg(feature = "parallel")]
type SelectedExecute = crate::execute::RayonExecute;

#[cfg(not(feature = "tls-scratch"))]
type SelectedScratch = crate::scratch::PerCallScratch;
#[cfg(feature = "tls-scratch")]
type SelectedScratch = crate::scratch::ThreadLocalScratch;

/// The engine that the features select.
pub type SelectedEngine = Engine<SelectedBase64, SelectedDecode, SelectedMac, SelectedExecute, SelectedScratch>;

/// The backends that the features select, by the names of these features: the decoder, then all others that are not the
/// plain ones. Of several decoders that are on, the selected one is named.
pub const ACTIVE_BACKENDS: &[&str] = &[
    #[cfg(feature = "minicbor-zerocopy")]
    "minicbor-zerocopy",
    #[cfg(all(feature = "fast-cbor", not(feature = "minicbor-zerocopy")))]
    "fast-cbor",
    #[cfg(all(feature = "plain", not(any(feature = "minicbor-zerocopy", feature = "fast-cbor"))))]
    "plain",
    #[cfg(feature = "simd-b64")]
    "simd-b64",
    #[cfg(feature = "lanes")]
    "lanes",
    #[cfg(feature = "tls-scratch")]
    "tls-scratch",
    #[cfg(feature = "parallel")]
    "parallel",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_what_the_engine_is_made_of() {
        let engine = std::any::type_name::<SelectedEngine>();
        for (backend, feature) in [
            ("ZeroCopyDecode", "minicbor-zerocopy"),
            ("CiboriumDecode", "fast-cbor"),
            ("SerdeCborDecode", "plain"),
            ("SimdBase64", "simd-b64"),
            ("LanesMac", "lanes"),
            ("ThreadLocalScratch", "tls-scratch"),
            ("RayonExecute", "parallel"),
        ] {
            assert_eq!(ACTIVE_BACKENDS.contains(&feature), engine.contains(backend), "{feature} in {engine}");
        }
    }
}
