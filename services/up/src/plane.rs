//! Both services, listening.

use std::fmt::Write;

use ron_service::{Drained, Listening, Running};

use crate::error::UpError;
use crate::examples::examples;
use crate::folder::Folder;
use crate::settings::Settings;

/// Both services, listening.
pub(crate) struct Plane {
    passport: Running,
    auth: Running,
    greeting: String,
}

impl Plane {
    /// Opens the keys and starts to listen: svc-passport, then svc-auth, which asks it.
    pub(crate) async fn start(settings: Settings, folder: Folder) -> Result<Self, UpError> {
        let Settings { passport, mut auth, minter_secret } = settings;
        let passport =
            svc_passport::service(passport).await?.start().await.map_err(|error| {
                UpError::start(svc_passport::NAME, ["--passport-port", "--passport-admin-port"], error)
            })?;
        let passport_base = base(&passport);
        if auth.verify.passport_base == svc_auth::config::Verify::default().passport_base {
            auth.verify.passport_base.clone_from(&passport_base);
        }
        let auth = svc_auth::service(auth).await?.start().await;
        let auth = auth.map_err(|error| UpError::start(svc_auth::NAME, ["--auth-port", "--auth-admin-port"], error))?;

        let mut greeting = format!(
            "{}\n{}\nstate: {} (keys, and policy.toml, which is yours to edit)\n",
            passport.greeting(),
            auth.greeting(),
            folder.path().display()
        );
        if let Some(secret) = minter_secret {
            for example in examples(&passport_base, &base(&auth), &secret) {
                let _ = write!(greeting, "\n{}\n  {}\n", example.title, example.command);
            }
        }
        greeting.push_str("\nCtrl-C drains both and ends.");
        Ok(Self { passport, auth, greeting })
    }
}

impl Listening for Plane {
    fn greeting(&self) -> String {
        self.greeting.clone()
    }

    /// svc-auth asks svc-passport until its own last request is answered, and so goes first.
    async fn drain(self) -> Drained {
        self.passport.announce_drain();
        let auth = self.auth.drain().await;
        let passport = self.passport.drain().await;
        Drained { cut: auth.cut + passport.cut }
    }
}

fn base(service: &Running) -> String {
    service.addresses().tcp.map_or_else(String::new, |address| format!("http://{address}"))
}
