//! Why the services do not start.

use std::io;
use std::path::PathBuf;

use ron_kms::KmsError;
use ron_policy::LoadError;
use ron_service::StartError;
use ron_service::config::ConfigError;

/// Why the services do not start, in one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    /// A service's settings.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// What is printed and asked here is plain HTTP.
    #[error("{service}: server.tls_cert is set, and `up` speaks no TLS; leave it out, or start each service by itself")]
    Tls {
        /// Its name.
        service: &'static str,
    },
    /// The folder, or a file in it, can't be made or read.
    #[error("{}: {error}; make it usable, or choose another folder with --state DIR", path.display())]
    Unusable {
        /// Folder or file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Others could read secrets or exchange them.
    #[error(
        "{}: its mode {mode:03o} lets others in, and it is to hold keys; chmod 700 it, or choose another \
         with --state DIR",
        path.display()
    )]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The secret of the demo account can't be made.
    #[error("the secret of the demo account: {0}")]
    Secret(#[source] KmsError),
    /// The policy.
    #[error("{error}; correct it{}", if *is_demo { ", or remove it to have the demo policy again" } else { "" })]
    Policy {
        /// Its file, and what is wrong where.
        error: LoadError,
        /// Whether the file is the folder's own.
        is_demo: bool,
    },
    /// svc-passport.
    #[error("svc-passport: {0}")]
    Passport(#[from] svc_passport::StartError),
    /// svc-auth.
    #[error("svc-auth: {0}")]
    Auth(#[from] svc_auth::StartError),
    /// A port is taken, or not for us.
    #[error(
        "{service} cannot listen on {address}: {error}; choose another port with {option} PORT, or free ones for \
         all with --dynamic-ports"
    )]
    Listen {
        /// Name of the service.
        service: &'static str,
        /// Where it was to listen.
        address: String,
        /// What the system said.
        error: io::Error,
        /// What chooses another port.
        option: &'static str,
    },
    /// What else keeps a service from listening.
    #[error("{service}: {error}")]
    Start {
        /// Its name.
        service: &'static str,
        /// Why.
        error: StartError,
    },
}

impl UpError {
    /// A service that does not listen; `options` choose its ports.
    pub(crate) fn start(service: &'static str, options: [&'static str; 2], error: StartError) -> Self {
        let [public, admin] = options;
        match error {
            StartError::Listen { address, key: "server.bind", error, .. } => {
                Self::Listen { service, address, error, option: public }
            }
            StartError::Listen { address, key: "server.admin_bind", error, .. } => {
                Self::Listen { service, address, error, option: admin }
            }
            error => Self::Start { service, error },
        }
    }
}
