//! A deployment by its base URL or a process of our own, and a client that speaks raw HTTP.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, reason = "each test program uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod envelopes;
mod http;
pub mod ledger;
mod process;

pub use envelopes::{tampered, with};
pub use http::{Answer, Client, Kept, read};
pub use process::{PORTS, Process, eventually, seed_file, store};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Value, json};

/// Ends those who wait for it, when its own thread is done and when an assertion in that fails.
pub struct Ends<'a>(pub &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The key of the worked examples: secret bytes 00 to 1f.
pub const EXAMPLE_KID: &str = "ed25519/default/v1";
pub const EXAMPLE_X: &str = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";
pub const ISSUE: &str = "/v1/passport/issue";
pub const VERIFY: &str = "/v1/passport/verify";
pub const BATCH: &str = "/v1/passport/verify_batch";
pub const KEYS: &str = "/v1/keys";

/// What is tried: the deployment at `PASSPORT_BASE_URL`, or a process of our own with the example's key.
pub struct Target {
    pub client: Client,
    pub process: Option<Process>,
    turn: Turn,
}

/// A deployment is shared by all tests: while one rotates its keys, the others wait.
enum Turn {
    None,
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

static DEPLOYMENT: RwLock<()> = RwLock::new(());

impl Target {
    pub fn new() -> Self {
        Self::of(|| Turn::Shared(DEPLOYMENT.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// For a test that changes it.
    pub fn alone() -> Self {
        Self::of(|| Turn::Alone(DEPLOYMENT.write().unwrap_or_else(PoisonError::into_inner)))
    }

    fn of(turn: impl FnOnce() -> Turn) -> Self {
        match std::env::var("PASSPORT_BASE_URL") {
            Ok(base) => Self { client: Client::of(&base), process: None, turn: turn() },
            Err(_) => {
                let process = Process::with_example_key("");
                Self { client: process.client(), process: Some(process), turn: Turn::None }
            }
        }
    }

    /// Whether it signs with the key of the worked examples, and nobody has rotated it.
    pub fn has_example_key(&self) -> bool {
        let keys = self.client.get(KEYS).json();
        let has = keys["keys"].as_array().is_some_and(|keys| keys.len() == 1) && keys["keys"][0]["x"] == EXAMPLE_X;
        if !has {
            eprintln!("skipped: the deployment has another key than that of the examples");
        }
        has
    }
}

impl std::ops::Deref for Target {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A good envelope of whatever is issued there now.
pub fn issued(client: &Client, message: &Value) -> Value {
    let answer = client.post(ISSUE, &message.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

pub fn metric(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).map(|value| value.parse().unwrap())
}
