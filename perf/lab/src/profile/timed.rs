//! Timing of stages instead of sampling: the same tokens through ever more of the verifier, and what each stage adds.
//!
//! It is a cross-check of the samples. Nothing is charged to the wrong function here; but the stages are put together
//! by hand from the variant's own backends, so the compiler may inline them in other ways than it does in the engine.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, ensure};
use fairbench::measure::interval::MedianInterval;
use ron_auth_catalogue::{
    Base64Choice, ClassicDecode, DecodeChoice, HasherMac, MacChoice, ScratchChoice, Seams, Variant,
};
use ron_auth_core::chain::Tag;
use ron_auth_core::seam::{Base64, Decode, Mac};
use ron_auth_core::view::TokenView;
use ron_auth_core::{AuthError, Decision, KeyName, MacKeyProvider};
use ron_auth_fixtures::Corpus;
use ron_auth_variants::base64::{ScalarBase64, SimdBase64};
use ron_auth_variants::decode::{CiboriumDecode, SerdeCborDecode, ZeroCopyDecode};
use ron_auth_variants::mac::lanes::SimdLevel;
use ron_auth_variants::mac::{LanesMac, SerialMac};

use super::measure::workload;
use crate::catalogue::workload::tokens_per_pass;
use crate::corpus::Source;
use crate::own::pool::on_one_core;
use crate::rounds::subject::{Clock, InProcess, Subject, Work};
use crate::rounds::{Rounds, RoundsEffort, measure};

/// Names of the steps: what each adds to the one before it.
const STEPS: [&str; 4] = ["base64", "decode", "key and mac", "evaluate, results and the rest"];

/// The time that a stage adds to a token.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedStage {
    /// Name of the stage or stages.
    pub stage: &'static str,
    /// Time per token in nanoseconds, with its 95 % interval. It is the difference of two times of the same round, so a
    /// stage that takes next to nothing may come out below 0.
    pub ns_per_token: MedianInterval,
}

/// Times the stages of a variant on single tokens, in turns, on one core. Rounds of one process are not independent:
/// the interval is the noise of this process and does not cover how another one would be laid out in memory.
///
/// # Errors
/// The stages do not come to the verifier's own decisions; too few rounds for an interval, as after an interruption.
pub fn timed(
    variant: &Variant,
    source: &Source,
    effort: RoundsEffort,
    interrupted: &(dyn Fn() -> bool + Sync),
    progress: &mut (dyn FnMut(f64) + Send),
) -> anyhow::Result<Vec<TimedStage>> {
    let corpus = Arc::new(source.corpus(tokens_per_pass(1)));
    let work = || -> anyhow::Result<Rounds> {
        let whole = workload(variant, source, 1);
        let authentic = whole.results().iter().filter(|result| is_authentic(result)).count();
        let mut subjects = by_decoder(&variant.seams, &corpus, authentic)?;
        subjects.push(Box::new(InProcess::new(whole, Clock::ThreadCpu)));
        measure(&mut subjects, effort, 1, &interrupted, progress)
    };
    let rounds = on_one_core(work)?.1?;
    let stage = |(step, stage)| {
        let before: &[f64] = if step == 0 { &[] } else { rounds.of(step - 1) };
        let added: Vec<f64> = rounds
            .of(step)
            .iter()
            .enumerate()
            .map(|(round, pass_ns)| (pass_ns - before.get(round).unwrap_or(&0.0)) / corpus.tokens.len() as f64)
            .collect();
        let ns_per_token = MedianInterval::of(&added, 0.025)
            .with_context(|| format!("stages of {}: {} rounds are too few", variant.name, rounds.len()))?;
        Ok(TimedStage { stage, ns_per_token })
    };
    STEPS.into_iter().enumerate().map(stage).collect()
}

/// Whether a token got as far as its caveats.
const fn is_authentic(result: &Result<Decision, AuthError>) -> bool {
    matches!(result, Ok(_) | Err(AuthError::Expired | AuthError::NotYetValid))
}

type Subjects = Vec<Box<dyn Subject>>;

fn by_decoder(seams: &Seams, corpus: &Arc<Corpus>, authentic: usize) -> anyhow::Result<Subjects> {
    match seams.decode {
        DecodeChoice::SerdeCbor => by_mac(SerdeCborDecode, seams, corpus, authentic),
        DecodeChoice::Ciborium => by_mac(CiboriumDecode, seams, corpus, authentic),
        DecodeChoice::Classic => by_mac(ClassicDecode, seams, corpus, authentic),
        DecodeChoice::ZeroCopy => by_mac(ZeroCopyDecode, seams, corpus, authentic),
    }
}

fn by_mac(
    decode: impl Decode + Copy,
    seams: &Seams,
    corpus: &Arc<Corpus>,
    authentic: usize,
) -> anyhow::Result<Subjects> {
    match seams.mac {
        MacChoice::Serial => subjects(decode, SerialMac, seams, corpus, authentic),
        MacChoice::Hasher => subjects(decode, HasherMac, seams, corpus, authentic),
        MacChoice::LanesAvx2 => subjects(decode, LanesMac::with_max(SimdLevel::Avx2), seams, corpus, authentic),
        MacChoice::Lanes => subjects(decode, LanesMac::default(), seams, corpus, authentic),
    }
}

