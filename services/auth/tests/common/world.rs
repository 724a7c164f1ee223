use std::path::Path;
use std::sync::Arc;

use ron_auth::{CapabilityBuilder, Caveat, Scope};
use ron_kms::{KeyRef, KidScheme, Kms, KmsConfig, MasterKeySource, MintingKey, SystemClock};
use serde_json::Value;
use tempfile::TempDir;

use super::{BUNDLE, Client, Process, eventually, passport};

/// What is tried: svc-auth with a policy and MAC keys, and svc-passport beside it. With `AUTH_BASE_URL` and
/// `PASSPORT_BASE_URL` it is the deployment there, whose policy and MAC keys are its own.
pub struct World {
    pub auth: Client,
    pub passport: Client,
    /// What is ours, if it is.
    pub own: Option<Own>,
}

/// Processes of our own.
pub struct Own {
    pub auth: Process,
    pub passport: Process,
    pub minter: Minter,
    pub folder: TempDir,
}

/// Mints tokens of the tenant `acme`.
pub struct Minter(MintingKey);

impl World {
    /// The deployment, or processes with the defaults.
    pub fn new() -> Self {
        match (std::env::var("AUTH_BASE_URL"), std::env::var("PASSPORT_BASE_URL")) {
            (Ok(auth), Ok(passport)) => Self { auth: Client::of(&auth), passport: Client::of(&passport), own: None },
            _ => Self::with(""),
        }
    }

    /// Processes of our own, with these lines of TOML.
    pub fn with(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let passport = passport(folder.path());
        let minter = Minter::new(folder.path());
        let auth = Process::auth(folder.path(), &settings(folder.path(), &passport.base(), toml));
        let client = auth.public.clone();
        eventually("it is ready", || client.get("/readyz").status == 200);
        let passport_client = passport.public.clone();
        Self { auth: client, passport: passport_client, own: Some(Own { auth, passport, minter, folder }) }
    }

    /// Both ways to verify envelopes.
    pub fn both_ways(toml: &str) -> [Self; 2] {
        [Self::with(toml), Self::with(&format!("{toml}\nverify.delegate_to_passport = false"))]
    }

    /// A good envelope of a message.
    pub fn envelope(&self, message: &Value) -> Value {
        let answer = self.passport.post("/v1/passport/issue", &message.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub fn own(&self) -> &Own {
        self.own.as_ref().unwrap()
    }
}

/// Settings with the policy of the tests and keys in the folder.
pub fn settings(folder: &Path, passport_base: &str, toml: &str) -> String {
    let bundle = folder.join("policy.toml");
    std::fs::write(&bundle, BUNDLE).unwrap();
    let (bundle, path) = (bundle.display(), folder.display());
    format!(
        "policy.path = '{bundle}'\npolicy.poll_ms = 50\nverify.passport_base = '{passport_base}'\n\
         keys.store = {{ sqlite = {{ path = '{path}/keys.db' }} }}\n\
         keys.master_key = {{ file_or_new = '{path}/master.key' }}\n{toml}"
    )
}

impl Minter {
    /// Makes the tenant's key in the store of the folder.
    pub fn new(folder: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let master_key = MasterKeySource::FileOrNew(folder.join("master.key"));
            let config = KmsConfig::sqlite(folder.join("keys.db"), master_key);
            let kms = Kms::open(config, Arc::new(SystemClock)).await.unwrap();
            let key = KeyRef::mac("acme", "capability").unwrap();
            kms.create_mac(&key, &KidScheme::new("capability-v{N}").unwrap(), None).await.unwrap();
            let minting = kms.minting_key(&key).unwrap();
            kms.close().await;
            Self(minting)
        })
    }

    /// A token for `GET` below `/index/`, for this audience, with these caveats.
    pub fn token(&self, caveats: impl IntoIterator<Item = Caveat>) -> String {
        let builder = CapabilityBuilder::new("acme", &*self.0.kid, Scope::new("/index/", ["GET"]));
        builder.caveats(caveats).sign(&self.0.key).unwrap().to_base64url()
    }

    /// One that is good for a while.
    pub fn good(&self) -> String {
        self.token([Caveat::Exp(super::now_s() + 300), Caveat::Aud("ron-auth".to_owned())])
    }

    /// One that is good for a while, below this path.
    pub fn good_for(&self, path: &str) -> String {
        let path = Caveat::PathPrefix(path.to_owned());
        self.token([Caveat::Exp(super::now_s() + 300), Caveat::Aud("ron-auth".to_owned()), path])
    }
}
