//! Every verifier of this machine: the catalogue, all compositions, and lanes at every level of the processor.

use ron_auth_catalogue::{Verifier, boxed, catalogue, compositions};
use ron_auth_variants::base64::SimdBase64;
use ron_auth_variants::decode::ZeroCopyDecode;
use ron_auth_variants::execute::SequentialExecute;
use ron_auth_variants::mac::LanesMac;
use ron_auth_variants::mac::lanes::SimdLevel;
use ron_auth_variants::scratch::ThreadLocalScratch;

/// A verifier with its name.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) engine: Box<dyn Verifier>,
}

const LEVELS: [SimdLevel; 6] =
    [SimdLevel::Serial, SimdLevel::Sse2, SimdLevel::Sse42, SimdLevel::Neon, SimdLevel::Avx2, SimdLevel::Avx512];

/// All, `plain` first. The parallel ones stay on one thread: `par_min_batch` says so.
pub(crate) fn verifiers() -> Vec<Named> {
    let known = catalogue().into_iter().chain(compositions().iter().copied());
    let known = known.map(|variant| Named { name: variant.name.to_owned(), engine: variant.build() });
    let at_levels = LEVELS.into_iter().filter_map(|level| {
        let mac = LanesMac::with_max(level);
        let engine = boxed(SimdBase64, ZeroCopyDecode, mac, SequentialExecute, ThreadLocalScratch);
        (mac.level() == level).then(|| Named { name: format!("lanes at {}", level.name()), engine })
    });
    known.chain(at_levels).collect()
}
