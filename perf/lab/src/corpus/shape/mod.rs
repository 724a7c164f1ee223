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
    /// Whether keys and a context said what each token comes to. Otherwise every token is meant to be allowed.
    pub judged: bool,
    /// The verifier's settings.
    pub settings: ConfigShape,
    /// The request.
    pub request: RequestShape,
    /// Tenant namespaces.
    pub tenants: Vec<Tenant>,
    /// Keys.
    pub keys: Vec<KeyShape>,
    /// Nets of `IpCidr` caveats.
    pub nets: Vec<Net>,
    /// Namespaces of `Custom` caveats.
    pub namespaces: Vec<Namespace>,
    /// Distinct shapes of tokens; never empty.
    pub tokens: Vec<TokenShape>,
}

/// The request that tokens are judged against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestShape {
    /// How wide the time is below which an `Exp` fails.
    pub now: Width,
    /// Its method.
    pub method: Method,
    /// Lengths of the parts of its path between slashes.
    pub path_segment_bytes: Vec<usize>,
    /// Length of its tenant.
    pub tenant_bytes: usize,
    /// Length of the service's audience, if it has one.
    pub audience_bytes: Option<usize>,
    /// Length of the policy's digest, if there is one.
    pub policy_digest_bytes: Option<usize>,
    /// Family of the peer's address, if known.
    pub peer: Option<Family>,
    /// How wide the body's length is, if known.
    pub content_len: Option<Width>,
}

/// A tenant namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Length of its name.
    pub tid_bytes: usize,
    /// Whether it is the request's.
    pub is_ours: bool,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyShape {
    /// Whose it is: a number of [`Shape::tenants`].
    pub tenant: usize,
    /// Length of its id.
    pub kid_bytes: usize,
    /// Whether the verifier has it.
    pub is_known: bool,
}

/// A net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Net {
    /// Length of its text.
    pub text_bytes: usize,
    /// Family of its address; none if the text is no net.
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
    /// Prefix lengths are rounded up to a multiple of this: an octet or a group, in bits.
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
    /// Length of its name.
    pub ns_bytes: usize,
    /// Whether a handler is registered for it.
    pub is_handled: bool,
}

/// The shape of a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenShape {
    /// How many tokens have it.
    pub count: usize,
    /// What it is signed with: a number of [`Shape::keys`].
    pub key: usize,
    /// Whether its MAC matches.
    pub mac_matches: bool,
    /// What it grants.
    pub scope: ScopeShape,
    /// Its conditions, in token order.
    pub caveats: Vec<Intended<CaveatShape>>,
}

/// The shape of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeShape {
    /// Length of the prefix, if there is one.
    pub prefix_bytes: Option<Intended<usize>>,
    /// The methods.
    pub methods: Intended<Vec<Method>>,
    /// How wide the limit is, if there is one.
    pub max_bytes: Option<Intended<Width>>,
}

/// Something that the request either meets or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intended<T> {
    /// What it is.
    pub is: T,
    /// Whether the request meets it. Left out where it does.
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

/// The shape of a caveat. Its wire name, and the sizes of its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is the caveat of the same name; lengths are in bytes")]
pub enum CaveatShape {
    Exp(Width),
    Nbf(Width),
    Aud(usize),
    Method(Vec<Method>),
    PathPrefix(usize),
    /// A number of [`Shape::nets`].
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
        /// A number of [`Shape::namespaces`].
        namespace: usize,
        name_bytes: usize,
        cbor_bytes: usize,
    },
}

impl Shape {
    /// How many tokens it describes.
    #[must_use]
    pub fn token_count(&self) -> usize {
        self.tokens.iter().map(|token| token.count).sum()
    }
}
