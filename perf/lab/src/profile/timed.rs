//! Timing of stages instead of sampling: the same tokens through ever more of the verifier, and what each stage adds.
//!
//! It is a cross-check of the samples. Nothing is charged to the wrong function here; but the stages are put together
//! by hand from the variant's own backends, so the compiler may inline them in other ways than it does in the engine.
//! Each is a probe of its own (`perf-lab probe --variant NAME --stages CORPUS`), and they take turns in blocks like
//! everything else.

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fairbench::compare::group::{Arm, Effort};
use fairbench::compare::panel::{Enough, PanelBlocks};
use fairbench::compare::runner::CaseInfo;
use fairbench::measure::interval::{ERROR_PER_SIDE, MedianInterval};
use fairbench::probe::Lineup;
use fairbench_probe::clock::Clock;
use fairbench_probe::protocol::Case;
use fairbench_probe::serve::{Job, Suite};
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

use crate::catalogue::Knobs;
use crate::catalogue::workload::{Workload, first_difference_of, tokens_per_pass};
use crate::corpus::Source;
use crate::own::own_program;

/// Names of the steps: what each adds to the one before it. The last step is the verifier itself.
const STEPS: [&str; 4] = ["base64", "decode", "key and mac", "evaluate, results and the rest"];
const EFFORT: Effort = Effort { turn_ns: 300_000.0, rounds: 5 };
const MOST_BLOCKS: usize = 100;

/// The time that a stage adds to a token.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedStage {
    /// Name of the stage or stages.
    pub stage: &'static str,
    /// Time per token in nanoseconds, with its 95 % interval over blocks. It is the difference of two times of the same
    /// block, so a stage that takes next to nothing may come out below 0.
    pub ns_per_token: MedianInterval,
}

/// Times the stages of a variant on single tokens, in blocks of fresh processes, for about `budget`.
///
/// # Errors
/// The stages do not come to the verifier's own decisions; a process fails; an interruption.
pub fn timed(
    variant: &Variant,
    source: &Source,
    budget: Duration,
    interrupted: &dyn Fn() -> bool,
) -> anyhow::Result<Vec<TimedStage>> {
    let mut command = own_program(variant.name)?.args(["probe", "--variant", variant.name, "--stages"]);
    command.args.push(source.to_string().into());
    let arm = |(process, step): (usize, &&str)| Arm { process, case: case(step) };
    let arms: Vec<Arm> = STEPS.iter().enumerate().map(arm).collect();
    let lineup = Lineup { processes: vec![command; arms.len()], groups: vec![arms] };
    // However narrow an interval is: the time is there to be used.
    let enough = Enough { most: MOST_BLOCKS, precision: 0.0, budget };
    let found = lineup.measure(EFFORT, enough, interrupted)?;
    (0..STEPS.len()).map(|step| added(step, &found)).collect()
}

fn case(step: &str) -> CaseInfo {
    CaseInfo { name: step.to_owned(), threads: 1, items_per_iteration: tokens_per_pass(1) as u64 }
}

/// The time that a step takes beyond the one before it, in the same block.
fn added(step: usize, found: &PanelBlocks) -> anyhow::Result<TimedStage> {
    let times = |step: usize| found.arm(0, step).map(|arm| &arm.ns_per_item[..]);
    let before = step.checked_sub(1).and_then(times).unwrap_or_default();
    let own = times(step).unwrap_or_default().iter().enumerate();
    let added: Vec<f64> = own.map(|(block, ns)| ns - before.get(block).unwrap_or(&0.0)).collect();
    let ns_per_token = MedianInterval::of(&added, ERROR_PER_SIDE).context("too few blocks for an interval")?;
    Ok(TimedStage { stage: STEPS.get(step).copied().unwrap_or_default(), ns_per_token })
}

/// A suite whose cases are the steps of a variant.
pub struct StageSuite {
    variant: Variant,
    corpus: Arc<Corpus>,
}

