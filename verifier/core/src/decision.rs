//! What verification comes to, borrowed ([`Verdict`]) and owned ([`Decision`]).

use std::borrow::Cow;
use std::fmt;

use smallvec::SmallVec;

use crate::capability::{Rate, Scope};
use crate::demands::CaveatKind;
use crate::shown::Shown;
use crate::view::{ScopeView, Text};

/// The outcome for a token that verified. There will never be a third: a `match` needs no other arm.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[must_use = "a token that verified may still not permit the request"]
pub enum Decision {
    /// The token permits the request.
    Allow {
        /// What the token grants. Under the compat semantics the caller enforces it.
        scope: Scope,
        /// Rates that the caller's limiter has to honour, in token order. Empty under the compat semantics.
        obligations: Vec<Rate>,
    },
    /// The token does not permit the request: HTTP 403.
    Deny {
        /// Why: tenant and scope first, then [demands](crate::Demands), then caveats in token order; never empty.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serialize::at_least_one"))]
        reasons: Vec<DenyReason>,
    },
}

impl Decision {
    /// Whether the token permits the request. It may do so with obligations, which this says nothing of.
    #[must_use]
    pub const fn is_allow(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }
}

/// Why a token does not permit a request.
///
/// Three names for machines and people: [`code`](Self::code) is exact and never changes, [`name`](Self::name) is the
/// one in recorded decisions, `Display` is for logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenyReason {
    /// The token's tenant namespace is not the request's tenant.
    TidMismatch,
    /// A [demanded](crate::Demands::caveat) kind of caveat is not in the token.
    MissingCaveat(CaveatKind),
    /// The token expires later than [demanded](crate::Demands::max_lifetime_secs), or never.
    LifetimeExceeded,
    /// No `Aud` caveat names the service's audience, which is [demanded](crate::Demands::audience).
    AudienceNotNamed,
    /// `Aud` names another audience, or the service's is unknown.
    BadAudience,
    /// `Method`, or the scope, does not list the request's method.
    MethodNotAllowed,
    /// `PathPrefix`, or the scope, does not cover the request's path; under the strict semantics also if some server
    /// reads that path as another one.
    PathNotAllowed,
    /// `IpCidr` does not contain the peer, or the peer is unknown.
    IpNotAllowed,
    /// `BytesLe`, or the scope, permits fewer bytes than the request has, or its length is unknown.
    BytesExceed,
    /// `Tenant` is not the request's tenant.
    TenantMismatch,
    /// `Amnesia` is not the service's mode.
    AmnesiaMismatch,
    /// `GovPolicyDigest` is not the digest in force, or that is unknown.
    GovPolicyDigestMismatch,
    /// A `Custom` caveat that no handler is registered for.
    Unhandled {
        /// Its namespace, as the token spells it.
        ns: String,
        /// Its name, as the token spells it.
        name: String,
    },
    /// A `Custom` caveat whose handler gave this reason. Whatever a handler says, it is no other reason than this one.
    Custom(String),
}

impl DenyReason {
    /// The HTTP status a host answers with: the token is genuine, but does not permit this.
    pub const HTTP_STATUS: u16 = 403;

    /// The reason's code, for machines: stable, and [listed](crate::specification::codes).
    #[must_use]
    pub fn code(&self) -> &'static str {
        DenyReasonRef::from(self).code()
    }

    /// The reason's name, as vector files spell it; see [`DenyReasonRef::name`].
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        DenyReasonRef::from(self).name()
    }
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DenyReasonRef::from(self).fmt(f)
    }
}

/// A [`Decision`] that points into the token's bytes and owns nothing.
#[derive(Clone, Debug)]
#[must_use = "a token that verified may still not permit the request"]
#[allow(clippy::large_enum_variant, reason = "boxing the reasons would allocate, which is what this type avoids")]
pub enum Verdict<'a> {
    /// The token permits the request.
    Allow {
        /// What the token grants.
        scope: ScopeView<'a>,
        /// Rates that the caller's limiter has to honour, in token order.
        obligations: Obligations,
    },
    /// The token does not permit the request.
    Deny {
        /// Why, in the order of [`Decision::Deny`]; never empty.
        reasons: Reasons<'a>,
    },
}

