//! Look-ups allocate nothing.
#![allow(clippy::unwrap_used, reason = "a surprise stops a test")]

use std::alloc::System;
use std::sync::Arc;

use ron_auth_core::{KeyName, MacKeyProvider};
use ron_kms::{KeyRef, KidScheme, Kms, KmsConfig, MasterKeySource, SystemClock};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

// One test, because the counts are the process's.
#[test]
fn look_ups_of_known_derived_retired_and_unknown_names_allocate_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let kms = runtime.block_on(async {
        let master_key = MasterKeySource::FileOrNew(folder.path().join("master.key"));
        let config = KmsConfig::sqlite(folder.path().join("keys.db"), master_key);
        let kms = Kms::open(config, Arc::new(SystemClock)).await.unwrap();
        let (mac, root) = (KeyRef::mac("acme", "tokens").unwrap(), KeyRef::mac_root("acme", "devices").unwrap());
        kms.create_mac(&mac, &KidScheme::new("v{N}").unwrap(), None).await.unwrap();
        kms.create_mac_root(&root, &KidScheme::new("dev{N}").unwrap(), None).await.unwrap();
        let at_once = ron_kms::Rotation { lead: std::time::Duration::ZERO, grace: None };
        kms.rotate(&mac, at_once).await.unwrap();
        kms.retire(&mac, 1).await.unwrap();
        kms
    });
    // Nothing drives the runtime from here on, so only look-ups can allocate. The first on a thread takes its place
    // among the readers of snapshots.
    let look_up = || {
        let keys = kms.mac_snapshot();
        let keys = keys.at(1_795_860_000);
        ["v2", "dev1:device-42", "v1", "v3", "dev2:x"].map(|kid| keys.key_for(KeyName { tid: "acme", kid }).is_some())
    };
    assert_eq!(look_up(), [true, true, false, false, false]);
    let region = Region::new(ALLOCATOR);
    for _ in 0..100 {
        look_up();
    }
    let stats = region.change();
    assert_eq!((stats.allocations, stats.reallocations, stats.deallocations), (0, 0, 0));
}