impl StageSuite {
    /// Makes a suite of a variant's steps on tokens of this kind.
    #[must_use]
    pub fn new(variant: Variant, source: &Source) -> Self {
        Self { variant, corpus: Arc::new(source.corpus(tokens_per_pass(1))) }
    }

    fn whole(&self) -> Workload {
        Workload::new(&self.variant, self.corpus.clone(), 1, Knobs::defaults(1))
    }
}

impl Suite for StageSuite {
    fn cases(&self, _: usize) -> Vec<Case> {
        let tokens = self.corpus.tokens.len() as u64;
        STEPS.iter().map(|step| Case::on_one_thread(*step, tokens, "token")).collect()
    }

    fn prepare(&self, name: &str, _: usize) -> Option<Box<dyn Job>> {
        let last = match STEPS.iter().position(|step| *step == name)? {
            0 => Last::Base64,
            1 => Last::Decode,
            2 => Last::Mac,
            _ => {
                return Some(Box::new(Whole {
                    variant: self.variant,
                    workload: self.whole(),
                    corpus: self.corpus.clone(),
                }));
            }
        };
        let authentic = self.whole().results().iter().filter(|result| is_authentic(result)).count();
        let until = |last| by_decoder(&self.variant.seams, &self.corpus, last);
        Some(Box::new(Staged { until: until(last), until_mac: until(Last::Mac), authentic }))
    }
}

/// The verifier itself as a case.
struct Whole {
    variant: Variant,
    workload: Workload,
    corpus: Arc<Corpus>,
}

impl Job for Whole {
    fn check(&mut self) -> Result<u64, String> {
        let results = self.workload.results();
        match first_difference_of(&self.variant, &self.corpus.intended, &results) {
            None => Ok(results.len() as u64),
            Some(different) => {
                let (token, expected, got) = (different.token, different.expected, different.got);
                Err(format!("token {token}: expected {expected}, got {got}"))
            }
        }
    }

    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        let passes = (iterations as f64 * work_factor).round() as u64;
        Clock::ThreadCpu.time(|| (0..passes).for_each(|_| self.workload.pass()))
    }
}

/// The first stages of a verifier as a case.
struct Staged {
    until: Box<dyn Authenticate>,
    /// All stages up to the MAC, which show whether they decide as the verifier does.
    until_mac: Box<dyn Authenticate>,
    /// Number of tokens that the verifier finds authentic.
    authentic: usize,
}

impl Job for Staged {
    fn check(&mut self) -> Result<u64, String> {
        let (found, authentic) = (self.until_mac.authentic(), self.authentic);
        if found == authentic {
            return Ok(found as u64);
        }
        Err(format!("stages find {found} authentic tokens where the verifier finds {authentic}"))
    }

    fn run(&mut self, iterations: u64, work_factor: f64) -> io::Result<Duration> {
        let passes = (iterations as f64 * work_factor).round() as u64;
        Clock::ThreadCpu.time(|| {
            for _ in 0..passes {
                let _ = black_box(self.until.authentic());
            }
        })
    }
}

/// Whether a token got as far as its caveats.
const fn is_authentic(result: &Result<Decision, AuthError>) -> bool {
    matches!(result, Ok(_) | Err(AuthError::Expired | AuthError::NotYetValid))
}

/// Stages that are run over all tokens.
trait Authenticate {
    /// Number of tokens with the right MAC; 0 if that stage is not run.
    fn authentic(&mut self) -> usize;
}

fn by_decoder(seams: &Seams, corpus: &Arc<Corpus>, last: Last) -> Box<dyn Authenticate> {
    match seams.decode {
        DecodeChoice::SerdeCbor => by_mac(SerdeCborDecode, seams, corpus, last),
        DecodeChoice::Ciborium => by_mac(CiboriumDecode, seams, corpus, last),
        DecodeChoice::Classic => by_mac(ClassicDecode, seams, corpus, last),
        DecodeChoice::ZeroCopy => by_mac(ZeroCopyDecode, seams, corpus, last),
    }
}

