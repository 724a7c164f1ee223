//! Capability tokens, verified in this process.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use ron_auth::inspect::{UntrustedToken, UntrustedValue, inspect};
use ron_auth::{
    AuthError, CaveatKind, Demands, DenyReasonRef, KeyRing, MacKeyProvider, MetricsRecorder, Rate, RequestCtx, Verdict,
    VerifierConfig, Workspace, verify_each_request_in, verify_token_in,
};
use ron_kms::Kms;
use ron_service::metrics::{Evaluator, VerifierMetrics, VerifyMode};
use serde_json::Number;

use crate::Config;
use crate::custody::Custody;
use crate::input::Context;
use crate::refusal::{Failure, Refusal};

/// How tokens are judged.
pub(crate) struct Tokens {
    config: VerifierConfig,
    metrics: VerifierMetrics,
    max_chars: usize,
    audience: Option<String>,
    tenant: Option<String>,
    amnesia: bool,
}

/// What a genuine token says of itself.
#[derive(Debug)]
pub(crate) struct TokenClaims {
    pub(crate) tenant: String,
    pub(crate) kid: String,
    pub(crate) aud: Option<String>,
    pub(crate) exp: Option<Number>,
}

/// What is kept of the verdict on a genuine token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// It permits the request, at these rates.
    Allow(Vec<Rate>),
    Deny {
        /// Code of the first reason.
        reason: &'static str,
        /// Whether a reason is that it is not for us.
        is_for_others: bool,
    },
}

thread_local! {
    /// What the verifier works in.
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// Why a token says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// It is at fault.
    Refused(Refusal),
    /// It is not genuine, or not now.
    Denied(AuthError),
}

impl Tokens {
    pub(crate) fn new(config: &Config, metrics: &VerifierMetrics) -> Self {
        let mut demands = Demands::default();
        if config.security.require_aud {
            demands = demands.audience();
        }
        if let Some(seconds) = config.tokens.max_lifetime_s {
            demands = demands.max_lifetime_secs(seconds);
        }
        let recorder: Arc<dyn MetricsRecorder> = Arc::new(metrics.clone());
        let mut verifier = VerifierConfig::default().with_demands(demands).with_metrics(recorder);
        verifier.max_token_bytes = config.limits.max_msg_bytes;
        verifier.clock_skew_secs = config.security.clock_skew_s;
        // The cores are busy with other requests.
        verifier.par_min_batch = usize::MAX;
        Self {
            max_chars: config.limits.max_msg_bytes.div_ceil(3).saturating_mul(4),
            config: verifier,
            metrics: metrics.clone(),
            audience: config.security.accepted_audiences.first().cloned(),
            tenant: config.tokens.tenant.clone(),
            amnesia: config.security.amnesia,
        }
    }

    /// What can be said before it is decoded.
    pub(crate) fn check(&self, token: &str) -> Result<(), Refusal> {
        if token.is_empty() {
            return Err(Refusal::Malformed("token: expected a capability token in Base64URL"));
        }
        if token.len() > self.max_chars { Err(Refusal::MsgTooLarge) } else { Ok(()) }
    }

