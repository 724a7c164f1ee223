//! Keeping up with the store: changes of other processes, its absence, and the time.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use tokio::time::sleep;

use super::Shared;
use crate::KmsError;
use crate::mirror::Mirror;

/// The longest time between two attempts to reach a store that is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Follows the store for ever.
pub(super) async fn follow(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        match failures {
            0 => shared.store.wait().await,
            _ => sleep(backoff(failures)).await,
        }
        let mut mirror = shared.mirror.lock().await;
        match shared.refresh(&mut mirror).await {
            Ok(()) => failures = 0,
            Err(_) => failures += 1,
        }
    }
}

/// How long to wait after so many failures in a row: 100 ms, doubled each time up to [`LONGEST_PAUSE`], of which a half
/// is left to chance, so that processes that lost the same server do not come back in step.
pub(super) fn backoff(failures: u32) -> Duration {
    let pause = Duration::from_millis(100).saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    let mut chance = [0];
    // Without chance, all wait equally long: no reason to fail.
    let _ = rand::fill(&mut chance);
    pause / 2 + pause / 2 * u32::from(chance[0]) / 255
}

impl Shared {
    /// Reads what has changed, and notes whether that went well. After a failure the keys are as they were.
    pub(super) async fn refresh(&self, mirror: &mut Mirror) -> Result<(), KmsError> {
        let done = self.read(mirror).await;
        match &done {
            Ok(()) => self.reading.well(),
            Err(error) => {
                mirror.is_doubtful = true;
                self.reading.failed(error, self.clock.now_unix_ms());
            }
        }
        done
    }

    /// Lets look-ups see the keys as they are now.
    pub(super) fn publish(&self, mirror: &mut Mirror) {
        self.snapshot.store(Arc::new(mirror.snapshot()));
    }

    async fn read(&self, mirror: &mut Mirror) -> Result<(), KmsError> {
        let after = if mirror.is_doubtful { 0 } else { mirror.change };
        let loaded = self.store.load(after).await?;
        let mut has_changed = loaded.is_some();
        if let Some(loaded) = loaded {
            mirror.take(loaded, &self.sealer, self.now_ms())?;
        }
        has_changed |= mirror.settle(&self.sealer, self.now_ms())?;
        if has_changed {
            self.publish(mirror);
        }
        Ok(())
    }
}
