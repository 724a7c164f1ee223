//! What a request for a token says.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ron_auth_core::{Caveat, Rate, Scope};
use serde::Deserialize;

/// Caveats of one token, `exp` not counted: with it, as many as a verifier takes by default.
pub(super) const MAX_CAVEATS: usize = 63;

/// `{"tenant": …, "scope": {"prefix": …, "methods": […], "max_bytes": …}, "caveats": […], "ttl_s": …}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) tenant: String,
    pub(super) scope: Scope,
    #[serde(default)]
    pub(super) caveats: Vec<Condition>,
    #[serde(default)]
    pub(super) ttl_s: Option<u64>,
}

/// A caveat: an object with its name as the only key, such as `{"path_prefix": "/a/"}`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Condition {
    Exp(u64),
    Nbf(u64),
    Aud(String),
    Method(Vec<String>),
    PathPrefix(String),
    IpCidr(String),
    BytesLe(u64),
    Rate(Rate),
    Tenant(String),
    Amnesia(bool),
    GovPolicyDigest(String),
    Custom(Custom),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Custom {
    ns: String,
    name: String,
    /// One CBOR item in standard Base64.
    cbor_b64: String,
}

impl Condition {
    /// `None` for CBOR that is not Base64.
    pub(super) fn caveat(self) -> Option<Caveat> {
        Some(match self {
            Self::Exp(time) => Caveat::Exp(time),
            Self::Nbf(time) => Caveat::Nbf(time),
            Self::Aud(audience) => Caveat::Aud(audience),
            Self::Method(methods) => Caveat::methods(methods),
            Self::PathPrefix(prefix) => Caveat::PathPrefix(prefix),
            Self::IpCidr(net) => Caveat::IpCidr(net),
            Self::BytesLe(bytes) => Caveat::BytesLe(bytes),
            Self::Rate(rate) => Caveat::Rate(rate),
            Self::Tenant(tenant) => Caveat::Tenant(tenant),
            Self::Amnesia(on) => Caveat::Amnesia(on),
            Self::GovPolicyDigest(digest) => Caveat::GovPolicyDigest(digest),
            Self::Custom(Custom { ns, name, cbor_b64 }) => {
                Caveat::Custom { ns, name, cbor: BASE64_STANDARD.decode(cbor_b64).ok()? }
            }
        })
    }
}
