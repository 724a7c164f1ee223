//! What the fuzzer would notice: verifiers with a fault, each of which must be found within some thousand inputs, and
//! one without, of which nothing may be.
#![allow(clippy::unwrap_used, reason = "a surprise stops a test")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ron_auth_catalogue::{Verifier, catalogue, find};
use ron_auth_core::{
    AuthError, BatchError, Decision, DenyReason, EvalMode, MacKeyProvider, Malformed, RequestCtx, Scope, Verdict,
    VerifierConfig,
};
use ron_auth_fuzz::check_of;

type Outcome = Result<Decision, AuthError>;

/// Seeds, and what is made of each: more is what libFuzzer is for.
const VARIATIONS: u64 = 40;

/// What goes wrong, in one token or in a batch of results.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// A wrong MAC is as good as a right one.
    MacIgnored,
    /// Another audience is let in, but only in a batch of at least eight.
    AudienceIgnoredInBatches,
    /// Two reasons for a refusal change places.
    ReasonsReversed,
    /// What is not CBOR is called too large.
    WrongError,
    /// The results of two tokens change places.
    ResultsSwapped,
    /// The last token of a batch with an odd length has the result of the first.
    RestNotVerified,
    /// The evaluator that judges by columns forgets the path.
    PathIgnoredByColumns,
    /// A batch that fails names the token after the one at fault.
    WrongIndex,
}

const FAULTS: [Fault; 8] = [
    Fault::MacIgnored,
    Fault::AudienceIgnoredInBatches,
    Fault::ReasonsReversed,
    Fault::WrongError,
    Fault::ResultsSwapped,
    Fault::RestNotVerified,
    Fault::PathIgnoredByColumns,
    Fault::WrongIndex,
];

fn without(reason: &DenyReason, outcome: &mut Outcome) {
    if let Ok(Decision::Deny { reasons, .. }) = outcome
        && reasons.contains(reason)
    {
        reasons.retain(|own| own != reason);
        if reasons.is_empty() {
            *outcome = Ok(allowed());
        }
    }
}

fn allowed() -> Decision {
    Decision::Allow { scope: Scope::default(), obligations: Vec::new() }
}

/// A verifier with a fault, or none.
struct Planted {
    inner: Box<dyn Verifier>,
    fault: Option<Fault>,
    mode: EvalMode,
}

impl Planted {
    fn in_one(&self, mut outcome: Outcome) -> Outcome {
        match self.fault {
            Some(Fault::MacIgnored) if outcome == Err(AuthError::MacMismatch) => return Ok(allowed()),
            Some(Fault::WrongError) if outcome == Err(AuthError::Malformed(Malformed::Cbor)) => {
                return Err(AuthError::Bounds);
            }
            Some(Fault::ReasonsReversed) => {
                if let Ok(Decision::Deny { reasons, .. }) = &mut outcome {
                    reasons.reverse();
                }
            }
            Some(Fault::PathIgnoredByColumns) if self.mode == EvalMode::SoaOnly => {
                without(&DenyReason::PathNotAllowed, &mut outcome);
            }
            _ => {}
        }
        outcome
    }

    fn in_batch(&self, outcomes: Vec<Outcome>) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = outcomes.into_iter().map(|outcome| self.in_one(outcome)).collect();
        match self.fault {
            Some(Fault::AudienceIgnoredInBatches) if outcomes.len() >= 8 => {
                outcomes.iter_mut().for_each(|outcome| without(&DenyReason::BadAudience, outcome));
            }
            Some(Fault::ResultsSwapped) if outcomes.len() > 1 => outcomes.swap(0, 1),
            Some(Fault::RestNotVerified) if outcomes.len() % 2 == 1 => {
                let first = outcomes[0].clone();
                *outcomes.last_mut().unwrap() = first;
            }
            _ => {}
        }
        outcomes
    }
}

