use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::{KmsError, MasterKeySource};

/// Where keys are kept and what they are sealed with. Reads itself from a section of a service's configuration:
///
/// ```toml
/// store = { sqlite = { path = "data/keys.db" } }      # or { postgres = { url = "host=/run/postgresql dbname=keys" } }
/// master_key = { file = "/run/secrets/master.key" }   # or { file_or_new = "…" }, or { env = "RON_KMS_MASTER_KEY" }
/// previous_master_keys = []                           # open what was sealed with these
/// poll_ms = 200                                       # how often to look for changes of other processes
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KmsConfig {
    /// Where the keys are kept.
    pub store: StoreConfig,
    /// What seals them.
    pub master_key: MasterKeySource,
    /// Master keys that sealed what is in the store, and seal nothing any more: [`Kms::reseal`](crate::Kms::reseal).
    #[serde(default)]
    pub previous_master_keys: Vec<MasterKeySource>,
    /// How often the store is looked at for changes of other processes, in milliseconds; 10 to 1000. Default 200.
    /// Postgres says so by itself, and is looked at in case that gets lost.
    #[serde(default = "default_poll_ms")]
    pub poll_ms: u64,
}

/// Where keys are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreConfig {
    /// A file of SQLite, for processes of one machine.
    Sqlite(SqliteConfig),
    /// A database of a Postgres server.
    Postgres(PostgresConfig),
}

/// A store in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqliteConfig {
    /// The file. It is made if it is not there; its folder is not.
    pub path: PathBuf,
    /// Largest size of the file, in bytes. Default 1 GiB; a version takes some 400 bytes.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: u64,
}

/// A store in a Postgres server.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// Where it is, in the form of libpq: `host=/run/postgresql user=kms dbname=keys`, or `postgresql://…`. There is no
    /// TLS: it wants a Unix socket, the machine itself or a private network. What is secret is sealed all the same.
    pub url: String,
}

impl fmt::Debug for PostgresConfig {
    /// Without the address, which may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig").finish_non_exhaustive()
    }
}

impl KmsConfig {
    /// Keys in a file of SQLite, under this master key.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>, master_key: MasterKeySource) -> Self {
        let store = StoreConfig::Sqlite(SqliteConfig { path: path.into(), max_bytes: default_max_bytes() });
        Self { store, master_key, previous_master_keys: Vec::new(), poll_ms: default_poll_ms() }
    }

    /// Keys in a Postgres server, under this master key.
    #[must_use]
    pub fn postgres(url: impl Into<String>, master_key: MasterKeySource) -> Self {
        let store = StoreConfig::Postgres(PostgresConfig { url: url.into() });
        Self { store, master_key, previous_master_keys: Vec::new(), poll_ms: default_poll_ms() }
    }

    /// How often to look for changes.
    pub(crate) fn poll(&self) -> Result<Duration, KmsError> {
        match self.poll_ms {
            10..=1000 => Ok(Duration::from_millis(self.poll_ms)),
            other => Err(KmsError::Config(format!("poll_ms is {other}; expected 10 to 1000"))),
        }
    }
}

const fn default_poll_ms() -> u64 {
    200
}

const fn default_max_bytes() -> u64 {
    1 << 30
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_of_a_services_configuration_is_read_with_its_defaults() {
        let text = "store = { sqlite = { path = 'keys.db' } }\nmaster_key = { file = 'master.key' }";
        let config: KmsConfig = toml::from_str(text).unwrap();
        assert!(matches!(&config.store, StoreConfig::Sqlite(sqlite) if sqlite.max_bytes == 1 << 30));
        assert_eq!((config.poll_ms, config.previous_master_keys.len()), (200, 0));
        let text = "store = { postgres = { url = 'password=hunter2' } }\nmaster_key = { env = 'KEY' }\npoll_ms = 9";
        let config: KmsConfig = toml::from_str(text).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        assert!(matches!(config.poll(), Err(KmsError::Config(_))));
    }

    #[test]
    fn keys_that_are_not_known_are_refused() {
        let text = "store = { sqlite = { path = 'keys.db', mode = 'fast' } }\nmaster_key = { file = 'master.key' }";
        assert!(toml::from_str::<KmsConfig>(text).unwrap_err().to_string().contains("mode"));
    }
}
