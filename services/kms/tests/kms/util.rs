//! What tests share: folders, clocks, chance, and waiting.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ron_kms::{Clock, KeyRef, KidScheme, Kms, KmsConfig, MasterKeySource, Rotation};
use tempfile::TempDir;

/// 2026-11-28, some time of the day, in milliseconds.
pub(crate) const NOW_MS: u64 = 1_795_860_000_000;
pub(crate) const AT_ONCE: Rotation = Rotation { lead: Duration::ZERO, grace: None };

/// A clock that is set by hand.
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOW_MS)))
    }

    pub(crate) fn set(&self, now_unix_ms: u64) {
        self.0.store(now_unix_ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_unix_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A folder with a store and a master key in it.
pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    /// In memory where there is such a place: a killed process leaves the same behind there, and a disk that others use
    /// too takes its time to sync.
    pub(crate) fn new() -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        Self(tempfile::Builder::new().prefix("ron-kms-").tempdir_in(place).unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn master_key(&self) -> MasterKeySource {
        MasterKeySource::FileOrNew(self.path("master.key"))
    }

    pub(crate) fn config(&self) -> KmsConfig {
        KmsConfig { poll_ms: 20, ..KmsConfig::sqlite(self.path("keys.db"), self.master_key()) }
    }

    pub(crate) async fn open(&self, clock: &Arc<TestClock>) -> Kms {
        Kms::open(self.config(), clock.clone()).await.unwrap()
    }
}

pub(crate) fn mac() -> KeyRef {
    KeyRef::mac("acme", "tokens").unwrap()
}

pub(crate) fn passport() -> KeyRef {
    KeyRef::ed25519("svc-passport", "default").unwrap()
}

pub(crate) fn scheme(text: &str) -> KidScheme {
    KidScheme::new(text).unwrap()
}

/// Makes the two keys that most tests rotate.
pub(crate) async fn create_both(kms: &Kms) {
    kms.create_mac(&mac(), &scheme("tokens-v{N}"), None).await.unwrap();
    kms.create_ed25519(&passport(), &scheme("ed25519/default/v{N}"), None).await.unwrap();
}

/// A number below `end`.
pub(crate) fn chance(end: u64) -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes) % end
}

/// Waits until something holds, and says how long that took.
pub(crate) async fn eventually(what: &str, holds: impl AsyncFn() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(15), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

/// A runtime for tests that are not `async` themselves.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