fn subjects<D: Decode + Copy, M: Mac + Copy>(
    decode: D,
    mac: M,
    seams: &Seams,
    corpus: &Arc<Corpus>,
    authentic: usize,
) -> anyhow::Result<Subjects> {
    let base64: fn() -> Box<dyn Base64> = match seams.base64 {
        Base64Choice::Scalar => || Box::new(ScalarBase64),
        Base64Choice::Simd => || Box::new(SimdBase64),
    };
    let until = |last: Last| Stages {
        base64: base64(),
        decode,
        mac,
        last,
        keeps_memory: seams.scratch == ScratchChoice::ThreadLocal,
        corpus: corpus.clone(),
        cbor: Vec::new(),
        arena: D::Arena::default(),
    };
    let found = until(Last::Mac).authentic();
    ensure!(found == authentic, "stages find {found} authentic tokens where the verifier finds {authentic}");
    let subject = |last| Box::new(InProcess::new(until(last), Clock::ThreadCpu)) as Box<dyn Subject>;
    Ok([Last::Base64, Last::Decode, Last::Mac].map(subject).into())
}

/// The last stage that is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Base64,
    Decode,
    Mac,
}

/// A verifier that stops early.
struct Stages<D: Decode, M> {
    base64: Box<dyn Base64>,
    decode: D,
    mac: M,
    last: Last,
    /// Whether memory is kept from one token to the next.
    keeps_memory: bool,
    corpus: Arc<Corpus>,
    cbor: Vec<u8>,
    arena: D::Arena,
}

impl<D: Decode, M: Mac> Work for Stages<D, M> {
    fn pass(&mut self) {
        let _ = black_box(self.authentic());
    }
}

impl<D: Decode, M: Mac> Stages<D, M> {
    /// Number of tokens with the right MAC; 0 if that stage is not run.
    fn authentic(&mut self) -> usize {
        let corpus = self.corpus.clone();
        corpus.tokens.iter().filter(|text| black_box(self.one(text, &corpus)) == Some(true)).count()
    }

    /// Whether a token has the right MAC; `None` if that stage is not reached.
    fn one(&mut self, text: &str, corpus: &Corpus) -> Option<bool> {
        if self.keeps_memory {
            self.cbor.clear();
            D::clear(&mut self.arena);
        } else {
            (self.cbor, self.arena) = (Vec::new(), D::Arena::default());
        }
        if text.len() > corpus.config.max_token_bytes.saturating_mul(4).div_ceil(3) {
            return None;
        }
        self.base64.decode(text.as_bytes(), &mut self.cbor).ok()?;
        if self.last == Last::Base64 {
            return None;
        }
        let token = self.decode.decode(&self.cbor, corpus.config.max_caveats, &mut self.arena).ok()?;
        let token = black_box(token);
        if self.last == Last::Decode {
            return None;
        }
        let view = D::view(&token, &self.cbor, &self.arena);
        let key = corpus.keys.key_for(KeyName { tid: view.tid().as_str(), kid: view.kid().as_str() })?;
        Some(self.mac.tag(&key, view) == Tag::from_bytes(*view.mac()?))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ron_auth_catalogue::{catalogue, find};

    use super::*;

    const EFFORT: RoundsEffort = RoundsEffort { min_rounds: 6, max_rounds: 6, budget: Duration::from_secs(60) };

    #[test]
    fn every_variant_has_stages_that_authenticate_what_it_does() {
        for variant in catalogue().into_iter().chain([ron_auth_catalogue::classic()]) {
            let stages = timed(&variant, &"mixed".parse().unwrap(), EFFORT, &|| false, &mut |_| {}).unwrap();
            assert_eq!(stages.iter().map(|stage| stage.stage).collect::<Vec<_>>(), STEPS, "{}", variant.name);
            for stage in stages.iter().take(3) {
                assert!(stage.ns_per_token.median > 0.0, "{}: {stages:?}", variant.name);
            }
        }
    }

    #[test]
    fn stages_that_do_not_decide_as_the_verifier_does_are_not_timed() {
        let corpus = Arc::new("light".parse::<Source>().unwrap().corpus(8));
        let seams = find("prod").unwrap().seams;
        assert!(by_decoder(&seams, &corpus, 8).is_ok());
        let error = by_decoder(&seams, &corpus, 7).map(drop).unwrap_err().to_string();
        assert_eq!(error, "stages find 8 authentic tokens where the verifier finds 7");
    }

    #[test]
    fn an_interruption_leaves_too_few_rounds() {
        let error =
            timed(&find("prod").unwrap(), &"light".parse().unwrap(), EFFORT, &|| true, &mut |_| {}).unwrap_err();
        assert_eq!(error.to_string(), "stages of prod: 0 rounds are too few");
    }
}
