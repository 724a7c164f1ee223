//! The outcome of a token without its content: the kinds of reasons and errors, in their order.

use std::fmt;

use ron_auth_core::{AuthError, Decision, DenyReason};

use super::{CaveatShape, SemanticsShape, Shape, TokenShape};

/// The outcome of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TokenOutcome {
    /// The token permits the request.
    Allowed,
    /// It does not permit the request, for reasons of these kinds, in their order.
    Denied(Vec<&'static str>),
    /// The token is refused with the error of this name.
    Failed(&'static str),
}

impl TokenOutcome {
    /// The outcome that a result stands for.
    #[must_use]
    pub fn of(result: &Result<Decision, AuthError>) -> Self {
        match result {
            Ok(Decision::Deny { reasons }) => Self::Denied(reasons.iter().map(kind_of_reason).collect()),
            Ok(_) => Self::Allowed,
            Err(error) => Self::Failed(error.name()),
        }
    }
}

impl fmt::Display for TokenOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => f.write_str("allowed"),
            Self::Denied(reasons) => write!(f, "denied ({})", reasons.join(", ")),
            Self::Failed(error) => write!(f, "error {error}"),
        }
    }
}

const UNHANDLED: &str = "Custom without a handler";
const REFUSED: &str = "Custom refused by its handler";
const AMNESIA: &str = "amnesia_mismatch";
const POLICY_DIGEST: &str = "gov_policy_digest_mismatch";

fn kind_of_reason(reason: &DenyReason) -> &'static str {
    match reason {
        DenyReason::BadAudience => "BadAudience",
        DenyReason::MethodNotAllowed => "MethodNotAllowed",
        DenyReason::PathNotAllowed => "PathNotAllowed",
        DenyReason::IpNotAllowed => "IpNotAllowed",
        DenyReason::BytesExceed => "BytesExceed",
        DenyReason::TidMismatch | DenyReason::TenantMismatch => "TenantMismatch",
        DenyReason::AmnesiaMismatch => AMNESIA,
        DenyReason::GovPolicyDigestMismatch => POLICY_DIGEST,
        DenyReason::Unhandled { .. } => UNHANDLED,
        _ => REFUSED,
    }
}

impl Shape {
    /// The intended outcome of a token of this shape.
    #[must_use]
    pub fn outcome_of(&self, token: &TokenShape) -> TokenOutcome {
        let key = self.keys.get(token.key);
        if token.caveats.len() > self.settings.max_caveats {
            return TokenOutcome::Failed(AuthError::Bounds.name());
        }
        if !key.is_some_and(|key| key.is_known) {
            return TokenOutcome::Failed(AuthError::UnknownKid.name());
        }
        if !token.mac_matches {
            return TokenOutcome::Failed(AuthError::MacMismatch.name());
        }
        let mut reasons = Vec::new();
        if self.settings.semantics == SemanticsShape::Strict {
            let is_ours = key.and_then(|key| self.tenants.get(key.tenant)).is_some_and(|tenant| tenant.is_ours);
            let scope = &token.scope;
            let of_the_grant = [
                (!is_ours, "TenantMismatch"),
                (!scope.methods.holds, "MethodNotAllowed"),
                (scope.prefix_bytes.as_ref().is_some_and(|prefix| !prefix.holds), "PathNotAllowed"),
                (scope.max_bytes.as_ref().is_some_and(|limit| !limit.holds), "BytesExceed"),
            ];
            reasons.extend(of_the_grant.into_iter().filter(|(refuses, _)| *refuses).map(|(_, reason)| reason));
        }
        for caveat in token.caveats.iter().filter(|caveat| !caveat.holds) {
            reasons.push(match &caveat.is {
                CaveatShape::Exp(_) => return TokenOutcome::Failed(AuthError::Expired.name()),
                CaveatShape::Nbf(_) => return TokenOutcome::Failed(AuthError::NotYetValid.name()),
                CaveatShape::Aud(_) => "BadAudience",
                CaveatShape::Method(_) => "MethodNotAllowed",
                CaveatShape::PathPrefix(_) => "PathNotAllowed",
                CaveatShape::IpCidr(_) => "IpNotAllowed",
                CaveatShape::BytesLe(_) => "BytesExceed",
                CaveatShape::Tenant(_) => "TenantMismatch",
                CaveatShape::Amnesia => AMNESIA,
                CaveatShape::GovPolicyDigest(_) => POLICY_DIGEST,
                // It only ever obliges.
                CaveatShape::Rate { .. } => continue,
                CaveatShape::Custom { namespace, .. } => {
                    let is_handled = self.namespaces.get(*namespace).is_some_and(|namespace| namespace.is_handled);
                    if is_handled { REFUSED } else { UNHANDLED }
                }
            });
        }
        if reasons.is_empty() { TokenOutcome::Allowed } else { TokenOutcome::Denied(reasons) }
    }
}
