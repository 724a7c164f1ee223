//! The shape of a service's tokens: every size that decides what verifying them costs, and nothing of what they say.
//!
//! # The file
//! A corpus file is JSON, `"format": 1`, with a distinct shape of a token on each line. In it
//!
//! - texts are lengths in bytes, and integers the 1, 2, 3, 5 or 9 bytes that CBOR takes for them;
//! - whatever tokens have in common (tenants, keys, nets, namespaces of custom caveats) is a number, counted from 0 in
//!   the order in which they were first met, so that what recurs recurs;
//! - methods are names if RFC 9110 or RFC 5789 has them, and else lengths;
//! - a net is its family, the length of its text, and its prefix length, rounded up to whole octets (IPv4) or groups
//!   (IPv6);
//! - the value of a custom caveat is its length alone: a nested one becomes a text of that length;
//! - whatever was judged has `holds`: whether it held for the request that came with the import.
//!
//! No name, path, address, digest, time or MAC of the original is in it, and no key.

mod file;
pub mod outcome;
mod settings;
mod sizes;

use serde::{Deserialize, Serialize};

pub use self::file::MAX_TOKENS;
pub use self::settings::{ConfigShape, SemanticsShape};
pub use self::sizes::{Method, Width};

/// The shape of a corpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Version of the format: 1.
    pub format: u32,
    /// Whether the outcomes were judged with keys and a context. Otherwise every token is meant to be allowed.
    pub judged: bool,
    /// Settings of the verifier.
    pub settings: ConfigShape,
    /// The request that tokens are judged against.
    pub request: RequestShape,
    /// Tenant namespaces that tokens name.
    pub tenants: Vec<Tenant>,
    /// Keys that tokens are signed with.
    pub keys: Vec<KeyShape>,
    /// Nets that `IpCidr` caveats name.
    pub nets: Vec<Net>,
    /// Namespaces that `Custom` caveats name.
    pub namespaces: Vec<Namespace>,
    /// Distinct shapes of tokens; never empty.
    pub tokens: Vec<TokenShape>,
}

/// The request that tokens are judged against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestShape {
    /// Width of the current time, as an integer.
    pub now: Width,
    /// Method of the request.
    pub method: Method,
    /// Lengths of the segments of its path, in bytes.
    pub path_segment_bytes: Vec<usize>,
    /// Length of its tenant namespace, in bytes.
    pub tenant_bytes: usize,
    /// Length of the service's audience, in bytes; `None` if it has none.
    pub audience_bytes: Option<usize>,
    /// Length of the policy's digest, in bytes; `None` if there is none.
    pub policy_digest_bytes: Option<usize>,
    /// Family of the peer's address; `None` if that is unknown.
    pub peer: Option<Family>,
    /// Width of the body's length, as an integer; `None` if that is unknown.
    pub content_len: Option<Width>,
}

/// A tenant namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Length of its name in bytes.
    pub tid_bytes: usize,
    /// Whether it is the request's tenant.
    pub is_ours: bool,
}

/// A key that tokens are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyShape {
    /// Index into [`Shape::tenants`] of the tenant that it belongs to.
    pub tenant: usize,
    /// Length of its key id in bytes.
    pub kid_bytes: usize,
    /// Whether the verifier has the key.
    pub is_known: bool,
}

/// A net that caveats name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Net {
    /// Length of its text in bytes.
    pub text_bytes: usize,
    /// Family of its address; `None` if the text is not a net.
    pub family: Option<Family>,
    /// Its prefix length in bits, rounded up to a multiple of [`Family::step`].
    pub prefix_len_up_to: u8,
    /// Whether it permits the peer.
    pub holds: bool,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names of the families")]
pub enum Family {
    V4,
    V6,
}

impl Family {
    /// The unit that prefix lengths are rounded up to, in bits: an octet or a group.
    #[must_use]
    pub const fn step(self) -> u8 {
        match self {
            Self::V4 => 8,
            Self::V6 => 16,
        }
    }
}

/// A namespace of custom caveats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Namespace {
    /// Length of its name in bytes.
    pub ns_bytes: usize,
    /// Whether a handler is registered for it.
    pub is_handled: bool,
}

/// The shape of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenShape {
    /// Number of tokens that have this shape.
    pub count: usize,
    /// Index into [`Shape::keys`] of the key that signs it.
    pub key: usize,
    /// Whether the MAC is right.
    pub mac_matches: bool,
    /// Shape of its scope.
    pub scope: ScopeShape,
    /// Shapes of its caveats, in the order of the token.
    pub caveats: Vec<Intended<CaveatShape>>,
}

/// The shape of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeShape {
    /// Length of the path prefix in bytes; `None` if there is none.
    pub prefix_bytes: Option<Intended<usize>>,
    /// Methods that are granted.
    pub methods: Intended<Vec<Method>>,
    /// Width of the limit on the body; `None` if there is none.
    pub max_bytes: Option<Intended<Width>>,
}

/// A part of a token that the request either meets or does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intended<T> {
    /// Shape of the part.
    pub is: T,
    /// Whether the request meets it. The file leaves it out where it is true.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub holds: bool,
}

const fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
const fn is_yes(holds: &bool) -> bool {
    *holds
}

/// The shape of a caveat: its wire name, and the sizes of its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the caveat of the same name; lengths are in bytes")]
pub enum CaveatShape {
    Exp(Width),
    Nbf(Width),
    Aud(usize),
    Method(Vec<Method>),
    PathPrefix(usize),
    /// Index into [`Shape::nets`].
    IpCidr(usize),
    BytesLe(Width),
    Rate {
        per_s: Width,
        burst: Width,
    },
    Tenant(usize),
    Amnesia,
    GovPolicyDigest(usize),
    Custom {
        /// Index into [`Shape::namespaces`].
        namespace: usize,
        name_bytes: usize,
        cbor_bytes: usize,
    },
}

impl Shape {
    /// Number of tokens that the shape describes.
    #[must_use]
    pub fn token_count(&self) -> usize {
        self.tokens.iter().map(|token| token.count).sum()
    }
}
