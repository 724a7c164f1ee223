//! From questions to decisions: cheap checks, then signatures and MACs, then policy.

use std::borrow::Cow;

use ron_auth::{Rate, RequestCtx};
use ron_envelope::AudienceRule;
use ron_policy::{Effect, Obligation, Policy, Request};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::batch::Item;
use crate::claims::Claims;
use crate::envelope::{Checked, Signature};
use crate::input::{Access, Artefact, Asked, Context, Question, Text};
use crate::metrics::Laps;
use crate::refusal::{Failure, Refusal};
use crate::state::Auth;
use crate::tokens::{NoToken, Ruling, no_token};

/// The answer to a question.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Answer<'p> {
    decision: Effect,
    /// The rule that decided, or else why none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Cow<'p, str>>,
    #[serde(skip_serializing_if = "Obligations::is_empty")]
    pub(crate) obligations: Obligations<'p>,
    /// Whether it is denied because nobody is known by what was presented, whatever it was asked for.
    #[serde(skip)]
    pub(crate) is_of_nobody: bool,
}

/// What whoever enforces the decision has to do: what the rule says, and the rates of the token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Obligations<'p> {
    of_rule: &'p [Obligation],
    rates: Vec<Rate>,
}

impl Obligations<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.of_rule.is_empty() && self.rates.is_empty()
    }
}

impl Serialize for Obligations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.of_rule.len() + self.rates.len()))?;
        self.of_rule.iter().try_for_each(|obligation| list.serialize_element(obligation))?;
        for Rate { per_s, burst } in &self.rates {
            let params = [("per_s", per_s), ("burst", burst)].map(|(name, value)| (name.to_owned(), value.to_string()));
            list.serialize_element(&Obligation { kind: "rate".to_owned(), params: params.into() })?;
        }
        list.end()
    }
}

impl<'p> Answer<'p> {
    pub(crate) fn deny(reason: impl Into<Cow<'p, str>>) -> Self {
        Self::new(Effect::Deny, reason.into())
    }

    /// Denied, since nobody is known by what was presented.
    fn nobody(reason: &'static str) -> Self {
        Self { is_of_nobody: true, ..Self::deny(reason) }
    }

    pub(crate) fn permit(reason: &'static str) -> Self {
        Self::new(Effect::Permit, Cow::Borrowed(reason))
    }

    fn new(decision: Effect, reason: Cow<'p, str>) -> Self {
        Self { decision, reason: Some(reason), obligations: Obligations::default(), is_of_nobody: false }
    }

    pub(crate) fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    pub(crate) fn has_obligations(&self) -> bool {
        !self.obligations.is_empty()
    }

    pub(crate) const fn is_permit(&self) -> bool {
        matches!(self.decision, Effect::Permit)
    }
}

/// A question that was looked at as far as one can without a key.
enum Looked<'q, 'a> {
    Envelope(Asked<'q, 'a>, Box<Checked<'q>>),
    Token(Asked<'q, 'a>, &'q str),
}

/// Answers each question: one answer for each, in order. What is wrong with one costs the others nothing.
///
/// # Errors
/// Something that decisions need is not there. Then none is made.
pub(crate) async fn decide<'p>(
    auth: &Auth,
    policy: Result<&'p Policy, Failure>,
    questions: &[Item<'_>],
) -> Result<Vec<Result<Answer<'p>, Refusal>>, Failure> {
    let now_ms = auth.clock.now_unix_ms();
    let looked: Vec<_> =
        questions.iter().map(|item| item.as_ref().map_err(|it| *it).and_then(|it| look(auth, it))).collect();
    let policy = match policy {
        Ok(policy) => policy,
        // What is at fault is told so, policy or not.
        Err(_) if looked.iter().all(Result::is_err) => {
            return Ok(looked.into_iter().filter_map(Result::err).map(Err).collect());
        }
        Err(failure) => return Err(failure),
    };

    let envelopes: Vec<&Checked<'_>> = looked.iter().filter_map(envelope).collect();
    let signatures = match envelopes.as_slice() {
        [] => Vec::new(),
        some => auth.parts.signatures.verify(some).await?,
    };
    let now_s = now_ms / 1_000;
    let mut tokens = Vec::with_capacity(looked.iter().filter(|it| matches!(it, Ok(Looked::Token(..)))).count());
    tokens.extend(looked.iter().filter_map(|it| token(auth, policy, now_s, it)));
    let verdicts = match tokens.as_slice() {
        [] => Vec::new(),
        some => auth.tokens.verify(&auth.parts.custody, now_s, some)?,
    };

    let (mut signatures, mut verdicts) = (signatures.into_iter(), verdicts.into_iter());
    let mut answers = Vec::with_capacity(looked.len());
    let mut laps = Laps::start();
    for item in &looked {
        answers.push(match item {
            Err(refusal) => Err(*refusal),
            Ok(Looked::Envelope(asked, checked)) => {
                // A signature for each: who verifies says so for all or for none.
                let signature = signatures.next().unwrap_or(Signature::Bad);
                of_envelope(auth, policy, now_ms, asked, checked, signature, &mut laps)
            }
            Ok(Looked::Token(asked, _)) => match verdicts.next() {
                Some(Ok(Ruling::Allow(rates))) => of_token(auth, policy, now_s, asked, rates, &mut laps),
                Some(Ok(Ruling::Deny { reason, is_for_others: true })) => Ok(Answer::nobody(reason)),
                Some(Ok(Ruling::Deny { reason, is_for_others: false })) => Ok(Answer::deny(reason)),
                Some(Err(error)) => match no_token(error) {
                    NoToken::Refused(refusal) => Err(refusal),
                    NoToken::Denied(error) => Ok(Answer::nobody(error.code())),
                },
                None => Ok(Answer::nobody("mac.mismatch")),
            },
        });
    }
    Ok(answers)
}

fn look<'q, 'a>(auth: &Auth, question: &'q Question<'a>) -> Result<Looked<'q, 'a>, Refusal> {
    let asked = question.asked()?;
    match asked.artefact {
        Artefact::Envelope(presented) => {
            let checked = auth.check(presented)?;
            Ok(Looked::Envelope(asked, Box::new(checked)))
        }
        Artefact::Token(token) => {
            auth.tokens.check(token)?;
            Ok(Looked::Token(asked, token))
        }
    }
}

fn envelope<'l>(looked: &'l Result<Looked<'_, '_>, Refusal>) -> Option<&'l Checked<'l>> {
    match looked {
        Ok(Looked::Envelope(_, checked)) => Some(checked),
        _ => None,
    }
}

