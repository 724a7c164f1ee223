//! Why a token is allowed or not.

use std::fmt;

use super::flaw::Flaw;
use super::show::Quoted;
use super::untrusted::UntrustedToken;
use super::{inspect, words};
use crate::capability::Rate;
use crate::chain;
use crate::config::{Semantics, VerifierConfig};
use crate::context::RequestCtx;
use crate::decision::{Decision, DenyReason};
use crate::demands::CaveatKind;
use crate::engine::{check_and_wipe, key_of};
use crate::error::{AuthError, Malformed};
use crate::key::MacKeyProvider;
use crate::semantics::{Finding, Judge, Nets, settle};
use crate::view::{CaveatView, OwnedToken, TokenView};

/// Verifies a token as [`Engine::verify_token`](crate::Engine::verify_token) does, and says why it comes to what it
/// comes to.
///
/// The key provider is asked at most once, and a handler once for each of its caveats, in the order and up to the error
/// at which verification stops. No metrics are recorded.
pub fn explain<K: MacKeyProvider + ?Sized>(
    config: &VerifierConfig,
    token_b64url: &str,
    ctx: &RequestCtx<'_>,
    keys: &K,
) -> Explanation {
    let stopped = |error: AuthError, token, flaw| Explanation {
        semantics: config.semantics,
        token,
        flaw,
        conditions: Vec::new(),
        outcome: Err(error),
    };
    let untrusted = match inspect(config, token_b64url) {
        Ok(token) => token,
        Err(flaw) => return stopped(flaw.error(), None, Some(flaw)),
    };
    let token = untrusted.token();
    let genuine = key_of(token, keys).and_then(|key| check_and_wipe(&mut chain::tag_of(&key, token), token));
    if let Err(error) = genuine {
        return stopped(error, Some(untrusted), None);
    }
    let (conditions, outcome) = judge(config, ctx, token);
    Explanation { semantics: config.semantics, token: Some(untrusted), flaw: None, conditions, outcome }
}

/// Judges a token whose MAC matched: each condition, and what they come to.
fn judge(
    config: &VerifierConfig,
    ctx: &RequestCtx<'_>,
    token: &OwnedToken,
) -> (Vec<Condition>, Result<Decision, AuthError>) {
    let judge = Judge::new(config, ctx);
    let mut nets = Nets::default();
    let mut findings = Vec::new();
    let verdict = settle(
        &judge,
        token,
        judge.refused(token),
        0,
        |index| token.caveat(index).is_some_and(|caveat| judge.holds(caveat, &mut nets)),
        |index, finding| findings.push((index, Judgement::of(finding))),
    );
    let outcome = verdict.map(|verdict| verdict.to_decision());

    let mut conditions = own_conditions(&judge, config, ctx, token);
    let caveats = &token.capability.caveats;
    let mut findings = findings.into_iter().peekable();
    for (index, caveat) in caveats.iter().enumerate() {
        let view = CaveatView::from(caveat);
        let judgement = match findings.next_if(|(found, _)| *found == index) {
            Some((_, judgement)) => judgement,
            None => unasked(&judge, view),
        };
        let why = words::caveat(caveat, &judgement, config, ctx);
        conditions.push(Condition { on: Subject::Caveat { index, kind: CaveatKind::of(&view) }, judgement, why });
    }
    (conditions, outcome)
}

