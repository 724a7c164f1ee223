//! Backends that are picked at run time, by a branch that always goes the same way.
//!
//! Thirty-two compositions, each compiled by itself, would take minutes to build and each lie somewhere else in the
//! program. What these branches cost is measured: `plain` and `prod` exist both ways and are arms of the same groups of
//! every quick sweep. Time picked / time compiled in: 0.98 to 1.01 for `plain` in twelve groups, 0.95 to 1.02 for
//! `prod` in six (`cargo lab sweep --quick`, 2-core EPYC, 2026-11): the sign varies, as with the place of code.

use ron_auth_core::chain::Tag;
use ron_auth_core::seam::{Base64, Decode, Execute, Mac, Reuse, ScratchPolicy};
use ron_auth_core::view::TokenView;
use ron_auth_core::{MacKey, Malformed};
use ron_auth_variants::base64::{ScalarBase64, SimdBase64};
use ron_auth_variants::decode::{CiboriumDecode, SerdeCborDecode, ZeroCopyDecode};
use ron_auth_variants::execute::{RayonExecute, SequentialExecute};
use ron_auth_variants::mac::lanes::SimdLevel;
use ron_auth_variants::mac::{LanesMac, SerialMac};
use ron_auth_variants::scratch::{PerCallScratch, ThreadLocalScratch};

use crate::classic::{ClassicDecode, HasherMac};
use crate::seams::{Base64Choice, DecodeChoice, ExecuteChoice, MacChoice, ScratchChoice, Seams};
use crate::verifier::{Verifier, boxed};

/// Builds a verifier with these backends.
pub(crate) fn build(seams: &Seams) -> Box<dyn Verifier> {
    match seams.decode {
        DecodeChoice::SerdeCbor => engine(seams, SerdeCborDecode),
        DecodeChoice::Ciborium => engine(seams, CiboriumDecode),
        DecodeChoice::ZeroCopy => engine(seams, ZeroCopyDecode),
        DecodeChoice::Classic => engine(seams, ClassicDecode),
    }
}

fn engine(seams: &Seams, decode: impl Decode + Clone + 'static) -> Box<dyn Verifier> {
    let mac = match seams.mac {
        MacChoice::Serial => AnyMac::Serial,
        MacChoice::Lanes => AnyMac::Lanes(LanesMac::default()),
        MacChoice::LanesAvx2 => AnyMac::Lanes(LanesMac::with_max(SimdLevel::Avx2)),
        MacChoice::Hasher => AnyMac::Hasher,
    };
    boxed(AnyBase64(seams.base64), decode, mac, AnyExecute(seams.execute), AnyScratch(seams.scratch))
}

#[derive(Clone, Copy)]
struct AnyBase64(Base64Choice);

impl Base64 for AnyBase64 {
    #[inline]
    fn decode(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self.0 {
            Base64Choice::Scalar => ScalarBase64.decode(text, out),
            Base64Choice::Simd => SimdBase64.decode(text, out),
        }
    }
}

#[derive(Clone, Copy)]
enum AnyMac {
    Serial,
    Lanes(LanesMac),
    Hasher,
}

impl Mac for AnyMac {
    #[inline]
    fn tag<'a, V: TokenView<'a>>(&self, key: &MacKey, token: V) -> Tag {
        match self {
            Self::Serial => SerialMac.tag(key, token),
            Self::Lanes(lanes) => lanes.tag(key, token),
            Self::Hasher => HasherMac.tag(key, token),
        }
    }

    #[inline]
    fn tags<'a, V: TokenView<'a>>(&self, job: impl Fn(usize) -> Option<(&'a MacKey, V)>, tags: &mut [Option<Tag>]) {
        match self {
            Self::Serial => SerialMac.tags(job, tags),
            Self::Lanes(lanes) => lanes.tags(job, tags),
            Self::Hasher => HasherMac.tags(job, tags),
        }
    }
}

#[derive(Clone, Copy)]
struct AnyExecute(ExecuteChoice);

impl Execute for AnyExecute {
    #[inline]
    fn try_chunks<T, E, F>(&self, out: &mut [T], chunk_len: usize, spread: bool, work: F) -> Result<(), E>
    where
        T: Send,
        E: Send,
        F: Fn(usize, &mut [T]) -> Result<(), E> + Sync,
    {
        match self.0 {
            ExecuteChoice::Sequential => SequentialExecute.try_chunks(out, chunk_len, spread, work),
            ExecuteChoice::Parallel => RayonExecute.try_chunks(out, chunk_len, spread, work),
        }
    }
}

#[derive(Clone, Copy)]
struct AnyScratch(ScratchChoice);

impl ScratchPolicy for AnyScratch {
    #[inline]
    fn with<S: Reuse, R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        match self.0 {
            ScratchChoice::PerCall => PerCallScratch.with(work),
            ScratchChoice::ThreadLocal => ThreadLocalScratch.with(work),
        }
    }
}