fn token<'l>(
    auth: &'l Auth,
    policy: &'l Policy,
    now_s: u64,
    looked: &'l Result<Looked<'_, '_>, Refusal>,
) -> Option<(&'l str, RequestCtx<'l>)> {
    let Ok(Looked::Token(Asked { action, resource, context, .. }, token)) = looked else { return None };
    Some((*token, auth.tokens.request(now_s, action, resource, *context, policy.digest())))
}

impl Auth {
    /// What can be said of an envelope without a key.
    pub(crate) fn check<'q>(&self, presented: &'q crate::input::Presented<'_>) -> Result<Checked<'q>, Refusal> {
        let required = self.config.security.require_aud;
        let audience = if required { AudienceRule::Required } else { AudienceRule::Optional };
        Checked::new(presented, &self.claims, audience, self.config.limits.max_msg_bytes)
    }
}

fn of_envelope<'p>(
    auth: &Auth,
    policy: &'p Policy,
    now_ms: u64,
    asked: &Asked<'_, '_>,
    checked: &Checked<'_>,
    signature: Signature,
    laps: &mut Laps,
) -> Result<Answer<'p>, Refusal> {
    if let Some(code) = signature.code() {
        return Ok(Answer::nobody(code));
    }
    let claims = checked.claims();
    if let Err(not_now) = auth.claims.check_times(claims, now_ms) {
        return Ok(Answer::nobody(not_now.code()));
    }
    // Whose resource it is anybody can say; whose subject it is, only what is signed.
    let named = asked.context.and_then(|context| context.tenant.as_ref());
    if named.is_some_and(|Text(named)| claims.tenant() != Some(named)) {
        return Ok(Answer::deny("tenant.mismatch"));
    }
    let (scopes, roles) = (texts(claims.scopes.as_deref()), texts(claims.roles.as_deref()));
    let request = Request {
        subject: claims.sub.as_deref(),
        tenant: claims.tenant(),
        scopes: &scopes,
        roles: &roles,
        now_unix_s: Some(now_ms / 1_000),
        ..Request::default()
    };
    judge(auth, policy, asked.access(), request, Vec::new(), laps)
}

fn of_token<'p>(
    auth: &Auth,
    policy: &'p Policy,
    now_s: u64,
    asked: &Asked<'_, '_>,
    rates: Vec<Rate>,
    laps: &mut Laps,
) -> Result<Answer<'p>, Refusal> {
    // A token has a tenant, that of the request, and no subject.
    let tenant = auth.tokens.tenant_of(asked.context);
    let request = Request { tenant, now_unix_s: Some(now_s), ..Request::default() };
    judge(auth, policy, asked.access(), request, rates, laps)
}

/// Asks the policy, with what is known of the subject and what is asked.
pub(crate) fn judge<'p>(
    auth: &Auth,
    policy: &'p Policy,
    access: Access<'_, '_>,
    subject: Request<'_>,
    rates: Vec<Rate>,
    laps: &mut Laps,
) -> Result<Answer<'p>, Refusal> {
    let nothing = Context::default();
    let context = access.context.unwrap_or(&nothing);
    let tags: Vec<&str> = context.tags.iter().flatten().map(|text| &*text.0).collect();
    let request = Request {
        action: Some(access.action),
        resource: Some(access.resource),
        method: context.method.as_ref().map(|text| &*text.0),
        region: context.region.as_ref().map(|text| &*text.0),
        tags: &tags,
        body_bytes: context.body_bytes,
        peer: context.peer_ip,
        ..subject
    };
    let decision = policy.decide(&request);
    auth.metrics.policy_seconds.observe_duration(laps.lap());
    let out_of_bounds = Refusal::Malformed("a text or a list of the question is longer than the policy judges");
    let decision = decision.map_err(|_| out_of_bounds)?;
    // Rates are the price of a permit.
    let rates = if decision.is_permit() { rates } else { Vec::new() };
    Ok(Answer {
        decision: decision.effect,
        reason: decision.rule.or(decision.reason).map(Cow::Borrowed),
        obligations: Obligations { of_rule: decision.obligations, rates },
        is_of_nobody: false,
    })
}

fn texts(list: Option<&[String]>) -> Vec<&str> {
    list.unwrap_or_default().iter().map(String::as_str).collect()
}

/// What an envelope says, if its signature is good and its time is now.
pub(crate) async fn signed<'c>(auth: &Auth, checked: &'c Checked<'_>) -> Result<Option<&'c Claims>, Failure> {
    let outcome = auth.parts.signatures.verify(&[checked]).await?;
    let is_good = outcome.as_slice() == [Signature::Good];
    let is_now = auth.claims.check_times(checked.claims(), auth.clock.now_unix_ms()).is_ok();
    Ok((is_good && is_now).then(|| checked.claims()))
}
