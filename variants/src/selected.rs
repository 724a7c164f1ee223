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
