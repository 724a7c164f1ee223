//! Why a token is denied, by what finds it: the one place that knows how [`DenyReason`] spells it.

use ron_auth_core::DenyReason;

/// The token's tenant namespace.
pub fn tid() -> DenyReason {
    DenyReason::TidMismatch
}

/// The scope's methods, prefix and length.
pub fn scope_methods() -> DenyReason {
    DenyReason::MethodNotAllowed
}

pub fn scope_prefix() -> DenyReason {
    DenyReason::PathNotAllowed
}

pub fn scope_max_bytes() -> DenyReason {
    DenyReason::BytesExceed
}

/// Caveats.
pub fn aud() -> DenyReason {
    DenyReason::BadAudience
}

pub fn method() -> DenyReason {
    DenyReason::MethodNotAllowed
}

pub fn path() -> DenyReason {
    DenyReason::PathNotAllowed
}

pub fn ip() -> DenyReason {
    DenyReason::IpNotAllowed
}

pub fn bytes() -> DenyReason {
    DenyReason::BytesExceed
}

pub fn tenant() -> DenyReason {
    DenyReason::TenantMismatch
}

pub fn amnesia() -> DenyReason {
    DenyReason::AmnesiaMismatch
}

pub fn digest() -> DenyReason {
    DenyReason::GovPolicyDigestMismatch
}

/// No handler for a custom caveat of these names.
pub fn unhandled(ns: &str, name: &str) -> DenyReason {
    DenyReason::Unhandled { ns: ns.into(), name: name.into() }
}

/// What the handler said.
pub fn refused(reason: &str) -> DenyReason {
    DenyReason::Custom(reason.into())
}