/// Reasons in line: eight of them need no allocation.
pub type Reasons<'a> = SmallVec<[DenyReasonRef<'a>; 8]>;

/// Obligations in line: four of them need no allocation.
pub type Obligations = SmallVec<[Rate; 4]>;

impl Verdict<'_> {
    /// Whether the token permits the request. It may do so with obligations, which this says nothing of.
    #[must_use]
    pub const fn is_allow(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    /// The owned form.
    pub fn to_decision(&self) -> Decision {
        match self {
            Self::Allow { scope, obligations } => {
                Decision::Allow { scope: scope.to_scope(), obligations: obligations.to_vec() }
            }
            Self::Deny { reasons } => {
                Decision::Deny { reasons: reasons.iter().map(DenyReasonRef::to_reason).collect() }
            }
        }
    }
}

/// A [`DenyReason`] that is turned into text only when asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DenyReasonRef<'a> {
    /// See [`DenyReason::TidMismatch`].
    TidMismatch,
    /// See [`DenyReason::MissingCaveat`].
    MissingCaveat(CaveatKind),
    /// See [`DenyReason::LifetimeExceeded`].
    LifetimeExceeded,
    /// See [`DenyReason::AudienceNotNamed`].
    AudienceNotNamed,
    /// See [`DenyReason::BadAudience`].
    BadAudience,
    /// See [`DenyReason::MethodNotAllowed`].
    MethodNotAllowed,
    /// See [`DenyReason::PathNotAllowed`].
    PathNotAllowed,
    /// See [`DenyReason::IpNotAllowed`].
    IpNotAllowed,
    /// See [`DenyReason::BytesExceed`].
    BytesExceed,
    /// See [`DenyReason::TenantMismatch`].
    TenantMismatch,
    /// See [`DenyReason::AmnesiaMismatch`].
    AmnesiaMismatch,
    /// See [`DenyReason::GovPolicyDigestMismatch`].
    GovPolicyDigestMismatch,
    /// See [`DenyReason::Unhandled`].
    Unhandled {
        /// Its namespace.
        ns: Text<'a>,
        /// Its name.
        name: Text<'a>,
    },
    /// See [`DenyReason::Custom`].
    Custom(Cow<'a, str>),
}

impl<'a> DenyReasonRef<'a> {
    /// The owned form.
    #[must_use]
    pub fn to_reason(&self) -> DenyReason {
        match self {
            Self::TidMismatch => DenyReason::TidMismatch,
            Self::MissingCaveat(kind) => DenyReason::MissingCaveat(*kind),
            Self::LifetimeExceeded => DenyReason::LifetimeExceeded,
            Self::AudienceNotNamed => DenyReason::AudienceNotNamed,
            Self::BadAudience => DenyReason::BadAudience,
            Self::MethodNotAllowed => DenyReason::MethodNotAllowed,
            Self::PathNotAllowed => DenyReason::PathNotAllowed,
            Self::IpNotAllowed => DenyReason::IpNotAllowed,
            Self::BytesExceed => DenyReason::BytesExceed,
            Self::TenantMismatch => DenyReason::TenantMismatch,
            Self::AmnesiaMismatch => DenyReason::AmnesiaMismatch,
            Self::GovPolicyDigestMismatch => DenyReason::GovPolicyDigestMismatch,
            Self::Unhandled { ns, name } => {
                DenyReason::Unhandled { ns: ns.as_str().to_owned(), name: name.as_str().to_owned() }
            }
            Self::Custom(reason) => DenyReason::Custom(reason.clone().into_owned()),
        }
    }

