//! svc-passport, killed at any moment while clients use it. `RON_SERVICE_KILLS` says how often.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

#[path = "../common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use serde_json::json;

use common::Process;
use common::ledger::{self, Chance, Ledger};

/// How often processes of one store are killed.
const KILLS_OF_A_STORE: u64 = 20;

#[test]
fn nothing_that_was_acknowledged_is_lost_whenever_it_is_killed() {
    let (mut chance, kills) = (Chance::new(), ledger::kills(60));
    let (mut envelopes, mut rotations) = (0, 0);
    let begun = Instant::now();
    for first in (0..kills).step_by(KILLS_OF_A_STORE as usize) {
        let (mut folder, ledger) = (ledger::folder(), Ledger::new(json!({"sub": "alice", "roles": ["reader"]})));
        for kill in first..kills.min(first + KILLS_OF_A_STORE) {
            // A fifth of them while it still begins: the first of a store makes the master key and the tables.
            if kill % 5 == 0 {
                folder = Process::killed_while_it_starts(folder, Duration::from_micros(chance.below(150_000)));
                continue;
            }
            let process = started(folder);
            ledger.check(&process.client(), &process.admin(), &mut chance);
            let (public, admin) = (process.client(), process.admin());
            folder = ledger.while_in_use(&public, &admin, &mut chance, |is_killed, _| {
                ledger.kill(is_killed);
                process.kill()
            });
        }
        let process = started(folder);
        ledger.check(&process.client(), &process.admin(), &mut chance);
        ledger.check_all(&process.client());
        let acknowledged = ledger.acknowledged();
        (envelopes, rotations) = (envelopes + acknowledged.0, rotations + acknowledged.1);
    }
    println!("{kills} kills in {:?}: {envelopes} envelopes, {rotations} rotations", begun.elapsed());
    let least = kills as usize;
    assert!(envelopes > least && rotations > least, "{envelopes}, {rotations}: the kills came too early");
}

/// A process on this folder. Ready by itself, however the one before has ended.
fn started(folder: tempfile::TempDir) -> Process {
    let begun = Instant::now();
    let process = Process::with_store(folder, "");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    process
}
