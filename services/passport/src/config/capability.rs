//! Who may mint capability tokens, and for whom.

use std::path::PathBuf;

use ron_kms::{KeyRef, KidScheme};
use ron_service::config::Impossible;
use ron_service::{Accounts, Credentials};
use serde::Deserialize;

/// The setting that names the accounts.
pub(crate) const ACCOUNTS: &str = "capability.accounts";

/// `[capability]`: who may mint capability tokens, and for whom. Without `accounts` the route is not there.
///
/// The MAC keys are kept where the signing key is, one for each tenant: a service that verifies these tokens reads them
/// from there.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capability {
    /// The services that may. Default: none.
    pub accounts: Vec<Account>,
    /// Name of each tenant's MAC key in the store. Default: `capability`.
    pub key_name: String,
    /// How its key ids are spelled; `{N}` is the version. Default: `capability-v{N}`.
    pub kid_scheme: String,
    /// Seconds that a token is good for, if its request does not say. Default: 300.
    pub default_ttl_s: u64,
    /// Seconds that a token is good for at most. A MAC key that was replaced verifies for so long. Default: 3,600.
    pub max_ttl_s: u64,
}

/// A service that may mint tokens. It presents its secret as `Authorization: Bearer SECRET`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Its name, in metrics and logs.
    pub name: String,
    /// File whose first line is the secret: this, or `token_blake3`.
    pub token_file: Option<PathBuf>,
    /// BLAKE3 digest of the secret in 64 hexadecimal digits, such as `printf %s SECRET | b3sum` prints.
    pub token_blake3: Option<String>,
    /// The tenants that it may mint tokens of.
    pub tenants: Vec<String>,
}

impl ron_service::Account for Account {
    fn credentials(&self) -> Credentials<'_> {
        let Self { name, token_file, token_blake3, tenants: _ } = self;
        Credentials { name, token_file: token_file.as_deref(), token_blake3: token_blake3.as_deref() }
    }
}

impl Default for Capability {
    fn default() -> Self {
        Self {
            accounts: Vec::new(),
            key_name: "capability".to_owned(),
            kid_scheme: "capability-v{N}".to_owned(),
            default_ttl_s: 300,
            max_ttl_s: 3_600,
        }
    }
}

impl Capability {
    pub(super) fn check(&self) -> Result<(), Impossible> {
        Accounts::check(ACCOUNTS, &self.accounts)?;
        for (at, account) in self.accounts.iter().enumerate() {
            let wrong = |reason: &str| Impossible::new(ACCOUNTS, format!("account {}: {reason}", at + 1));
            if account.tenants.is_empty() {
                return Err(wrong("expected the tenants that it may mint for"));
            }
            for tenant in &account.tenants {
                KeyRef::mac(tenant, &self.key_name).map_err(|error| wrong(&error.to_string()))?;
            }
        }
        if self.default_ttl_s == 0 || self.default_ttl_s > self.max_ttl_s {
            return Err(Impossible::new("capability.default_ttl_s", "expected seconds from 1 to capability.max_ttl_s"));
        }
        let scheme = KidScheme::new(&self.kid_scheme);
        scheme.map(drop).map_err(|error| Impossible::new("capability.kid_scheme", error.to_string()))
    }

    /// The tenants that any account may mint for.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = &str> {
        self.accounts.iter().flat_map(|account| &account.tenants).map(String::as_str)
    }
}