    /// The request that a token came with.
    pub(crate) fn request<'a>(
        &'a self,
        now_unix_s: u64,
        action: &'a str,
        resource: &'a str,
        context: Option<&'a Context<'_>>,
        policy_digest: &'a str,
    ) -> RequestCtx<'a> {
        let method = context.and_then(|context| context.method.as_ref()).map_or(action, |text| &text.0);
        let path = context.and_then(|context| context.path.as_ref()).map_or(resource, |text| &text.0);
        let request = RequestCtx::new(now_unix_s, method, path, self.tenant_of(context).unwrap_or_default())
            .peer_ip(context.and_then(|context| context.peer_ip))
            .content_len(context.and_then(|context| context.body_bytes))
            .amnesia(self.amnesia)
            .policy_digest(policy_digest);
        match &self.audience {
            Some(audience) => request.audience(audience.as_str()),
            None => request,
        }
    }

    /// Whose request it is. Where nobody says it is unknown, which denies: no token is of the tenant "", since the
    /// store of keys knows no such tenant.
    pub(crate) fn tenant_of<'a>(&'a self, context: Option<&'a Context<'_>>) -> Option<&'a str> {
        let named = context.and_then(|context| context.tenant.as_ref()).map(|text| &*text.0);
        named.or(self.tenant.as_deref())
    }

    /// Verifies each with its own request, as one batch.
    ///
    /// # Errors
    /// The keys are not there yet.
    pub(crate) fn verify(
        &self,
        custody: &Custody,
        now_unix_s: u64,
        items: &[(&str, RequestCtx<'_>)],
    ) -> Result<Vec<Result<Ruling, AuthError>>, Failure> {
        let started = Instant::now();
        items.iter().for_each(|(token, _)| self.metrics.token(token.len()));
        let kms = keys(custody)?;
        let rulings = WORKSPACE.with_borrow_mut(|workspace| match (kms, items) {
            (Some(kms), [(token, request)]) => {
                let keys = kms.mac_snapshot();
                let verdict = verify_token_in(&self.config, token, request, &keys.at(now_unix_s), workspace);
                vec![verdict.map(Ruling::of)]
            }
            (Some(kms), many) => self.each(many, &kms.mac_snapshot().at(now_unix_s), workspace),
            (None, many) => self.each(many, &KeyRing::new(), workspace),
        });
        let mode = if items.len() == 1 { VerifyMode::Single } else { VerifyMode::Batch };
        self.metrics.verified(mode, Evaluator::Adaptive, started.elapsed());
        Ok(rulings)
    }

    fn each(
        &self,
        items: &[(&str, RequestCtx<'_>)],
        keys: &impl MacKeyProvider,
        workspace: &mut Workspace,
    ) -> Vec<Result<Ruling, AuthError>> {
        let mut rulings = Vec::with_capacity(items.len());
        let sink = |_, verdict: Result<Verdict<'_>, _>| rulings.push(verdict.map(Ruling::of));
        verify_each_request_in(&self.config, items, keys, workspace, sink);
        rulings
    }

    /// What a token says of itself, if it is genuine, for us, and good now. Of what it is good for nothing is asked.
    pub(crate) fn claims(
        &self,
        custody: &Custody,
        now_unix_s: u64,
        token: &str,
    ) -> Result<Result<TokenClaims, NoToken>, Failure> {
        if let Err(refusal) = self.check(token) {
            return Ok(Err(NoToken::Refused(refusal)));
        }
        let request = self.request(now_unix_s, "", "", None, "");
        let verified = self.verify(custody, now_unix_s, &[(token, request)])?.pop();
        Ok(match verified {
            None => Err(NoToken::Denied(AuthError::UnknownKid)),
            Some(Err(error)) => Err(no_token(error)),
            Some(Ok(Ruling::Deny { is_for_others: true, .. })) => Err(NoToken::Refused(Refusal::BadAudience)),
            // Denied or not: it is genuine, and what it says can be believed.
            Some(Ok(_)) => match inspect(&self.config, token) {
                Ok(said) => Ok(TokenClaims::of(&said)),
                Err(_) => Err(NoToken::Refused(MALFORMED)),
            },
        })
    }

    /// The tenant that a token names, and its end in seconds since the Unix epoch if it has one. To be believed only of
    /// a token that was verified.
    pub(crate) fn named(&self, token: &str) -> Option<(String, Option<u64>)> {
        let claims = TokenClaims::of(&inspect(&self.config, token).ok()?);
        Some((claims.tenant, claims.exp.as_ref().and_then(Number::as_u64)))
    }

    /// The key id that a token names, which nobody has verified.
    pub(crate) fn named_kid(&self, token: &str) -> Option<String> {
        inspect(&self.config, token).ok().map(|said| said.kid().to_owned())
    }
}

/// The store's keys; `None` if none is configured.
fn keys(custody: &Custody) -> Result<Option<&Kms>, Failure> {
    match custody.kms() {
        None if !custody.is_there() => Err(Failure::NoKeys),
        kms => Ok(kms),
    }
}

const MALFORMED: Refusal = Refusal::Malformed("token: expected a capability token in Base64URL");

/// A text that is no token is at fault; one that does not verify is denied.
pub(crate) fn no_token(error: AuthError) -> NoToken {
    match error {
        AuthError::Bounds | AuthError::Malformed(_) => NoToken::Refused(MALFORMED),
        error => NoToken::Denied(error),
    }
}

impl Ruling {
    fn of(verdict: Verdict<'_>) -> Self {
        match verdict {
            Verdict::Allow { obligations, .. } => Self::Allow(obligations.into_vec()),
            Verdict::Deny { reasons } => Self::Deny {
                reason: reasons.first().map_or("denied", DenyReasonRef::code),
                is_for_others: reasons
                    .iter()
                    .any(|reason| matches!(reason, DenyReasonRef::BadAudience | DenyReasonRef::AudienceNotNamed)),
            },
        }
    }
}

impl TokenClaims {
    fn of(said: &UntrustedToken) -> Self {
        let (mut aud, mut exp) = (None, None::<u64>);
        for caveat in said.caveats() {
            match (caveat.kind(), caveat.value()) {
                // Each holds, so the earliest counts.
                (CaveatKind::Exp, UntrustedValue::Time(at)) => exp = Some(exp.map_or(at, |exp| exp.min(at))),
                (CaveatKind::Aud, UntrustedValue::Text(text)) => aud = Some(text.to_owned()),
                _ => {}
            }
        }
        Self { tenant: said.tid().to_owned(), kid: said.kid().to_owned(), aud, exp: exp.map(Number::from) }
    }
}
