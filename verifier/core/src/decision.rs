//! What verification comes to, borrowed ([`Verdict`]) and owned ([`Decision`]).

use std::borrow::Cow;
use std::fmt;

use smallvec::SmallVec;

use crate::capability::{Rate, Scope};
use crate::view::{ScopeView, Text};

/// The outcome for a token that verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
        /// Why: tenant and scope first, then caveats in token order; never empty.
        reasons: Vec<DenyReason>,
    },
}

impl Decision {
    /// Whether the token permits the request.
    #[must_use]
    pub const fn is_allow(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }
}

/// Why a token does not permit a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenyReason {
    /// `Aud` names another audience, or the service's is unknown.
    BadAudience,
    /// `Method`, or the scope, does not list the request's method.
    MethodNotAllowed,
    /// `PathPrefix`, or the scope, does not cover the request's path.
    PathNotAllowed,
    /// `IpCidr` does not contain the peer, or the peer is unknown.
    IpNotAllowed,
    /// `BytesLe`, or the scope, permits fewer bytes than the request has, or its length is unknown.
    BytesExceed,
    /// `Tenant`, or the token's tenant namespace, is not the request's tenant.
    TenantMismatch,
    /// Any other reason, by name: `gov_policy_digest_mismatch`, `amnesia_mismatch`, `unhandled:NS/NAME`, or
    /// what the handler of a custom caveat said.
    Custom(String),
}

impl DenyReason {
    /// The HTTP status a host answers with: the token is genuine, but does not permit this.
    pub const HTTP_STATUS: u16 = 403;
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadAudience => "token is for another audience",
            Self::MethodNotAllowed => "method is not permitted",
            Self::PathNotAllowed => "path is not permitted",
            Self::IpNotAllowed => "peer address is not permitted",
            Self::BytesExceed => "request is longer than permitted, or of unknown length",
            Self::TenantMismatch => "token is for another tenant",
            Self::Custom(reason) => reason,
        })
    }
}

/// A [`Decision`] that points into the token's bytes and owns nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
        /// Why, in token order; never empty.
        reasons: Reasons<'a>,
    },
}

/// Reasons in line: eight of them need no allocation.
pub type Reasons<'a> = SmallVec<[DenyReasonRef<'a>; 8]>;

/// Obligations in line: four of them need no allocation.
pub type Obligations = SmallVec<[Rate; 4]>;

impl Verdict<'_> {
    /// Whether the token permits the request.
    #[must_use]
    pub const fn is_allow(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    /// The owned form.
    #[must_use]
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
    /// A custom caveat that no handler is registered for.
    Unhandled {
        /// Its namespace.
        ns: Text<'a>,
        /// Its name.
        name: Text<'a>,
    },
    /// A reason by name.
    Custom(Cow<'static, str>),
}

impl DenyReasonRef<'_> {
    /// The owned form.
    #[must_use]
    pub fn to_reason(&self) -> DenyReason {
        match self {
            Self::BadAudience => DenyReason::BadAudience,
            Self::MethodNotAllowed => DenyReason::MethodNotAllowed,
            Self::PathNotAllowed => DenyReason::PathNotAllowed,
            Self::IpNotAllowed => DenyReason::IpNotAllowed,
            Self::BytesExceed => DenyReason::BytesExceed,
            Self::TenantMismatch => DenyReason::TenantMismatch,
            Self::Unhandled { ns, name } => DenyReason::Custom(format!("unhandled:{}/{}", ns.as_str(), name.as_str())),
            Self::Custom(reason) => DenyReason::Custom(reason.clone().into_owned()),
        }
    }
}
