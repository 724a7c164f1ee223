//! Keys that may not be there yet: the store is opened in the background until it is, and watched from then on.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use ron_kms::Clock;
use ron_service::Condition;
use tokio::time::sleep;

use super::{KeysError, Open};
use crate::Config;

/// How often `/readyz` learns how the store is.
const LOOK: Duration = Duration::from_millis(100);
/// The longest time between two attempts to open a store that is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What `/readyz` says, to anybody who asks; the log says why.
const NOT_OPEN: &str = "the key store cannot be reached, and no keys were read yet";
const NOT_FOLLOWED: &str = "the key store cannot be reached; keys that were read before go on working";

/// The keys, once they are there.
pub(crate) struct Custody {
    open: OnceLock<Open>,
}

impl Custody {
    /// Opens the store. One that is out of reach is tried again in the background, and `condition` tells that it is
    /// missing.
    ///
    /// # Errors
    /// What does not pass by waiting.
    pub(crate) async fn start(
        config: &Config,
        clock: Arc<dyn Clock>,
        condition: Condition,
    ) -> Result<Arc<Self>, KeysError> {
        let custody = Arc::new(Self { open: OnceLock::new() });
        match Open::new(config, clock.clone()).await {
            Ok(open) => {
                let _ = custody.open.set(open);
                condition.met();
            }
            Err(error) if error.is_transient() => report(&condition, NOT_OPEN, &error.to_string()),
            Err(error) => return Err(error),
        }
        match &config.keys.store {
            None => tracing::warn!("keys live as long as this process; set keys.store to keep them"),
            Some(store) => {
                if let Some(warning) = store.warning() {
                    tracing::warn!("{warning}");
                }
            }
        }
        tokio::spawn(watch(Arc::downgrade(&custody), config.clone(), clock, condition));
        Ok(custody)
    }

    /// The keys, if they are there.
    pub(crate) fn open(&self) -> Option<&Open> {
        self.open.get()
    }
}

/// Opens the store if that is still to be done, and looks after it, until the service is gone.
async fn watch(custody: Weak<Custody>, config: Config, clock: Arc<dyn Clock>, condition: Condition) {
    let is_open = custody.upgrade().is_some_and(|custody| custody.open().is_some());
    let (mut told, mut pause) = ((!is_open).then_some(NOT_OPEN), LOOK);
    loop {
        sleep(pause).await;
        let Some(custody) = custody.upgrade() else { return };
        let (lack, why) = match custody.open.get() {
            Some(open) => {
                pause = LOOK;
                let missing = open.kms.status().missing;
                (missing.is_some().then_some(NOT_FOLLOWED), missing.map(|missing| missing.error))
            }
            None => match Open::new(&config, clock.clone()).await {
                Ok(open) => {
                    let _ = custody.open.set(open);
                    (None, None)
                }
                Err(error) => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    (Some(NOT_OPEN), Some(error.to_string()))
                }
            },
        };
        if told != lack {
            match lack {
                Some(lack) => report(&condition, lack, &why.unwrap_or_default()),
                None => {
                    tracing::info!("the key store is there");
                    condition.met();
                }
            }
            told = lack;
        }
    }
}

fn report(condition: &Condition, lack: &'static str, why: &str) {
    tracing::warn!(why, "{lack}");
    condition.missing(lack);
}
