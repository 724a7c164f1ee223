//! The settings of both services: what is configured, and for the rest the folder.

use std::path::PathBuf;
use std::sync::Arc;

use ron_policy::{Limits, PolicyStore};
use ron_service::config::{Server, load};
use svc_passport::config::Account;

use crate::cli::Up;
use crate::error::UpError;
use crate::examples::AUDIENCE;
use crate::folder::Folder;

/// The tenant that there is from the start.
pub(crate) const TENANT: &str = "demo";

/// The settings of both services.
pub(crate) struct Settings {
    pub(crate) passport: svc_passport::Config,
    pub(crate) auth: svc_auth::Config,
    /// The secret that the requests to try need, if what they need is not configured otherwise.
    pub(crate) minter_secret: Option<PathBuf>,
}

impl Settings {
    /// Reads what is configured, with the ports of the command line.
    pub(crate) fn load(up: &Up) -> Result<Self, UpError> {
        let mut passport: svc_passport::Config = load(svc_passport::CONFIG_PREFIX)?;
        let mut auth: svc_auth::Config = load(svc_auth::CONFIG_PREFIX)?;
        for (service, server, ports) in [
            (svc_passport::NAME, &mut passport.server, [up.passport_port, up.passport_admin_port]),
            (svc_auth::NAME, &mut auth.server, [up.auth_port, up.auth_admin_port]),
        ] {
            if server.tls_cert.is_some() {
                return Err(UpError::Tls { service });
            }
            choose_ports(server, ports.map(|port| port.or(up.dynamic_ports.then_some(0))));
        }
        // There is one log.
        passport.security.amnesia |= auth.security.amnesia;
        Ok(Self { passport, auth, minter_secret: None })
    }

    /// Takes what is not configured from the folder, and looks at the policy.
    pub(crate) fn completed(mut self, folder: &Folder) -> Result<Self, UpError> {
        let Self { passport, auth, minter_secret } = &mut self;
        if passport.keys.store.is_none() {
            let keys = folder.keys();
            (passport.keys.store, passport.keys.master_key) = (Some(keys.store), Some(keys.master_key));
        }
        if auth.keys.store.is_none() {
            // The MAC keys that svc-passport mints with.
            auth.keys.store = passport.keys.store.clone();
            auth.keys.master_key = passport.keys.master_key.clone();
            auth.keys.previous_master_keys = passport.keys.previous_master_keys.clone();
        }
        let is_demo_account = passport.capability.accounts.is_empty();
        if is_demo_account {
            let token_file = folder.minter_secret()?;
            *minter_secret = Some(token_file.clone());
            let tenants = vec![TENANT.to_owned()];
            let account =
                Account { name: "demo".to_owned(), token_file: Some(token_file), tenants, token_blake3: None };
            passport.capability.accounts.push(account);
        }
        auth.tokens.tenant.get_or_insert_with(|| TENANT.to_owned());
        let is_demo_policy = auth.policy.path.is_none();
        let path = match &auth.policy.path {
            Some(path) => path.clone(),
            None => folder.policy()?,
        };
        // svc-auth would wait for a better one; who starts it by hand is told at once.
        PolicyStore::load_file(&path, Limits::default(), Arc::new(|| 0))
            .map_err(|error| UpError::Policy { error, is_demo: is_demo_policy })?;
        auth.policy.path = Some(path);
        let is_demo_audience = auth.security.accepted_audiences.first().is_some_and(|first| first == AUDIENCE);
        minter_secret.take_if(|_| !is_demo_policy || !is_demo_audience);
        Ok(self)
    }

    /// Threads that serve; 0 is one for each core.
    pub(crate) fn workers(&self) -> usize {
        self.auth.server.workers
    }
}

fn choose_ports(server: &mut Server, [public, admin]: [Option<u16>; 2]) {
    if let Some(port) = public {
        server.bind.set_port(port);
    }
    if let (Some(port), Some(admin_bind)) = (admin, &mut server.admin_bind) {
        admin_bind.set_port(port);
    }
}
