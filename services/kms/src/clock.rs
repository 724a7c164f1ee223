use std::time::{SystemTime, UNIX_EPOCH};

/// What time it is, in milliseconds since the Unix epoch. Passed in, so that tests can jump.
///
/// Implemented for functions: `Arc::new(|| 1_764_500_000_000)` is a clock that stands still.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_unix_ms(&self) -> u64;
}

impl<F: Fn() -> u64 + Send + Sync> Clock for F {
    fn now_unix_ms(&self) -> u64 {
        self()
    }
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_unix_ms(&self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }
}