fn by_mac(decode: impl Decode, seams: &Seams, corpus: &Arc<Corpus>, last: Last) -> Box<dyn Authenticate> {
    match seams.mac {
        MacChoice::Serial => stages(decode, SerialMac, seams, corpus, last),
        MacChoice::Hasher => stages(decode, HasherMac, seams, corpus, last),
        MacChoice::LanesAvx2 => stages(decode, LanesMac::with_max(SimdLevel::Avx2), seams, corpus, last),
        MacChoice::Lanes => stages(decode, LanesMac::default(), seams, corpus, last),
    }
}

fn stages<D: Decode>(
    decode: D,
    mac: impl Mac,
    seams: &Seams,
    corpus: &Arc<Corpus>,
    last: Last,
) -> Box<dyn Authenticate> {
    let base64: Box<dyn Base64> = match seams.base64 {
        Base64Choice::Scalar => Box::new(ScalarBase64),
        Base64Choice::Simd => Box::new(SimdBase64),
    };
    Box::new(Stages {
        base64,
        decode,
        mac,
        last,
        keeps_memory: seams.scratch == ScratchChoice::ThreadLocal,
        corpus: corpus.clone(),
        cbor: Vec::new(),
        arena: D::Arena::default(),
    })
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

impl<D: Decode, M: Mac> Authenticate for Stages<D, M> {
    fn authentic(&mut self) -> usize {
        let corpus = self.corpus.clone();
        corpus.tokens.iter().filter(|text| black_box(self.one(text, &corpus)) == Some(true)).count()
    }
}

impl<D: Decode, M: Mac> Stages<D, M> {
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
    use fairbench::compare::panel::ArmBlocks;
    use ron_auth_catalogue::{catalogue, find};

    use super::*;

    #[test]
    fn every_variant_has_stages_that_authenticate_what_it_does() {
        for variant in catalogue().into_iter().chain([ron_auth_catalogue::classic()]) {
            let suite = StageSuite::new(variant, &"mixed".parse().unwrap());
            assert_eq!(suite.cases(1).len(), STEPS.len());
            for case in suite.cases(1) {
                let mut job = suite.prepare(&case.name, 1).unwrap();
                assert!(job.check().unwrap() > 0, "{}: {}", variant.name, case.name);
                assert!(job.run(1, 1.0).unwrap() > Duration::ZERO);
            }
            assert!(suite.prepare("another", 1).is_none());
        }
    }

    #[test]
    fn stages_that_do_not_decide_as_the_verifier_does_are_not_timed() {
        let corpus = Arc::new("light".parse::<Source>().unwrap().corpus(8));
        let seams = find("prod").unwrap().seams;
        let until = |last| by_decoder(&seams, &corpus, last);
        let mut job = Staged { until: until(Last::Decode), until_mac: until(Last::Mac), authentic: 7 };
        assert_eq!(job.check().unwrap_err(), "stages find 8 authentic tokens where the verifier finds 7");
        job.authentic = 8;
        assert_eq!(job.check(), Ok(8));
    }

    #[test]
    fn a_stage_is_what_its_step_takes_beyond_the_step_before() {
        let arm = |ns: f64| ArmBlocks { ns_per_item: vec![ns; 6], ..ArmBlocks::default() };
        let found = PanelBlocks { groups: vec![[10.0, 25.0, 75.0, 80.0].map(arm).into()] };
        let stages: Vec<TimedStage> = (0..STEPS.len()).map(|step| added(step, &found).unwrap()).collect();
        assert_eq!(stages.iter().map(|stage| stage.stage).collect::<Vec<_>>(), STEPS);
        assert_eq!(stages.iter().map(|stage| stage.ns_per_token.median).collect::<Vec<_>>(), [10.0, 15.0, 50.0, 5.0]);
        assert!(added(0, &PanelBlocks::default()).is_err());
    }
}
