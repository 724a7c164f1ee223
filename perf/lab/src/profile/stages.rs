//! Which stage of a verification a sample belongs to.
//!
//! A sample belongs to the stage of its *innermost* frame that names one: what `malloc` takes is charged to whoever
//! called it, and what a decoder takes in the middle of anything else is decoding. So inlined functions must be
//! visible: build with line tables (`scripts/flamegraph.sh`).

use std::fmt;

use super::folded::Folded;
use crate::run::record::StageSamples;

/// A stage of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Decoding the text to bytes.
    Base64,
    /// Decoding the bytes to a token, and dropping it.
    Decode,
    /// Looking up the key, and wiping it.
    Key,
    /// Computing the MAC chain, and comparing the tag.
    Mac,
    /// Judging scope and caveats.
    Evaluate,
    /// Making owned decisions, and dropping them, which is the caller's part.
    Results,
    /// The engine itself, which passes tokens on and lends scratch memory; and everything that this build does not
    /// name.
    Other,
}

impl Stage {
    /// All stages, in the order of the work.
    pub const ALL: [Self; 7] =
        [Self::Base64, Self::Decode, Self::Key, Self::Mac, Self::Evaluate, Self::Results, Self::Other];

    /// The name of the stage in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Decode => "decode",
            Self::Key => "key",
            Self::Mac => "mac",
            Self::Evaluate => "evaluate",
            Self::Results => "results",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Texts of which a frame's name must hold one to name a stage; the first line that fits counts. `None` marks a
/// function that works for its caller.
const STAGES: &[(&str, Option<Stage>)] = &[
    // Reading a token's fields where they lie: the MAC's work or the evaluation's.
    ("as ron_auth_core::view::TokenView>", None),
    ("minicbor_zerocopy::view::", None),
    // What is dropped: a decision, a decoded token, scratch memory with whatever it holds.
    ("drop_in_place<ron_auth_core::engine::stages::Scratch", Some(Stage::Other)),
    ("ron_auth_core::engine::stages::Placed<ron_auth_variants::decode::owned::view::OwnedToken", Some(Stage::Decode)),
    ("drop_in_place<ron_auth_variants::decode::owned::view::OwnedToken", Some(Stage::Decode)),
    ("decode::owned::view::", None),
    ("ron_auth_core::decision::", Some(Stage::Results)),
    // The backends, and the crates that they stand on.
    ("ron_auth_variants::base64::", Some(Stage::Base64)),
    ("base64::engine::", Some(Stage::Base64)),
    ("base64_simd::", Some(Stage::Base64)),
    ("vsimd::", Some(Stage::Base64)),
    ("ron_auth_variants::decode::", Some(Stage::Decode)),
    ("ron_auth_catalogue::classic::decode::", Some(Stage::Decode)),
    ("serde_cbor::", Some(Stage::Decode)),
    ("ciborium", Some(Stage::Decode)),
    ("minicbor::", Some(Stage::Decode)),
    ("serde::", Some(Stage::Decode)),
    ("serde_core::", Some(Stage::Decode)),
    ("ron_auth_core::key::", Some(Stage::Key)),
    ("stages::key_of", Some(Stage::Key)),
    ("ron_auth_variants::mac::", Some(Stage::Mac)),
    ("ron_auth_catalogue::classic::mac::", Some(Stage::Mac)),
    ("ron_auth_core::chain::", Some(Stage::Mac)),
    ("blake3", Some(Stage::Mac)),
    ("fearless_simd::", Some(Stage::Mac)),
    ("constant_time_eq::", Some(Stage::Mac)),
    ("stages::check_tag", Some(Stage::Mac)),
    ("ron_auth_core::semantics::", Some(Stage::Evaluate)),
    // The engine. What its batch function does itself is making room for the results.
    ("engine::owned", Some(Stage::Results)),
    ("ron_auth_core::engine::stages::", Some(Stage::Other)),
    ("ron_auth_core::seam::mac::", Some(Stage::Mac)),
    ("ron_auth_core::seam::", Some(Stage::Other)),
    ("ron_auth_variants::execute::", Some(Stage::Other)),
    ("ron_auth_variants::scratch::", Some(Stage::Other)),
    ("verify_each", Some(Stage::Results)),
    ("ron_auth_core::engine::", Some(Stage::Other)),
    ("ron_auth_catalogue::", Some(Stage::Other)),
    // The caller: it does nothing but drop the results.
    ("perf_lab::catalogue::workload::", Some(Stage::Results)),
];

/// The stage of a stack, with frames from the outermost in, and the index of the outermost frame from which on no other
/// stage is named.
#[must_use]
pub fn stage_of(frames: &[&str]) -> (Stage, usize) {
    let Some((innermost, stage)) = frames.iter().enumerate().rev().find_map(|(at, frame)| Some((at, named_by(frame)?)))
    else {
        return (Stage::Other, 0);
    };
    let outer = frames.get(..innermost).unwrap_or_default().iter().enumerate().rev();
    let own = outer.filter_map(|(at, frame)| Some((at, named_by(frame)?))).take_while(|(_, other)| *other == stage);
    (stage, own.last().map_or(innermost, |(at, _)| at))
}

fn named_by(frame: &str) -> Option<Stage> {
    STAGES.iter().find(|(needle, _)| frame.contains(needle)).and_then(|(_, stage)| *stage)
}

/// Number of samples in each stage, largest first; stages without samples are left out.
#[must_use]
pub fn stages(folded: &Folded) -> Vec<StageSamples> {
    let mut counts = Stage::ALL.map(|stage| (stage, 0_u64));
    for (frames, samples) in folded.stacks() {
        let stage = stage_of(&frames).0;
        for (_, count) in counts.iter_mut().filter(|(counted, _)| *counted == stage) {
            *count += samples;
        }
    }
    counts.sort_by_key(|(_, samples)| std::cmp::Reverse(*samples));
    let some = counts.into_iter().filter(|(_, samples)| *samples > 0);
    some.map(|(stage, samples)| StageSamples { stage: stage.name().to_owned(), samples }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASS: &str = "perf_lab::catalogue::workload::Workload::pass";
    const VERIFY_TOKEN: &str =
        "<ron_auth_catalogue::verifier::Boxed<B,D,M,X,S> as ron_auth_catalogue::verifier::Verifier>::verify_token";
    const VERIFY_EACH: &str =
        "<ron_auth_catalogue::verifier::Boxed<B,D,M,X,S> as ron_auth_catalogue::verifier::Verifier>::verify_each";
    const CHUNK: &str = "ron_auth_core::engine::stages::<impl ron_auth_core::engine::Engine<B,D,M,X,S>>::chunk";
    const SERDE_CBOR: &str =
        "<ron_auth_variants::decode::serde_cbor::SerdeCborDecode as ron_auth_core::seam::decode::Decode>::decode";

    #[test]
    fn a_sample_belongs_to_its_innermost_frame_that_names_a_stage() {
        for (stage, from, stack) in [
            // As an optimised build shows them, where most is inlined.
            (
                Stage::Base64,
                1,
                &[
                    VERIFY_TOKEN,
                    "<ron_auth_variants::base64::scalar::ScalarBase64 as ron_auth_core::seam::base64::Base64>::decode",
                    "<base64::engine::general_purpose::GeneralPurpose as base64::engine::Engine>::internal_decode",
                    "base64::engine::general_purpose::decode::decode_complete_quads",
                ][..],
            ),
            (
                Stage::Base64,
                2,
                &[
                    PASS,
                    CHUNK,
                    "<ron_auth_variants::base64::simd::SimdBase64 as ron_auth_core::seam::base64::Base64>::decode",
                    "base64_simd::multiversion::decode::avx2",
                ],
            ),
            (
                Stage::Decode,
                1,
                &[
                    VERIFY_TOKEN,
                    SERDE_CBOR,
                    "<alloc::vec::Vec<u8> as serde_cbor::write::Write>::write_all",
                    "alloc::raw_vec::RawVecInner<A>::reserve::do_reserve_and_handle",
                    "do_rallocx",
                    "_rjem_je_arena_ralloc",
                    "Unknown",
                ],
            ),
            (
                Stage::Key,
                1,
                &[CHUNK, "<ron_auth_core::key::ring::KeyRing as ron_auth_core::key::MacKeyProvider>::key_for"],
            ),
            (
                Stage::Key,
                1,
                &[
                    CHUNK,
                    "ron_auth_core::engine::stages::key_of",
                    "<ron_auth_core::key::ring::KeyRing as ron_auth_core::key::MacKeyProvider>::key_for",
                    "hashbrown::map::make_hash",
                    "foldhash::hash_bytes_short",
                ],
            ),
            (Stage::Mac, 1, &[VERIFY_TOKEN, "ron_auth_core::chain::step", "blake3::ChunkState::update"]),
            (
                Stage::Mac,
                1,
                &[
                    CHUNK,
                    "<fearless_simd::generated::avx512::Avx512 as fearless_simd::generated::simd_trait::Simd>::vectorize::vectorize_avx512",
                    "ron_auth_variants::mac::lanes::schedule::Schedule<C,J>::refill",
                    "__memcpy_avx512_unaligned_erms",
                ],
            ),
            (
                Stage::Mac,
                1,
                &[CHUNK, "ron_auth_core::engine::stages::check_tag", "constant_time_eq::constant_time_eq_32"],
            ),
            (
                Stage::Evaluate,
                1,
                &[
                    CHUNK,
                    "ron_auth_core::semantics::verdict",
                    "ron_auth_core::semantics::streaming::evaluate_streaming::{{closure}}",
                    "<&ron_auth_variants::decode::owned::view::OwnedToken as ron_auth_core::view::TokenView>::caveat",
                    "core::option::Option<T>::map",
                ],
            ),
            (
                Stage::Results,
                1,
                &[
                    VERIFY_TOKEN,
                    "ron_auth_core::decision::Verdict::to_decision",
                    "ron_auth_core::view::ScopeView::to_scope",
                    "_rjem_malloc",
                ],
            ),
            (Stage::Results, 0, &[PASS, "_rjem_sdallocx"]),
            (
                Stage::Results,
                0,
                &[
                    PASS,
                    "core::ptr::drop_in_place<core::result::Result<ron_auth_core::decision::Decision,ron_auth_core::error::AuthError>>",
                    "_rjem_sdallocx",
                ],
            ),
            (Stage::Results, 0, &[VERIFY_EACH, "<T as alloc::vec::spec_from_elem::SpecFromElem>::from_elem"]),
            (Stage::Other, 1, &[PASS, CHUNK, "__memcpy_avx512_unaligned_erms"]),
            (Stage::Other, 1, &[VERIFY_EACH, "ron_auth_core::engine::Engine<B,D,M,X,S>::batch::{{closure}}"]),
            (Stage::Other, 0, &["__clone3", "rayon_core::registry::main_loop"]),
        ] {
            assert_eq!(stage_of(stack), (stage, from), "{stack:#?}");
        }
    }

    #[test]
    fn reading_a_token_where_it_lies_is_the_work_of_who_reads_it() {
        let view = "<ron_auth_variants::decode::minicbor_zerocopy::view::SpanView as ron_auth_core::view::TokenView>::caveat_item";
        let span = "ron_auth_variants::decode::minicbor_zerocopy::view::Span::item";
        assert_eq!(stage_of(&[CHUNK, "ron_auth_variants::mac::lanes::one::tag", view, span]).0, Stage::Mac);
        assert_eq!(stage_of(&[CHUNK, "ron_auth_core::semantics::verdict", view, span]).0, Stage::Evaluate);
        assert_eq!(stage_of(&[CHUNK, view, span]).0, Stage::Other);
    }

    #[test]
    fn dropping_a_token_is_decoding_and_dropping_the_scratch_around_it_is_not() {
        let scratch = "core::ptr::drop_in_place<ron_auth_core::engine::stages::Scratch<ron_auth_variants::decode::serde_cbor::SerdeCborDecode>>";
        let token = "core::ptr::drop_in_place<ron_auth_core::engine::stages::Placed<ron_auth_variants::decode::owned::view::OwnedToken>>";
        let caveat = "core::ptr::drop_in_place<ron_auth_core::capability::Caveat>";
        assert_eq!(stage_of(&[VERIFY_TOKEN, scratch, "_rjem_sdallocx"]), (Stage::Other, 0));
        assert_eq!(stage_of(&[VERIFY_TOKEN, scratch, token, caveat, "_rjem_sdallocx"]), (Stage::Decode, 2));
    }

    #[test]
    fn stages_are_listed_largest_first() {
        let mut folded = Folded::default();
        folded.add(&[VERIFY_TOKEN, "blake3::hash"], 5);
        folded.add(&[VERIFY_TOKEN, SERDE_CBOR], 20);
        folded.add(&[VERIFY_TOKEN, "blake3::hash_many"], 7);
        let found: Vec<(String, u64)> = stages(&folded).into_iter().map(|found| (found.stage, found.samples)).collect();
        assert_eq!(found, [("decode".to_owned(), 20), ("mac".to_owned(), 12)]);
    }
}
