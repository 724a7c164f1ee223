//! Where a Postgres server is, and whether that fits what is said of TLS.

use std::error::Error as _;
use std::net::IpAddr;

use rustls::pki_types::ServerName;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};

use crate::KmsError;
use crate::config::PostgresConfig;

/// The address that is configured. With `tls_ca` it allows nothing but TLS.
pub(super) fn of(config: &PostgresConfig) -> Result<Config, KmsError> {
    let mut address = parsed(&config.url)?;
    if config.tls_ca.is_none() {
        // No connection would be made with these; better said now than tried for ever.
        if address.get_ssl_mode() == SslMode::Require || address.get_ssl_negotiation() == SslNegotiation::Direct {
            return Err(wrong(
                "store.postgres.url asks for TLS, and nothing says whom to believe: set store.postgres.tls_ca to the \
                 PEM file of the authority that signed the server's certificate",
            ));
        }
        return Ok(address);
    }
    if address.get_ssl_mode() == SslMode::Disable {
        return Err(wrong("store.postgres.url says sslmode=disable, and tls_ca wants TLS: leave out one of them"));
    }
    for host in address.get_hosts() {
        match host {
            Host::Tcp(name) if ServerName::try_from(name.as_str()).is_ok() => {}
            Host::Tcp(name) => {
                let why = "which no certificate can be for: give the name or address that is in the server's";
                return Err(wrong(format!("store.postgres.url names the host {name:?}, {why}")));
            }
            #[cfg(unix)]
            Host::Unix(path) => {
                let why = "and Postgres speaks no TLS there: name a host, or leave out tls_ca";
                return Err(wrong(format!("store.postgres.url names the socket in {}, {why}", path.display())));
            }
        }
    }
    address.ssl_mode(SslMode::Require);
    Ok(address)
}

/// Whether others may read along: without TLS, on a way that leaves this machine.
pub(crate) fn is_in_the_clear(config: &PostgresConfig) -> bool {
    let leaves_this_machine = |address: Config| match address.get_hostaddrs() {
        [] => address.get_hosts().iter().any(|host| match host {
            Host::Tcp(name) => !is_loopback(name),
            #[cfg(unix)]
            Host::Unix(_) => false,
        }),
        // Names are not looked up then.
        addresses => !addresses.iter().all(IpAddr::is_loopback),
    };
    config.tls_ca.is_none() && parsed(&config.url).is_ok_and(leaves_this_machine)
}

fn is_loopback(name: &str) -> bool {
    let is_address = name.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    is_address || name == "localhost" || name.ends_with(".localhost")
}

fn parsed(url: &str) -> Result<Config, KmsError> {
    // The parser takes the first for the end of the password, and the rest of it for the host, which messages name.
    let is_uri = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if is_uri && url.matches('@').nth(1).is_some() {
        return Err(wrong("store.postgres.url has more than one @: write those of user, password and database as %40"));
    }
    url.parse().map_err(|error: tokio_postgres::Error| {
        // The parser's own message may quote the address, password and all: it is not shown, and trusted only where it
        // is known to the last letter.
        wrong(match error.source().map(ToString::to_string).unwrap_or_default().as_str() {
            "invalid value for option `sslmode`" => {
                "store.postgres.url: sslmode is one of disable, prefer and require here; what verify-full is elsewhere \
                 is what store.postgres.tls_ca does, with no sslmode"
            }
            "unknown option `sslrootcert`" | "unknown option `sslcert`" | "unknown option `sslkey`" => {
                "store.postgres.url: sslrootcert, sslcert and sslkey are settings beside it here: \
                 store.postgres.tls_ca, tls_cert and tls_key"
            }
            _ => "store.postgres.url is no address of a Postgres server, as libpq writes it",
        })
    })
}

fn wrong(text: impl Into<String>) -> KmsError {
    KmsError::Config(text.into())
}