/// The conditions on the token as a whole: its own tenant and scope, then what the settings demand.
fn own_conditions(
    judge: &Judge<'_>,
    config: &VerifierConfig,
    ctx: &RequestCtx<'_>,
    token: &OwnedToken,
) -> Vec<Condition> {
    let mut refusals = Vec::new();
    judge.refusals(token, |reason| refusals.push(reason.to_reason()));
    let holds = |reason: &DenyReason| !refusals.contains(reason);
    let condition = |on, reason: DenyReason, why: String| {
        let judgement = if holds(&reason) { Judgement::Holds } else { Judgement::Denies(reason) };
        Condition { on, judgement, why }
    };
    let own = |on, reason: DenyReason, is_set: bool, why: String| match config.semantics {
        Semantics::Compat => Condition {
            on,
            judgement: Judgement::Ignored,
            why: "the compat semantics leave it to the caller".to_owned(),
        },
        Semantics::Strict => condition(on, reason, if is_set { why } else { "sets no condition".to_owned() }),
    };
    let scope = &token.capability.scope;
    let prefix = scope.prefix.as_deref();
    let mut conditions = vec![
        own(Subject::Tid, DenyReason::TidMismatch, true, words::tenant(&token.capability.tid, ctx)),
        own(
            Subject::ScopeMethods,
            DenyReason::MethodNotAllowed,
            true,
            words::methods(scope.methods.iter().map(AsRef::as_ref), ctx),
        ),
        own(
            Subject::ScopePrefix,
            DenyReason::PathNotAllowed,
            prefix.is_some(),
            words::path(prefix.unwrap_or_default(), holds(&DenyReason::PathNotAllowed), config, ctx),
        ),
        own(
            Subject::ScopeMaxBytes,
            DenyReason::BytesExceed,
            scope.max_bytes.is_some(),
            words::length(scope.max_bytes.unwrap_or_default(), ctx),
        ),
    ];
    let caveats = &token.capability.caveats;
    for kind in config.demands.kinds() {
        let reason = DenyReason::MissingCaveat(kind);
        let why = words::demanded_kind(kind, holds(&reason));
        conditions.push(condition(Subject::DemandedCaveat(kind), reason, why));
    }
    if let Some(longest) = config.demands.longest_lifetime_secs() {
        let why = words::demanded_lifetime(longest, caveats, ctx);
        conditions.push(condition(Subject::DemandedLifetime, DenyReason::LifetimeExceeded, why));
    }
    if config.demands.is_audience_demanded() {
        let why = words::demanded_audience(holds(&DenyReason::AudienceNotNamed), ctx);
        conditions.push(condition(Subject::DemandedAudience, DenyReason::AudienceNotNamed, why));
    }
    conditions
}

/// What a caveat comes to that either holds or lies behind the error at which judging stopped. Handlers are not asked.
fn unasked<'a>(judge: &Judge<'_>, caveat: CaveatView<'a>) -> Judgement {
    let compat = judge.config().semantics == Semantics::Compat;
    match caveat {
        CaveatView::Rate(_) | CaveatView::Custom { .. } if compat => Judgement::Ignored,
        _ if judge.holds(caveat, &mut Nets::default()) => Judgement::Holds,
        CaveatView::Custom { .. } => Judgement::NotAsked,
        _ => Judgement::of(&judge.finding(caveat, &mut None)),
    }
}

/// What verification of a token comes to, and why.
///
/// `Display` is for people, a line for each condition; what the token says is quoted, escaped and cut there.
#[derive(Clone, Debug)]
pub struct Explanation {
    semantics: Semantics,
    token: Option<UntrustedToken>,
    flaw: Option<Flaw>,
    conditions: Vec<Condition>,
    outcome: Result<Decision, AuthError>,
}

impl Explanation {
    /// What `verify_token` gives for the same token, request, settings and keys.
    ///
    /// # Errors
    /// See [`AuthError`].
    pub const fn outcome(&self) -> Result<&Decision, AuthError> {
        match &self.outcome {
            Ok(decision) => Ok(decision),
            Err(error) => Err(*error),
        }
    }

    /// The stage at which it was settled.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match &self.outcome {
            Ok(_) => Stage::Decision,
            Err(AuthError::Bounds) => Stage::Bounds,
            Err(AuthError::Malformed(Malformed::Base64)) => Stage::Base64,
            Err(AuthError::Malformed(Malformed::Cbor)) => Stage::Cbor,
            Err(AuthError::UnknownKid) => Stage::Key,
            Err(AuthError::MacMismatch) => Stage::Mac,
            Err(AuthError::Expired | AuthError::NotYetValid) => Stage::Time,
        }
    }

    /// What the token says, if it could be decoded. Whether it is genuine is for [`stage`](Self::stage) to say.
    #[must_use]
    pub const fn token(&self) -> Option<&UntrustedToken> {
        self.token.as_ref()
    }

    /// Where the text is not canonical, if it is not.
    #[must_use]
    pub const fn flaw(&self) -> Option<&Flaw> {
        self.flaw.as_ref()
    }

    /// Every condition, in the order in which reasons are given: tenant and scope, then what the settings demand, then
    /// caveats in token order. Empty if the token is not genuine: what it says is then nobody's word.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// What it comes to, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let key = || {
            let token = self.token.as_ref();
            let [kid, tid] =
                [token.map(UntrustedToken::kid), token.map(UntrustedToken::tid)].map(Option::unwrap_or_default);
            format!("key id {} of tenant namespace {}", Quoted(kid), Quoted(tid))
        };
        match (&self.outcome, &self.flaw) {
            (_, Some(flaw)) => format!("refused: {flaw}"),
            (Ok(Decision::Allow { obligations, .. }), _) if obligations.is_empty() => "allowed".to_owned(),
            (Ok(Decision::Allow { obligations, .. }), _) => {
                format!("allowed, with {} rate(s) for the caller's limiter", obligations.len())
            }
            (Ok(Decision::Deny { reasons }), _) => {
                let codes: Vec<&str> = reasons.iter().map(DenyReason::code).collect();
                format!("denied: {}", codes.join(", "))
            }
            (Err(AuthError::UnknownKid), _) => format!("refused: there is no key for {}", key()),
            (Err(AuthError::MacMismatch), _) => {
                format!("refused: the MAC does not match; altered, or minted with another key than that of {}", key())
            }
            (Err(error), _) => format!("refused: {error}"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.conditions.is_empty() {
            let semantics = if self.semantics == Semantics::Compat { "compat" } else { "strict" };
            writeln!(f, "genuine: its MAC matches; judged under the {semantics} semantics")?;
        }
        let width = self.conditions.iter().map(|condition| condition.on.to_string().len()).max().unwrap_or_default();
        for condition in &self.conditions {
            writeln!(f, "{:7}  {:width$}  {}", condition.judgement.name(), condition.on.to_string(), condition.why)?;
        }
        f.write_str(&self.summary())
    }
}

