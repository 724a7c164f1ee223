//! Who the bearer of a service's secret is.

use std::fs;

use ron_service::axum::http::HeaderMap;

use crate::bearer::{Bearer, bearer};
use crate::config::Account;

/// Secrets of accounts are kept as digests, which are compared in constant time.
pub(crate) struct Accounts(Vec<(blake3::Hash, String)>);

/// An account whose secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("authzen.accounts: {name}: {reason}")]
pub struct BadAccount {
    name: String,
    reason: String,
}

const EXPECTED: &str = "expected a secret of at least 16 printable characters without spaces in the first line";

impl Accounts {
    pub(crate) fn new(accounts: &[Account]) -> Result<Self, BadAccount> {
        let known = |account: &Account| match digest(account) {
            Ok(digest) => Ok((digest, account.name.clone())),
            Err(reason) => Err(BadAccount { name: account.name.clone(), reason }),
        };
        accounts.iter().map(known).collect::<Result<_, _>>().map(Self)
    }

    /// The name of the account whose secret is presented. Takes the same time for each, and for none.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<&str> {
        let Bearer::One(secret) = bearer(headers) else { return None };
        let presented = blake3::hash(secret.as_bytes());
        let mut found = None;
        for (digest, name) in &self.0 {
            // The equality of digests is that of constant time.
            if *digest == presented {
                found = Some(name.as_str());
            }
        }
        found
    }
}

fn digest(account: &Account) -> Result<blake3::Hash, String> {
    if let Some(text) = &account.token_blake3 {
        return blake3::Hash::from_hex(text.trim())
            .map_err(|_| "token_blake3: expected 64 hexadecimal digits".to_owned());
    }
    let path = account.token_file.clone().unwrap_or_default();
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let secret = text.lines().next().unwrap_or_default().trim_end();
    if secret.len() < 16 || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("{}: {EXPECTED}", path.display()));
    }
    Ok(blake3::hash(secret.as_bytes()))
}
