//! Backends that are picked at run time, by a branch that always goes the same way.
//!
//! Thirty-two compositions, each compiled by itself, would take minutes to build and each lie somewhere else in the
//! program. What these branches cost is measured: `plain` and `prod` exist both ways and are arms of the same groups of every
//! quick sweep. Time picked / time compiled in: 0.98 to 1.01 for `plain` in twelve groups, 0.95 to 1.02 for `prod` in six
//! (`cargo lab sweep --quick`, 2-core EPYC, 2026-11): the sign varies, as with the place of code.

use ron_auth_core::chain::Tag;
use ron_auth_core::seam::{Base64, Decode, Execute, Mac, Reuse, ScratchPolicy};
use ron_auth_core::view::TokenView;
use ron_auth_core::{Engine, MacKey, Malformed, Verifier};

use super::Seams;
use crate::{base64::*, decode::*, execute::*, mac::*, scratch::*};

/// A verifier with these backends.
pub(super) fn build(seams: &Seams) -> Box<dyn Verifier> {
    match seams.decode {
        "serde_cbor" => engine(seams, SerdeCborDecode),
        _ => engine(seams, ZeroCopyDecode),
    }
}

fn engine(seams: &Seams, decode: impl Decode + Clone + 'static) -> Box<dyn Verifier> {
    let base64 = if seams.base64 == "scalar" { AnyBase64::Scalar } else { AnyBase64::Simd };
    let mac = if seams.mac == "serial" { AnyMac::Serial } else { AnyMac::Lanes(LanesMac::default()) };
    let execute = if seams.execute == "sequential" { AnyExecute::Sequential } else { AnyExecute::Rayon };
    let scratch = if seams.scratch == "per-call" { AnyScratch::PerCall } else { AnyScratch::ThreadLocal };
    Box::new(Engine::new(base64, decode, mac, execute, scratch))
}

#[derive(Clone, Copy)]
enum AnyBase64 {
    Scalar,
    Simd,
}

impl Base64 for AnyBase64 {
    #[inline]
    fn decode(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self {
            Self::Scalar => ScalarBase64.decode(text, out),
            Self::Simd => SimdBase64.decode(text, out),
        }
    }
}

#[derive(Clone, Copy)]
enum AnyMac {
    Serial,
    Lanes(LanesMac),
}

impl Mac for AnyMac {
    #[inline]
    fn tag<'a, V: TokenView<'a>>(&self, key: &MacKey, token: V) -> Tag {
        match self {
            Self::Serial => SerialMac.tag(key, token),
            Self::Lanes(lanes) => lanes.tag(key, token),
        }
    }

    #[inline]
    fn tags<'a, V: TokenView<'a>>(&self, job: impl Fn(usize) -> Option<(&'a MacKey, V)>, tags: &mut [Option<Tag>]) {
        match self {
            Self::Serial => SerialMac.tags(job, tags),
            Self::Lanes(lanes) => lanes.tags(job, tags),
        }
    }
}

#[derive(Clone, Copy)]
enum AnyExecute {
    Sequential,
    Rayon,
}

impl Execute for AnyExecute {
    #[inline]
    fn try_chunks<T, E, F>(&self, out: &mut [T], chunk_len: usize, spread: bool, work: F) -> Result<(), E>
    where
        T: Send,
        E: Send,
        F: Fn(usize, &mut [T]) -> Result<(), E> + Sync,
    {
        match self {
            Self::Sequential => SequentialExecute.try_chunks(out, chunk_len, spread, work),
            Self::Rayon => RayonExecute.try_chunks(out, chunk_len, spread, work),
        }
    }
}

#[derive(Clone, Copy)]
enum AnyScratch {
    PerCall,
    ThreadLocal,
}

impl ScratchPolicy for AnyScratch {
    #[inline]
    fn with<S: Reuse, R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        match self {
            Self::PerCall => PerCallScratch.with(work),
            Self::ThreadLocal => ThreadLocalScratch.with(work),
        }
    }
}
