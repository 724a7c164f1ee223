//! TLS from PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::StartError;
use crate::config::Server;

/// The TLS settings of `server`, if it has any.
pub(crate) fn server_config(server: &Server) -> Result<Option<Arc<ServerConfig>>, StartError> {
    let (Some(cert), Some(key)) = (&server.tls_cert, &server.tls_key) else { return Ok(None) };
    let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| StartError::tls(cert, "a chain of PEM certificates", error))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| StartError::tls(key, "a PEM private key", error))?;
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

fn nonempty(path: &Path, chain: Vec<CertificateDer<'static>>) -> Result<Vec<CertificateDer<'static>>, StartError> {
    if chain.is_empty() {
        return Err(StartError::tls(path, "a chain of PEM certificates", "there is none in it"));
    }
    Ok(chain)
}
