//! TLS from PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::StartError;
use crate::config::Server;

/// The TLS settings of `server`, if it has any.
pub(crate) fn server_config(server: &Server) -> Result<Option<Arc<ServerConfig>>, StartError> {
    let (Some(cert), Some(key)) = (&server.tls_cert, &server.tls_key) else { return Ok(None) };
    let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| StartError::tls(cert, "a chain of PEM certificates", damage(&error)))?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| StartError::tls(key, "a PEM private key", damage(&error)))?;
    let fits = |error| StartError::tls(cert, "a certificate for the key of server.tls_key", error);
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(fits)?
        .with_no_client_auth()
        .with_single_cert(nonempty(cert, chain)?, secret)
        .map_err(fits)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

/// What is wrong with a file. The parser's own words would quote lines of it, which may be those of a key.
fn damage(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "there is none in it".to_owned(),
        _ => "its PEM is damaged".to_owned(),
    }
}

fn nonempty(path: &Path, chain: Vec<CertificateDer<'static>>) -> Result<Vec<CertificateDer<'static>>, StartError> {
    if chain.is_empty() {
        return Err(StartError::tls(path, "a chain of PEM certificates", "there is none in it"));
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_damaged_key_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let cert = file("cert.pem", &own.cert.pem());
        let key = own.signing_key.serialize_pem();
        let said = |name: &str, text: &str| {
            let server = Server { tls_cert: Some(cert.clone()), tls_key: Some(file(name, text)), ..Server::default() };
            server_config(&server).err().map(|error| format!("{error} {error:?}"))
        };
        assert_eq!(said("good.pem", &key), None);
        let middle = key.lines().nth(1).unwrap();
        // Pasted as one line; without its end; with a letter that is none of Base64; as nothing but its text.
        let damaged = [
            key.replace('\n', "\\n"),
            key.replace("-----END", ""),
            key.replace(middle, &format!("!{middle}")),
            middle.to_owned(),
        ];
        for (number, text) in damaged.iter().enumerate() {
            let said = said(&format!("{number}.pem"), text).unwrap();
            let as_numbers = format!("{:?}", &middle.as_bytes()[..12]);
            let as_numbers = as_numbers.trim_matches(['[', ']']);
            assert!(said.contains("a PEM private key"), "{said}");
            assert!(!said.contains(&middle[..12]) && !said.contains(as_numbers), "{said}");
        }
    }
}
