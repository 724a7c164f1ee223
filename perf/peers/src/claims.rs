//! The caveats as JSON claims, for tokens that have claims and leave their meaning to whoever reads them.

use std::borrow::Cow;
use std::collections::HashMap;

use anyhow::bail;
use ipnet::IpNet;
use ron_auth_core::{Caveat, RequestCtx};
use serde::{Deserialize, Serialize};

/// One object with a member for each kind of caveat; kinds that a token does not have are left out.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Claims {
    aud: String,
    exp: u64,
    tenant: String,
    methods: Vec<Cow<'static, str>>,
    path_prefixes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    nets: Vec<IpNet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amnesia: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    custom: Vec<Custom>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Custom {
    ns: String,
    name: String,
    value: Option<u64>,
}

impl Claims {
    /// Of these caveats.
    ///
    /// # Errors
    /// A kind of caveat that neither `light` nor `heavy` has, or a net that is none.
    pub fn of(caveats: &[Caveat]) -> anyhow::Result<Self> {
        let mut claims = Self::default();
        for caveat in caveats.iter().cloned() {
            match caveat {
                Caveat::Aud(aud) => claims.aud = aud,
                Caveat::Exp(exp) => claims.exp = exp,
                Caveat::Tenant(tenant) => claims.tenant = tenant,
                Caveat::Method(methods) => claims.methods = methods,
                Caveat::PathPrefix(prefix) => claims.path_prefixes.push(prefix),
                Caveat::IpCidr(net) => claims.nets.push(net.parse()?),
                Caveat::BytesLe(bytes) => claims.max_bytes = Some(bytes),
                Caveat::Amnesia(amnesia) => claims.amnesia = Some(amnesia),
                Caveat::Custom { ns, name, .. } => claims.custom.push(Custom { ns, name, value: None }),
                other => bail!("no claim for {other:?}"),
            }
        }
        Ok(claims)
    }

    /// Whether the request has the audience and comes before the expiry: for libraries that do not check these two
    /// themselves.
    pub fn audience_and_expiry_hold(&self, request: &RequestCtx<'_>) -> bool {
        request.known_audience() == Some(&self.aud) && request.now_unix_s() <= self.exp
    }

    /// Whether all else holds.
    pub fn hold(&self, request: &RequestCtx<'_>, handlers: &Handlers) -> bool {
        self.tenant == request.tenant()
            && self.methods.iter().any(|method| method.eq_ignore_ascii_case(request.method()))
            && self.path_prefixes.iter().all(|prefix| request.path().starts_with(prefix.as_str()))
            && self.nets.iter().all(|net| request.known_peer_ip().is_some_and(|ip| net.contains(&ip)))
            && self.max_bytes.is_none_or(|most| request.known_content_len().is_some_and(|len| len <= most))
            && self.amnesia.is_none_or(|amnesia| request.is_amnesia() == amnesia)
            && self.custom.iter().all(|custom| handlers.hold(&custom.ns, &custom.name))
    }
}

/// Judges custom caveats by namespace, as the handlers of a ron-auth configuration do.
#[derive(Clone, Debug)]
pub struct Handlers(HashMap<&'static str, fn(&str) -> bool>);

impl Handlers {
    /// The one that the fixtures want: it accepts every name.
    pub fn of_the_fixtures() -> Self {
        Self(HashMap::from([("demo", (|_| true) as fn(&str) -> bool)]))
    }

    /// Whether there is a handler for the namespace, and it accepts.
    pub fn hold(&self, ns: &str, name: &str) -> bool {
        self.0.get(ns).is_some_and(|handler| handler(name))
    }
}