impl Verifier for Planted {
    fn with_mode(&self, mode: EvalMode) -> Box<dyn Verifier> {
        Box::new(Self { inner: self.inner.with_mode(mode), fault: self.fault, mode })
    }

    fn verify_token(
        &self,
        config: &VerifierConfig,
        token: &str,
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Outcome {
        self.in_one(self.inner.verify_token(config, token, ctx, keys))
    }

    fn verify_each(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Outcome> {
        self.in_batch(self.inner.verify_each(config, tokens, ctx, keys))
    }

    fn verify_each_request(
        &self,
        config: &VerifierConfig,
        items: &[(String, RequestCtx<'_>)],
        keys: &(dyn MacKeyProvider + Sync),
    ) -> Vec<Outcome> {
        self.in_batch(self.inner.verify_each_request(config, items, keys))
    }

    fn verify_many_into(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        out: &mut Vec<Decision>,
    ) -> Result<(), BatchError> {
        out.clear();
        for (index, outcome) in self.in_batch(self.inner.verify_each(config, tokens, ctx, keys)).into_iter().enumerate()
        {
            match outcome {
                Ok(decision) => out.push(decision),
                Err(error) => {
                    out.clear();
                    let index = if matches!(self.fault, Some(Fault::WrongIndex)) { index + 1 } else { index };
                    return Err(BatchError { index, error });
                }
            }
        }
        Ok(())
    }

    fn verify_each_borrowed(
        &self,
        config: &VerifierConfig,
        tokens: &[String],
        ctx: &RequestCtx<'_>,
        keys: &(dyn MacKeyProvider + Sync),
        sink: &mut dyn FnMut(usize, Result<Verdict<'_>, AuthError>),
    ) {
        // A verdict can't be made here, so this function stays without a fault.
        self.inner.verify_each_borrowed(config, tokens, ctx, keys, sink);
    }
}

/// Seeds of the fuzzer, and variations of each.
fn inputs() -> Vec<Vec<u8>> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/agreement");
    let mut paths: Vec<_> = seeds.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut inputs = Vec::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        // xorshift64*: nothing here depends on how random it is.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    };
    for path in paths {
        let seed = std::fs::read(path).unwrap();
        inputs.push(seed.clone());
        for _ in 0..VARIATIONS {
            let mut varied = seed.clone();
            for _ in 0..=next() % 4 {
                let at = next() as usize % varied.len().max(1);
                if let Some(byte) = varied.get_mut(at) {
                    *byte = next() as u8;
                }
            }
            // Settings, requests and batch come first, and few bytes of many: they are to vary.
            if let Some(head) = varied.get_mut(next() as usize % ron_auth_fuzz::HEAD_BYTES) {
                *head = next() as u8;
            }
            inputs.push(varied);
        }
    }
    inputs
}

/// The input on which a fault is found, by its number.
fn found(fault: Option<Fault>, inputs: &[Vec<u8>]) -> Option<usize> {
    let planted = Planted { inner: find("prod").unwrap().build(), fault, mode: EvalMode::Adaptive };
    let verifiers: Vec<(&str, Box<dyn Verifier>)> =
        vec![("plain", catalogue()[0].build()), ("planted", Box::new(planted))];
    inputs.iter().position(|input| catch_unwind(AssertUnwindSafe(|| check_of(&verifiers, input))).is_err())
}

#[test]
fn every_planted_fault_is_found_and_none_where_there_is_none() {
    std::panic::set_hook(Box::new(|_| ()));
    let inputs = inputs();
    let missed: Vec<Fault> = FAULTS.into_iter().filter(|&fault| found(Some(fault), &inputs).is_none()).collect();
    let alarm = found(None, &inputs);
    drop(std::panic::take_hook());
    assert!(missed.is_empty(), "not found in {} inputs: {missed:?}", inputs.len());
    assert_eq!(alarm, None, "an input on which a verifier without a fault is objected to");
}