    /// The reason's code, for machines: stable, and [listed](crate::specification::codes).
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TidMismatch => "tenant.mismatch",
            Self::MissingCaveat(kind) => kind.code_where_missing(),
            Self::LifetimeExceeded => "demand.lifetime",
            Self::AudienceNotNamed => "demand.audience",
            Self::BadAudience => "caveat.aud",
            Self::MethodNotAllowed => "caveat.method",
            Self::PathNotAllowed => "caveat.path",
            Self::IpNotAllowed => "caveat.ip",
            Self::BytesExceed => "caveat.bytes",
            Self::TenantMismatch => "caveat.tenant",
            Self::AmnesiaMismatch => "caveat.amnesia",
            Self::GovPolicyDigestMismatch => "caveat.policy_digest",
            Self::Unhandled { .. } => "caveat.custom.unknown",
            Self::Custom(_) => "caveat.custom.failed",
        }
    }

    /// The reason's name, as vector files spell it. It says what is wrong and not what found it: a refusal by the
    /// scope has the name of the caveat's, `MethodNotAllowed` for one.
    ///
    /// For a `Custom` caveat it is `unhandled:NS/NAME` or what its handler said, raw: text that the token's issuer
    /// may have chosen. For logs use `Display`, and to tell reasons apart use [`code`](Self::code).
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        Cow::Borrowed(match self {
            Self::TidMismatch | Self::TenantMismatch => "TenantMismatch",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::PathNotAllowed => "PathNotAllowed",
            Self::BytesExceed => "BytesExceed",
            Self::MissingCaveat(_) => "MissingCaveat",
            Self::LifetimeExceeded => "LifetimeExceeded",
            Self::AudienceNotNamed => "AudienceNotNamed",
            Self::BadAudience => "BadAudience",
            Self::IpNotAllowed => "IpNotAllowed",
            Self::AmnesiaMismatch => "amnesia_mismatch",
            Self::GovPolicyDigestMismatch => "gov_policy_digest_mismatch",
            Self::Unhandled { ns, name } => return format!("unhandled:{}/{}", ns.as_str(), name.as_str()).into(),
            Self::Custom(reason) => return reason.clone(),
        })
    }
}

/// For logs: characters of a token or of a handler that don't print are escaped.
impl fmt::Display for DenyReasonRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TidMismatch | Self::TenantMismatch => "token is for another tenant",
            Self::MethodNotAllowed => "method is not permitted",
            Self::PathNotAllowed => "path is not permitted",
            Self::BytesExceed => "request is longer than permitted, or of unknown length",
            Self::MissingCaveat(kind) => return write!(f, "token has no {kind:?} caveat, which is demanded"),
            Self::LifetimeExceeded => "token expires later than is demanded, or never",
            Self::AudienceNotNamed => "token does not name this audience, which is demanded",
            Self::BadAudience => "token is for another audience",
            Self::IpNotAllowed => "peer address is not permitted",
            Self::AmnesiaMismatch => "amnesia_mismatch",
            Self::GovPolicyDigestMismatch => "gov_policy_digest_mismatch",
            Self::Unhandled { ns, name } => {
                return write!(f, "unhandled:{}/{}", Shown::up_to(ns.as_str(), '/'), Shown::new(name.as_str()));
            }
            Self::Custom(reason) => return Shown::new(reason).fmt(f),
        })
    }
}

impl<'a> From<&'a DenyReason> for DenyReasonRef<'a> {
    fn from(reason: &'a DenyReason) -> Self {
        match reason {
            DenyReason::TidMismatch => Self::TidMismatch,
            DenyReason::MissingCaveat(kind) => Self::MissingCaveat(*kind),
            DenyReason::LifetimeExceeded => Self::LifetimeExceeded,
            DenyReason::AudienceNotNamed => Self::AudienceNotNamed,
            DenyReason::BadAudience => Self::BadAudience,
            DenyReason::MethodNotAllowed => Self::MethodNotAllowed,
            DenyReason::PathNotAllowed => Self::PathNotAllowed,
            DenyReason::IpNotAllowed => Self::IpNotAllowed,
            DenyReason::BytesExceed => Self::BytesExceed,
            DenyReason::TenantMismatch => Self::TenantMismatch,
            DenyReason::AmnesiaMismatch => Self::AmnesiaMismatch,
            DenyReason::GovPolicyDigestMismatch => Self::GovPolicyDigestMismatch,
            DenyReason::Unhandled { ns, name } => {
                Self::Unhandled { ns: Text::from(ns.as_str()), name: Text::from(name.as_str()) }
            }
            DenyReason::Custom(reason) => Self::Custom(Cow::Borrowed(reason)),
        }
    }
}
