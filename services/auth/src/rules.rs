//! The policy in force: its file, and what `/readyz` and the log say of it.

use std::sync::Arc;
use std::time::Duration;

use ron_kms::Clock;
use ron_policy::{Limits, LoadError, Policy, PolicyStore, Reloaded, Status, Watch};
use ron_service::Condition;

use crate::config::PolicyFile;
use crate::refusal::Failure;

/// The policy in force, if one is configured and was loaded.
pub(crate) struct Rules {
    store: Option<Arc<PolicyStore>>,
    condition: Condition,
    /// Ends with this.
    _watch: Option<Watch>,
}

/// Why there is no policy to begin with. One line.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file's name.
    #[error("policy.path: {0}")]
    File(#[from] LoadError),
    /// The system has no thread to give.
    #[error("policy: cannot watch the file: {0}")]
    Watch(#[from] std::io::Error),
}

impl Rules {
    /// Loads the bundle, and follows its file. A bad bundle is no error here: nothing is decided until a good one is
    /// there, and `condition` tells.
    pub(crate) fn start(
        settings: &PolicyFile,
        clock: Arc<dyn Clock>,
        condition: Condition,
    ) -> Result<Self, RulesError> {
        let Some(path) = &settings.path else {
            condition.missing("no bundle is configured; set policy.path");
            return Ok(Self { store: None, condition, _watch: None });
        };
        let clock: ron_policy::Clock = Arc::new(move || clock.now_unix_ms());
        let store = Arc::new(PolicyStore::open(path, Limits::default(), clock)?);
        let first = store.status();
        match (&first.loaded, &first.error) {
            (_, Some(failure)) => tracing::error!(error = %failure.error, "the bundle was not loaded"),
            (Some(loaded), None) => tracing::info!(version = loaded.version, digest = loaded.digest, "policy loaded"),
            (None, None) => {}
        }
        tell(&store, &condition);
        let watch = {
            let (watched, condition) = (Arc::downgrade(&store), condition.clone());
            let mut last = first.error.map(|failure| failure.error);
            store.watch(Duration::from_millis(settings.poll_ms), move |looked| {
                // A file that cannot be read is an error at each look, and logged once.
                match looked {
                    Err(error) if last.as_ref() != Some(error) => {
                        tracing::error!(%error, "the bundle was not loaded");
                        last = Some(error.clone());
                    }
                    Err(_) | Ok(Reloaded::Settling) => {}
                    Ok(Reloaded::Swapped) => tracing::info!("policy loaded"),
                    Ok(Reloaded::Unchanged) => last = None,
                }
                if let Some(store) = watched.upgrade() {
                    tell(&store, &condition);
                }
            })?
        };
        Ok(Self { store: Some(store), condition, _watch: Some(watch) })
    }

    /// The policy in force, for decisions that have to agree.
    pub(crate) fn snapshot(&self) -> Result<Arc<Policy>, Failure> {
        let store = self.store.as_ref().ok_or(Failure::NoPolicy)?;
        store.snapshot().map_err(|_| Failure::NoPolicy)
    }

    /// Reads the file now.
    pub(crate) fn reload(&self) -> Result<Reloaded, Option<LoadError>> {
        let store = self.store.as_ref().ok_or(None)?;
        let reloaded = store.reload();
        tell(store, &self.condition);
        reloaded.map_err(Some)
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.status().is_some_and(|status| status.is_ready())
    }

    /// What the file's store has done so far, if there is one.
    pub(crate) fn status(&self) -> Option<Status> {
        self.store.as_ref().map(|store| store.status())
    }
}

/// `/readyz` falls only without any policy: a bad bundle beside a good one in force is a warning there, and must not
/// take every instance out of service at once.
fn tell(store: &PolicyStore, condition: &Condition) {
    let status = store.status();
    match status.error {
        None if status.loaded.is_some() => condition.met(),
        None => condition.missing("not loaded yet"),
        Some(failure) if status.loaded.is_some() => {
            condition.met_with_warning(format!("an older bundle is in force: {}", failure.error));
        }
        Some(failure) => condition.missing(failure.error.to_string()),
    }
}
