//! The verifier, spoken to in the oracle's terms.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use ron_auth_catalogue::Verifier;
use ron_auth_core::{
    AuthError, BatchError, CustomCaveat, Decision, EvalMode, KeyName, MacKey, MacKeyProvider, RequestCtx,
    VerifierConfig,
};

use crate::generator::Case;
use crate::interpreter::{Answer, Question, Request, Rules, handler, key_of};

pub const MODES: [EvalMode; 3] = [EvalMode::Adaptive, EvalMode::StreamingOnly, EvalMode::SoaOnly];

/// One batch as a verifier sees it, and what its handlers were asked.
pub struct Subject<'r> {
    config: VerifierConfig,
    ctx: RequestCtx<'r>,
    asked: Arc<Mutex<Vec<Question>>>,
}

struct Keys;

impl MacKeyProvider for Keys {
    fn key_for(&self, name: KeyName<'_>) -> Option<MacKey> {
        key_of(name.tid, name.kid).map(MacKey::new)
    }
}

impl<'r> Subject<'r> {
    pub fn new(rules: &Rules, request: &'r Request) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut config = VerifierConfig::default().with_semantics(rules.semantics);
        config.max_token_bytes = rules.max_token_bytes;
        config.max_caveats = rules.max_caveats;
        config.clock_skew_secs = rules.skew_s;
        for ns in &rules.handled {
            let asked = Arc::clone(&asked);
            config = config.with_custom_handler(*ns, move |caveat: &CustomCaveat<'_>, ctx: &RequestCtx<'_>| {
                let question = (caveat.ns().to_owned(), caveat.name().to_owned(), caveat.cbor().to_vec());
                asked.lock().unwrap().push(question);
                handler(caveat.ns(), caveat.name(), caveat.cbor(), ctx.tenant()).map_err(Cow::Owned)
            });
        }
        Self { config, ctx: context(request), asked }
    }

    pub fn of(case: &'r Case) -> Self {
        let mut subject = Self::new(&case.rules, &case.request);
        subject.config.soa_threshold = case.soa_threshold;
        subject.config.par_min_batch = case.par_min_batch;
        subject
    }

    pub fn alone(&self, verifier: &dyn Verifier, mode: EvalMode, token: &str) -> Answer {
        let result = verifier.with_mode(mode).verify_token(&self.config, token, &self.ctx, &Keys);
        Answer { result, asked: self.taken() }
    }

    pub fn each(&self, verifier: &dyn Verifier, mode: EvalMode, tokens: &[String]) -> Vec<Result<Decision, AuthError>> {
        verifier.with_mode(mode).verify_each(&self.config, tokens, &self.ctx, &Keys)
    }

    pub fn each_borrowed(
        &self,
        verifier: &dyn Verifier,
        mode: EvalMode,
        tokens: &[String],
    ) -> Vec<Result<Decision, AuthError>> {
        let mut results = Vec::new();
        verifier.with_mode(mode).verify_each_borrowed(&self.config, tokens, &self.ctx, &Keys, &mut |index, verdict| {
            assert_eq!(index, results.len(), "results come in order");
            results.push(verdict.map(|verdict| verdict.to_decision()));
        });
        results
    }

    pub fn many(
        &self,
        verifier: &dyn Verifier,
        mode: EvalMode,
        tokens: &[String],
    ) -> Result<Vec<Decision>, BatchError> {
        let mut decisions = vec![Decision::Deny { reasons: Vec::new() }];
        let outcome = verifier.with_mode(mode).verify_many_into(&self.config, tokens, &self.ctx, &Keys, &mut decisions);
        assert!(outcome.is_ok() || decisions.is_empty(), "a batch that fails leaves a result");
        outcome.map(|()| decisions)
    }

    pub fn each_request(
        &self,
        verifier: &dyn Verifier,
        mode: EvalMode,
        items: &[(String, RequestCtx<'_>)],
    ) -> Vec<Result<Decision, AuthError>> {
        verifier.with_mode(mode).verify_each_request(&self.config, items, &Keys)
    }

    /// What handlers were asked since the last time, in order.
    pub fn taken(&self) -> Vec<Question> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

pub fn context(request: &Request) -> RequestCtx<'_> {
    let mut ctx = RequestCtx::new(request.now_s, &request.method, &request.path, &request.tenant)
        .peer_ip(request.peer)
        .content_len(request.content_len)
        .amnesia(request.amnesia);
    if let Some(audience) = &request.audience {
        ctx = ctx.audience(audience);
    }
    if let Some(digest) = &request.policy_digest {
        ctx = ctx.policy_digest(digest);
    }
    ctx
}
