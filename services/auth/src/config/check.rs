//! What is asked in front of a proxy's requests.

use std::path::PathBuf;

use ron_service::config::Impossible;
use serde::Deserialize;

/// `[check]`: `/v1/auth/check`, which a proxy asks before it lets a request through.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Check {
    /// Where the proxy says what its client asks for. Default: nowhere, and there is no such route.
    ///
    /// It is believed, so it has to be the proxy that says it: the proxy must set these headers itself on each request,
    /// and nobody else may reach the route.
    pub request_from: Option<RequestFrom>,
    /// File whose first line is a key of 64 hexadecimal digits. With it, a permit is repeated for a while to a browser
    /// that shows the cookie which came with it. Default: none, and no cookies.
    pub cookie_key_file: Option<PathBuf>,
    /// Seconds that a cookie is good for, from 1 to 300, and never past the end of what it was given for. A key that is
    /// retired meanwhile is not noticed. Default: 30.
    pub cookie_ttl_s: u64,
}

/// Where a proxy says what its client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestFrom {
    /// In `X-Original-Method` and `X-Original-URI`, as one has the `auth_request` of nginx send them.
    Original,
    /// In `X-Forwarded-Method` and `X-Forwarded-Uri`, as Traefik's `forwardAuth` and Caddy's `forward_auth` send them.
    Forwarded,
    /// In the method of the sub-request and behind its path `/v1/auth/check`, as Envoy's `ext_authz` over HTTP sends
    /// them with that `path_prefix`.
    Path,
}

impl Default for Check {
    fn default() -> Self {
        Self { request_from: None, cookie_key_file: None, cookie_ttl_s: 30 }
    }
}

impl Check {
    pub(super) fn check(&self) -> Result<(), Impossible> {
        if self.cookie_key_file.is_some() && self.request_from.is_none() {
            return Err(Impossible::new("check.cookie_key_file", "needs check.request_from beside it"));
        }
        if !(1..=300).contains(&self.cookie_ttl_s) {
            return Err(Impossible::new("check.cookie_ttl_s", "expected seconds from 1 to 300"));
        }
        Ok(())
    }
}
