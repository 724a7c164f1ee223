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
    /// Where it is, in the form of libpq: `host=/run/postgresql user=kms dbname=keys`, or `postgresql://…`. Without
    /// `tls_ca` there is no TLS, whatever the server offers: that is for a Unix socket, the machine itself or a private
    /// network. What is secret is sealed all the same. `sslmode=require` without `tls_ca` is refused.
    pub url: String,
    /// PEM file with the authorities of which one has to have signed the server's certificate, such as the one that a
    /// provider of databases hands out, or `/etc/ssl/certs/ca-certificates.crt` of a system. With it there is no
    /// connection without TLS, and none to a server whose certificate is not for the `host` of the address, as
    /// `sslmode=verify-full` of libpq has it; with `hostaddr` the certificate still has to be for `host`, and of
    /// several hosts each has to show one of its own name. A Unix socket and `sslmode=disable` are refused beside it.
    /// Files are read when the store is opened. Default: none.
    #[serde(default)]
    pub tls_ca: Option<PathBuf>,
    /// PEM file with the certificate that this process shows to the server, and those between it and its authority.
    /// Default: none.
    #[serde(default)]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the private key of `tls_cert`, which no others may read. Default: none; with `tls_cert`, needed.
    #[serde(default)]
    pub tls_key: Option<PathBuf>,
}

impl fmt::Debug for PostgresConfig {
    /// Without the address, which may have a password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig").field("tls_ca", &self.tls_ca).finish_non_exhaustive()
    }
}

impl StoreConfig {
    /// What an operator should know of this place, though it can be worked with: for the log, once. `None`: nothing.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Postgres(config) if crate::store::is_in_the_clear(config) => Some(IN_THE_CLEAR),
            Self::Postgres(_) | Self::Sqlite(_) => None,
        }
    }
}

impl KmsConfig {
    /// Keys in a file of SQLite, under this master key.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>, master_key: MasterKeySource) -> Self {
        let store = StoreConfig::Sqlite(SqliteConfig { path: path.into(), max_bytes: default_max_bytes() });
        Self { store, master_key, previous_master_keys: Vec::new(), poll_ms: default_poll_ms() }
    }

    /// Keys in a Postgres server, under this master key. Without TLS: [`PostgresConfig`] says what that is for.
    #[must_use]
    pub fn postgres(url: impl Into<String>, master_key: MasterKeySource) -> Self {
        let postgres = PostgresConfig { url: url.into(), tls_ca: None, tls_cert: None, tls_key: None };
        let store = StoreConfig::Postgres(postgres);
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

const IN_THE_CLEAR: &str = "Postgres is reached without TLS, and is not on this machine, which only a private network \
    is for; set tls_ca to the PEM file of its authority";

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
    fn a_server_beyond_this_machine_is_warned_of_unless_there_is_tls() {
        let warning = |postgres: &str| {
            let text = format!("store = {{ postgres = {{ {postgres} }} }}\nmaster_key = {{ env = 'KEY' }}");
            toml::from_str::<KmsConfig>(&text).unwrap().store.warning()
        };
        let here = [
            "host=/run/postgresql",
            "host=localhost",
            "host=db.localhost,127.0.0.2,::1",
            "postgresql://kms@[::1]/keys",
            "host=db.example hostaddr=127.0.0.1",
            "host=/run/postgresql hostaddr=127.0.0.1",
            "no address",
        ];
        for url in here {
            assert_eq!(warning(&format!("url = '{url}'")), None, "{url}");
        }
        let beyond = [
            "host=db.example",
            "postgresql://kms@10.0.0.1/keys",
            "host=/run/postgresql,10.0.0.1",
            "host=0.0.0.0",
            "host=localhost hostaddr=10.0.0.1",
        ];
        for url in beyond {
            assert!(warning(&format!("url = '{url}'")).is_some_and(|text| text.contains("tls_ca")), "{url}");
            assert_eq!(warning(&format!("url = '{url}', tls_ca = 'ca.pem'")), None, "{url}");
        }
    }

    #[test]
    fn keys_that_are_not_known_are_refused() {
        let text = "store = { sqlite = { path = 'keys.db', mode = 'fast' } }\nmaster_key = { file = 'master.key' }";
        assert!(toml::from_str::<KmsConfig>(text).unwrap_err().to_string().contains("mode"));
    }
}
