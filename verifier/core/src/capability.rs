//! The owned form of a token's content.

use std::borrow::Cow;
use std::fmt;

use crate::chain::Tag;
use crate::view::Text;

/// What a token says: whose it is, what it grants, and under which conditions.
///
/// Two of them are compared, MACs included, in a time that does not depend on where MACs differ; `Debug` leaves the MAC
/// out.
#[derive(Clone)]
#[non_exhaustive]
pub struct Capability {
    /// Tenant namespace: with `kid`, names the MAC key.
    pub tid: String,
    /// Key id.
    pub kid: String,
    /// What is granted.
    pub scope: Scope,
    /// Conditions, all of which must hold, in the order in which they were added.
    pub caveats: Vec<Caveat>,
    /// Last tag of the MAC chain. To compare it with another, make [`Tag`]s of both.
    pub mac: [u8; 32],
}

impl Capability {
    /// Puts the parts of a decoded token together. Nothing is checked; to mint, use
    /// [`CapabilityBuilder`](crate::CapabilityBuilder).
    #[must_use]
    pub const fn from_parts(tid: String, kid: String, scope: Scope, caveats: Vec<Caveat>, mac: [u8; 32]) -> Self {
        Self { tid, kid, scope, caveats, mac }
    }
}

impl PartialEq for Capability {
    fn eq(&self, other: &Self) -> bool {
        let Self { tid, kid, scope, caveats, mac } = self;
        Tag::from_bytes(*mac) == Tag::from_bytes(other.mac)
            && (tid, kid, scope, caveats) == (&other.tid, &other.kid, &other.scope, &other.caveats)
    }
}

impl Eq for Capability {}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tid, kid, scope, caveats, mac: _ } = self;
        f.debug_struct("Capability")
            .field("tid", tid)
            .field("kid", kid)
            .field("scope", scope)
            .field("caveats", caveats)
            .finish_non_exhaustive()
    }
}

/// What a token grants. The strict semantics enforce it against the request; the compat semantics only return it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Scope {
    /// Path prefix; `None` grants every path.
    // Stated: without this, serde takes a prefix that is not there for `None`.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "serde::Deserialize::deserialize"))]
    pub prefix: Option<String>,
    /// Methods granted. An empty list grants none. The names of standard methods are borrowed.
    pub methods: Vec<Cow<'static, str>>,
    /// Largest request body in bytes; `None` sets no limit.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "serde::Deserialize::deserialize"))]
    pub max_bytes: Option<u64>,
}

impl Scope {
    /// A scope of these methods below this path prefix, with no limit on the body.
    #[must_use]
    pub fn new<M: Into<Cow<'static, str>>>(prefix: impl Into<String>, methods: impl IntoIterator<Item = M>) -> Self {
        Self { prefix: Some(prefix.into()), methods: methods.into_iter().map(Into::into).collect(), max_bytes: None }
    }

    /// The same scope with a limit on the request body, in bytes.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = Some(max_bytes);
        self
    }
}

/// The name of a method, owned. Those of RFC 9110 and RFC 5789 take no allocation.
pub(crate) fn method_name(name: Text<'_>) -> Cow<'static, str> {
    Cow::Borrowed(match name.as_bytes() {
        b"GET" => "GET",
        b"HEAD" => "HEAD",
        b"POST" => "POST",
        b"PUT" => "PUT",
        b"DELETE" => "DELETE",
        b"CONNECT" => "CONNECT",
        b"OPTIONS" => "OPTIONS",
        b"TRACE" => "TRACE",
        b"PATCH" => "PATCH",
        _ => return Cow::Owned(name.as_str().to_owned()),
    })
}

/// One condition of a capability. How each is judged: the table in [the wire
/// format](crate::specification::wire_v1#semantics).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caveat {
    /// Not after this time, seconds since the Unix epoch.
    Exp(u64),
    /// Not before this time, seconds since the Unix epoch.
    Nbf(u64),
    /// The audience that the token is meant for.
    Aud(String),
    /// The request's method is one of these, compared without regard to ASCII case.
    Method(Vec<Cow<'static, str>>),
    /// The request's path lies below this prefix.
    PathPrefix(String),
    /// The peer's address lies in this net, in CIDR notation. Under the strict semantics `::/0` is every IPv6 peer and
    /// `0.0.0.0/0` every IPv4 peer, and neither is both. Addresses have no zone: `fe80::/10` holds on every interface.
    IpCidr(String),
    /// The request's body is at most this many bytes long.
    BytesLe(u64),
    /// A rate for the caller's limiter to honour.
    Rate(Rate),
    /// The request is for this tenant.
    Tenant(String),
    /// The service's amnesia mode equals this.
    Amnesia(bool),
    /// The governing policy's digest equals this.
    GovPolicyDigest(String),
    /// A condition of the host's own, judged by the handler registered for `ns`.
    Custom {
        /// Namespace.
        ns: String,
        /// Name within the namespace.
        name: String,
        /// Any one CBOR item in canonical form, raw.
        cbor: Vec<u8>,
    },
}

impl Caveat {
    /// A [`Method`](Self::Method) caveat that permits these.
    #[must_use]
    pub fn methods<M: Into<Cow<'static, str>>>(names: impl IntoIterator<Item = M>) -> Self {
        Self::Method(names.into_iter().map(Into::into).collect())
    }
}

/// A rate limit that a token carries. Any two numbers, zeros too: a limiter must not divide by them unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Rate {
    /// Requests per second.
    pub per_s: u32,
    /// Requests that may come at once.
    pub burst: u32,
}