/// Where verification ends, in the order of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The text is too long, or announces too many caveats.
    Bounds,
    /// The text is not Base64URL.
    Base64,
    /// The bytes are not canonical CBOR.
    Cbor,
    /// There is no key.
    Key,
    /// The MAC does not match.
    Mac,
    /// The token is genuine, but has expired or is not valid yet.
    Time,
    /// The token is genuine, and a decision was reached.
    Decision,
}

impl Stage {
    /// Its name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounds => "bounds",
            Self::Base64 => "base64",
            Self::Cbor => "cbor",
            Self::Key => "key",
            Self::Mac => "mac",
            Self::Time => "time",
            Self::Decision => "decision",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A condition of a genuine token, and what it comes to for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    on: Subject,
    judgement: Judgement,
    why: String,
}

impl Condition {
    /// What sets it.
    #[must_use]
    pub const fn on(&self) -> Subject {
        self.on
    }

    /// What it comes to.
    #[must_use]
    pub const fn judgement(&self) -> &Judgement {
        &self.judgement
    }

    /// Why, in words, with the values on both sides.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

/// What sets a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The token's tenant namespace.
    Tid,
    /// The methods of its scope.
    ScopeMethods,
    /// The path prefix of its scope.
    ScopePrefix,
    /// The longest body of its scope.
    ScopeMaxBytes,
    /// A caveat.
    Caveat {
        /// Its place among the caveats, from 0.
        index: usize,
        /// Its kind.
        kind: CaveatKind,
    },
    /// The settings: there must be such a caveat.
    DemandedCaveat(CaveatKind),
    /// The settings: the longest lifetime.
    DemandedLifetime,
    /// The settings: the audience must be named.
    DemandedAudience,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tid => f.write_str("tid"),
            Self::ScopeMethods => f.write_str("scope.methods"),
            Self::ScopePrefix => f.write_str("scope.prefix"),
            Self::ScopeMaxBytes => f.write_str("scope.max_bytes"),
            Self::Caveat { index, kind } => write!(f, "caveats[{index}] {kind:?}"),
            Self::DemandedCaveat(kind) => write!(f, "demanded {kind:?}"),
            Self::DemandedLifetime => f.write_str("demanded lifetime"),
            Self::DemandedAudience => f.write_str("demanded audience"),
        }
    }
}

/// What a condition comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Judgement {
    /// It holds.
    Holds,
    /// It holds, and obliges the caller's limiter.
    Obliges(Rate),
    /// It does not hold: the request is denied.
    Denies(DenyReason),
    /// It does not hold: the token is refused.
    Refuses(AuthError),
    /// The compat semantics ignore it.
    Ignored,
    /// Its handler was not asked: an earlier caveat refuses the token.
    NotAsked,
}

impl Judgement {
    fn of(finding: &Finding<'_>) -> Self {
        match finding {
            Finding::Holds => Self::Holds,
            Finding::Obliges(rate) => Self::Obliges(*rate),
            Finding::Denies(reason) => Self::Denies(reason.to_reason()),
            Finding::Fails(error) => Self::Refuses(*error),
        }
    }

    /// The reason that it adds to a denial.
    #[must_use]
    pub const fn reason(&self) -> Option<&DenyReason> {
        match self {
            Self::Denies(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether nothing about it stands in the way of the request.
    #[must_use]
    pub const fn is_met(&self) -> bool {
        matches!(self, Self::Holds | Self::Obliges(_) | Self::Ignored)
    }

    /// Its name, for programs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Obliges(_) => "obliges",
            Self::Denies(_) => "denies",
            Self::Refuses(_) => "refuses",
            Self::Ignored => "ignored",
            Self::NotAsked => "unasked",
        }
    }
}
