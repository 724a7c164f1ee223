//! Keys of the store: the MAC keys of capability tokens, and those of envelopes if they are verified here.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use ron_kms::{Clock, Kms, KmsConfig, KmsError};
use ron_service::Condition;
use tokio::time::sleep;

use crate::config::Keys;

/// How often `/readyz` learns how the store is.
const LOOK: Duration = Duration::from_millis(200);

/// What `/readyz` says, to anybody who asks; the log says why.
const NOT_OPEN: &str = "the key store cannot be reached, and no keys were read yet";
const NOT_FOLLOWED: &str = "the key store cannot be reached; keys that were read before go on working";

/// The keys, once they are there, if any are configured.
pub(crate) struct Custody {
    is_configured: bool,
    kms: OnceLock<Kms>,
}

impl Custody {
    /// Opens the store. One that is out of reach is tried again in the background, and `condition` tells that it is
    /// missing.
    ///
    /// # Errors
    /// What does not pass by waiting.
    pub(crate) async fn start(
        settings: &Keys,
        clock: Arc<dyn Clock>,
        condition: Condition,
    ) -> Result<Arc<Self>, KmsError> {
        let Some(config) = settings.kms() else {
            condition.met();
            return Ok(Arc::new(Self { is_configured: false, kms: OnceLock::new() }));
        };
        if let Some(warning) = config.store.warning() {
            tracing::warn!("{warning}");
        }
        let custody = Arc::new(Self { is_configured: true, kms: OnceLock::new() });
        match Kms::open(config.clone(), clock.clone()).await {
            Ok(kms) => {
                let _ = custody.kms.set(kms);
                condition.met();
            }
            Err(error) if error.is_transient() => report(&condition, NOT_OPEN, &error.to_string()),
            Err(error) => return Err(error),
        }
        tokio::spawn(watch(Arc::downgrade(&custody), config, clock, condition));
        Ok(custody)
    }

    /// The keys, if they are there.
    pub(crate) fn kms(&self) -> Option<&Kms> {
        self.kms.get()
    }

    /// Whether nothing that is configured is missing.
    pub(crate) fn is_there(&self) -> bool {
        !self.is_configured || self.kms.get().is_some()
    }
}

impl Keys {
    fn kms(&self) -> Option<KmsConfig> {
        Some(KmsConfig {
            store: self.store.clone()?,
            master_key: self.master_key.clone()?,
            previous_master_keys: self.previous_master_keys.clone(),
            poll_ms: self.poll_ms,
        })
    }
}

/// Opens the store if that is still to be done, and looks after it, until the service is gone.
async fn watch(custody: Weak<Custody>, config: KmsConfig, clock: Arc<dyn Clock>, condition: Condition) {
    if custody.upgrade().is_some_and(|custody| custody.kms.get().is_none()) {
        let told = |error: &KmsError| tracing::warn!(why = %error, "{NOT_OPEN}");
        match Kms::open_patiently(config, clock, told).await {
            Ok(kms) => {
                let Some(custody) = custody.upgrade() else { return };
                let _ = custody.kms.set(kms);
                condition.met();
                tracing::info!("the key store is there");
            }
            Err(error) => return report(&condition, NOT_OPEN, &error.to_string()),
        }
    }
    let mut was_missing = false;
    loop {
        sleep(LOOK).await;
        let Some(custody) = custody.upgrade() else { return };
        let missing = custody.kms.get().and_then(|kms| kms.status().missing);
        match &missing {
            Some(missing) if !was_missing => report(&condition, NOT_FOLLOWED, &missing.error),
            None if was_missing => {
                tracing::info!("the key store is there");
                condition.met();
            }
            _ => {}
        }
        was_missing = missing.is_some();
    }
}

fn report(condition: &Condition, lack: &'static str, why: &str) {
    tracing::warn!(why, "{lack}");
    condition.missing(lack);
}
