//! Ctrl-C: asked for once, noticed everywhere.
//!
//! The handler only raises a flag. Whoever waits for something looks at it, stops what it started, and returns: so
//! child processes end, temporary files go, and what was measured is kept.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;

/// Time between two looks at the flag, for whoever waits.
pub const GLANCE: Duration = Duration::from_millis(50);

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Makes Ctrl-C (and a request to terminate) raise the flag from now on instead of ending the process. To be called
/// once per process.
///
/// # Errors
/// The system does not let signals be handled, or something else handles them already.
pub fn watch() -> anyhow::Result<()> {
    ctrlc::set_handler(|| REQUESTED.store(true, Ordering::Relaxed)).context("could not watch for Ctrl-C")
}

/// Whether an interruption was asked for.
#[must_use]
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}
