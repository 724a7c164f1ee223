//! TLS to a Postgres server: whom to believe, and why somebody was not believed.

use std::error::Error as _;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::KmsError;
use crate::config::PostgresConfig;
use crate::master::check_permissions;

/// What connects, to servers that show who they are and to no others.
pub(super) struct Tls {
    connector: MakeRustlsConnect,
    ca: PathBuf,
}

impl Tls {
    /// Reads the files that are configured; `None` where there is to be no TLS.
    pub(super) fn new(config: &PostgresConfig) -> Result<Option<Self>, KmsError> {
        let (ca, own) = match (&config.tls_ca, &config.tls_cert, &config.tls_key) {
            (None, None, None) => return Ok(None),
            (Some(ca), None, None) => (ca, None),
            (Some(ca), Some(cert), Some(key)) => (ca, Some((cert, key))),
            (None, ..) => {
                let text = "store.postgres.tls_cert and tls_key do nothing without tls_ca: set that, or none of them";
                return Err(KmsError::Config(text.to_owned()));
            }
            (Some(_), ..) => {
                let text = "store.postgres.tls_cert and tls_key need each other: set both, or neither";
                return Err(KmsError::Config(text.to_owned()));
            }
        };
        let mut roots = RootCertStore::empty();
        // Among the many of a system there may be odd ones, from which nothing will be believed.
        if roots.add_parsable_certificates(certificates("tls_ca", ca)?).0 == 0 {
            return Err(unfit("tls_ca", ca, "no certificate in it can be read"));
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unfit("tls_ca", ca, &error.to_string()))?
            .with_root_certificates(roots);
        let mut tls = match own {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => builder
                .with_client_auth_cert(certificates("tls_cert", cert)?, private_key(key)?)
                .map_err(|_| unfit("tls_cert", cert, "it is no certificate for the key in tls_key"))?,
        };
        // A session that is taken up again is one for which no certificate is looked at.
        tls.resumption = Resumption::disabled();
        // What servers from Postgres 17 on go by.
        tls.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Some(Self { connector: MakeRustlsConnect::new(tls), ca: ca.clone() }))
    }

    pub(super) fn connector(&self) -> MakeRustlsConnect {
        self.connector.clone()
    }

    /// Why there is no connection, for people; `None` if that has nothing to do with TLS.
    pub(super) fn reason(&self, error: &tokio_postgres::Error) -> Option<String> {
        let error = error.source()?.downcast_ref::<io::Error>()?;
        Some(words(error.get_ref()?.downcast_ref()?, &self.ca))
    }
}

fn words(error: &rustls::Error, ca: &Path) -> String {
    use AlertDescription as Alert;
    match error {
        // The second: an authority of the same name, and another key.
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            format!("the server's certificate is from none of the authorities in {} (tls_ca)", ca.display())
        }
        rustls::Error::InvalidCertificate(CertificateError::Other(why)) if why.to_string() == "CaUsedAsEndEntity" => {
            "the server shows the certificate of an authority as its own: give it one with CA:FALSE".to_owned()
        }
        rustls::Error::InvalidCertificate(why) => format!("the server's certificate is refused: {why}"),
        rustls::Error::AlertReceived(Alert::CertificateRequired) => {
            "the server wants a certificate: set tls_cert and tls_key".to_owned()
        }
        rustls::Error::AlertReceived(
            why @ (Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown),
        ) => format!("the server refuses the certificate in tls_cert: {why:?}"),
        other => format!("no TLS with the server: {other}"),
    }
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, KmsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match found {
        Ok(found) if found.is_empty() => Err(unfit(setting, path, "there is no PEM certificate in it")),
        Ok(found) => Ok(found),
        Err(error) => Err(unfit(setting, path, &damage(&error))),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, KmsError> {
    let unfit = |reason: &str| unfit("tls_key", path, reason);
    let file = File::open(path).map_err(|error| unfit(&error.to_string()))?;
    check_permissions(&file.metadata().map_err(|error| unfit(&error.to_string()))?).map_err(|reason| unfit(&reason))?;
    PrivateKeyDer::from_pem_reader(file).map_err(|error| match error {
        pem::Error::NoItemsFound => unfit("there is no PEM private key in it, or one under a passphrase"),
        error => unfit(&damage(&error)),
    })
}

/// What is wrong with a file. The parser's own words would quote lines of it, which may be those of a key.
fn damage(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        _ => "its PEM is damaged".to_owned(),
    }
}

fn unfit(setting: &str, path: &Path, reason: &str) -> KmsError {
    KmsError::Config(format!("store.postgres.{setting}: {}: {reason}", path.display()))
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// What is said of a server that shows this certificate to somebody who believes `trusted`.
    fn said(trusted: &CertificateDer<'static>, shown: &CertificateDer<'_>) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let name = ServerName::try_from("db.example").unwrap();
        let error = verifier.verify_server_cert(shown, &[], &name, &[], UnixTime::now()).unwrap_err();
        words(&error, Path::new("ca.pem"))
    }

    #[test]
    fn whoever_reads_why_there_is_no_tls_knows_what_to_set() {
        let (one, other) = (authority("db.example"), authority("other"));
        let own = KeyPair::generate().unwrap();
        let shown = CertificateParams::new(vec!["db.example".to_owned()]).unwrap().signed_by(&own, &one).unwrap();
        assert!(said(other.der(), shown.der()).contains("none of the authorities in ca.pem"));
        // What `openssl req -x509` makes, put on both sides.
        assert!(said(one.der(), one.der()).contains("CA:FALSE"), "{}", said(one.der(), one.der()));
        let alert = |alert| words(&rustls::Error::AlertReceived(alert), Path::new("ca.pem"));
        assert!(alert(AlertDescription::CertificateRequired).contains("set tls_cert and tls_key"));
        assert!(alert(AlertDescription::UnknownCA).contains("the certificate in tls_cert: UnknownCA"));
        assert!(alert(AlertDescription::ProtocolVersion).contains("no TLS with the server"));
    }
}
