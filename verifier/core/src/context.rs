//! What the host knows of the request that a token came with.

use std::borrow::Cow;
use std::net::IpAddr;

/// The request a token is judged against. Time is passed in: the library never reads a clock.
///
/// What is not set is unknown, and under the strict semantics a caveat about something unknown denies. Two things are
/// never unknown:
/// - Amnesia mode is off unless it is set, so `Amnesia(false)` passes on a host that forgot to say that it is on.
/// - Text is compared as it is, and empty text is text: for the tenant `""` a token of tenant namespace `""` is ours,
///   and so with `audience` and `policy_digest`. A host whose configuration may be missing must check that it is there,
///   not put `""` in its place. (A [demanded](crate::Demands::audience) audience is never empty.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestCtx<'a> {
    now_unix_s: u64,
    method: Cow<'a, str>,
    path: Cow<'a, str>,
    tenant: Cow<'a, str>,
    peer_ip: Option<IpAddr>,
    audience: Option<Cow<'a, str>>,
    policy_digest: Option<Cow<'a, str>>,
    content_len_bytes: Option<u64>,
    amnesia: bool,
}

impl<'a> RequestCtx<'a> {
    /// A request at `now_unix_s` (seconds since the Unix epoch). The method is upper-cased here, once;
    /// an upper-case borrowed method is not copied.
    ///
    /// # The path
    /// `path` is the path of the request's target as the client wrote it: not decoded, not normalized, nothing
    /// stripped, and without query (`?` and what follows). A server that is handed the request must find that same path
    /// in it; if a proxy rewrites paths, verify behind it. A decoded path is judged wrongly: `/a%252fb` decoded is
    /// `/a%2fb`, and `%2f` decoded is a slash like any other.
    ///
    /// A target that is a whole URL (`http://host/path`, as proxies get) is for the host to cut; an empty path in one
    /// is `/`. What does not begin with `/` is allowed by no prefix under the strict semantics.
    ///
    /// The strict semantics refuse, by [`PathNotAllowed`](crate::DenyReason::PathNotAllowed), each path that some
    /// server resolves to another one: dot segments and separators however they are encoded, parameters after dots,
    /// backslashes, controls, what is not UTF-8 and more ([the rule](crate::specification::wire_v1#paths)). They can't
    /// do so for a token that has no prefix at all, nor for a server that reads names as no other does.
    pub fn new(
        now_unix_s: u64,
        method: impl Into<Cow<'a, str>>,
        path: impl Into<Cow<'a, str>>,
        tenant: impl Into<Cow<'a, str>>,
    ) -> Self {
        let mut method = method.into();
        if method.bytes().any(|b| b.is_ascii_lowercase()) {
            method.to_mut().make_ascii_uppercase();
        }
        Self {
            now_unix_s,
            method,
            path: path.into(),
            tenant: tenant.into(),
            peer_ip: None,
            audience: None,
            policy_digest: None,
            content_len_bytes: None,
            amnesia: false,
        }
    }

    /// The peer's address, if known.
    #[must_use]
    pub fn peer_ip(mut self, peer_ip: impl Into<Option<IpAddr>>) -> Self {
        self.peer_ip = peer_ip.into();
        self
    }

    /// Who this service is, for `Aud` caveats.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<Cow<'a, str>>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Digest of the policy in force, for `GovPolicyDigest` caveats (and `Aud` under compat).
    #[must_use]
    pub fn policy_digest(mut self, policy_digest: impl Into<Cow<'a, str>>) -> Self {
        self.policy_digest = Some(policy_digest.into());
        self
    }

    /// Length of the request's body in bytes, if known.
    #[must_use]
    pub fn content_len(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.content_len_bytes = bytes.into();
        self
    }

    /// Whether the service runs in amnesia mode. Default: `false`, which is a statement, not the lack of one.
    #[must_use]
    pub const fn amnesia(mut self, amnesia: bool) -> Self {
        self.amnesia = amnesia;
        self
    }
}

/// What was set, for handlers of custom caveats and for the evaluators.
impl RequestCtx<'_> {
    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn now_unix_s(&self) -> u64 {
        self.now_unix_s
    }

    /// The request's method, in ASCII upper case.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The request's path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tenant that the request is for.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// See [`peer_ip`](Self::peer_ip).
    #[must_use]
    pub const fn known_peer_ip(&self) -> Option<IpAddr> {
        self.peer_ip
    }

    /// See [`audience`](Self::audience).
    #[must_use]
    pub fn known_audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    /// See [`policy_digest`](Self::policy_digest).
    #[must_use]
    pub fn known_policy_digest(&self) -> Option<&str> {
        self.policy_digest.as_deref()
    }

    /// See [`content_len`](Self::content_len).
    #[must_use]
    pub const fn known_content_len(&self) -> Option<u64> {
        self.content_len_bytes
    }

    /// See [`amnesia`](Self::amnesia).
    #[must_use]
    pub const fn is_amnesia(&self) -> bool {
        self.amnesia
    }
}
