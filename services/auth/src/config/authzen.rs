//! Who may ask about others.

use std::path::PathBuf;

use ron_service::axum::http::Uri;
use ron_service::config::Impossible;
use ron_service::{Accounts, Credentials};
use serde::Deserialize;

/// The setting that names the accounts.
pub(crate) const ACCOUNTS: &str = "authzen.accounts";

/// `[authzen]`: the routes of AuthZEN 1.0. Without `accounts` they are not there.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthZen {
    /// The base URL that callers reach this service by, without a slash at its end, for the discovery document.
    /// Default: none; with accounts, needed.
    pub base_url: Option<String>,
    /// The types of subjects that are judged, whose ids the rules name. Others are denied: the ids of one type are not
    /// those of another. Default: `user`.
    pub subject_types: Vec<String>,
    /// The services that may ask. What they say of a subject is believed. Default: none.
    pub accounts: Vec<Account>,
}

/// A service that may ask about others. It presents its secret as `Authorization: Bearer SECRET`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Its name, in logs.
    pub name: String,
    /// File whose first line is the secret: this, or `token_blake3`.
    pub token_file: Option<PathBuf>,
    /// BLAKE3 digest of the secret in 64 hexadecimal digits, such as `printf %s SECRET | b3sum` prints.
    pub token_blake3: Option<String>,
}

impl ron_service::Account for Account {
    fn credentials(&self) -> Credentials<'_> {
        let Self { name, token_file, token_blake3 } = self;
        Credentials { name, token_file: token_file.as_deref(), token_blake3: token_blake3.as_deref() }
    }
}

impl Default for AuthZen {
    fn default() -> Self {
        Self { base_url: None, subject_types: vec!["user".to_owned()], accounts: Vec::new() }
    }
}

impl AuthZen {
    pub(super) fn check(&self) -> Result<(), Impossible> {
        Accounts::check(ACCOUNTS, &self.accounts)?;
        if self.subject_types.is_empty() || self.subject_types.iter().any(String::is_empty) {
            return Err(Impossible::new("authzen.subject_types", "expected at least one type of subjects"));
        }
        let is_good = match &self.base_url {
            None => self.accounts.is_empty(),
            Some(url) => url.parse::<Uri>().is_ok_and(|uri| {
                matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none() && !url.ends_with('/')
            }),
        };
        if is_good {
            return Ok(());
        }
        let reason = "expected the URL that callers reach this service by, such as \"https://pdp.example.com\"";
        Err(Impossible::new("authzen.base_url", reason))
    }
}
