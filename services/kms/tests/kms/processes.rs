use std::time::{Duration, Instant};

use ron_kms::Kms;

use crate::child::Process;
use crate::util::{AT_ONCE, Folder, TestClock, create_both, mac, passport};

/// Rotates, and says how long it took until all of these saw it.
pub(crate) async fn rotate_in_sight(kms: &Kms, watchers: &[Process]) -> Duration {
    let begun = Instant::now();
    let made = kms.rotate(&passport(), AT_ONCE).await.unwrap();
    for watcher in watchers {
        let line = watcher.lines.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(line, format!("signs {}", made.kid));
    }
    begun.elapsed()
}

/// Starts processes that watch, and waits until they do.
pub(crate) fn watchers(number: usize, store: &str, master: &str) -> Vec<Process> {
    let watchers: Vec<_> = (0..number).map(|_| Process::start("watch", store, master)).collect();
    for watcher in &watchers {
        assert_eq!(watcher.lines.recv_timeout(Duration::from_secs(30)).unwrap(), "open");
        assert!(watcher.lines.recv_timeout(Duration::from_secs(30)).unwrap().starts_with("signs "));
    }
    watchers
}

#[tokio::test]
async fn a_rotation_is_seen_by_all_processes_within_a_second() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let path = |name: &str| folder.path(name).to_str().unwrap().to_owned();
    let watchers = watchers(2, &path("keys.db"), &path("master.key"));
    for _ in 0..5 {
        let elapsed = rotate_in_sight(&kms, &watchers).await;
        assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
    }
}

#[tokio::test]
async fn changes_of_several_at_once_are_all_made_and_all_seen() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let first = folder.open(&clock).await;
    create_both(&first).await;
    let second = folder.open(&clock).await;
    let rotate = |kms: Kms| async move {
        for _ in 0..20 {
            kms.rotate(&mac(), AT_ONCE).await.unwrap();
        }
    };
    let tasks = [first.clone(), first.clone(), second.clone(), second.clone()].map(|kms| tokio::spawn(rotate(kms)));
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(first.attest().keys[0].versions.len().max(second.attest().keys[0].versions.len()), 81);
    crate::util::eventually("the same in both", async || first.attest() == second.attest()).await;
    let attested = first.attest();
    let active = attested.keys[0].versions.iter().filter(|version| version.state == ron_kms::VersionState::Active);
    assert_eq!(active.map(|version| version.version).collect::<Vec<_>>(), [81]);
}

#[tokio::test]
async fn look_ups_go_on_while_a_change_is_cancelled_halfway() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    for micros in (0..2000).step_by(100) {
        let _ = tokio::time::timeout(Duration::from_micros(micros), kms.rotate(&mac(), AT_ONCE)).await;
    }
    // Whatever became of those, the next one follows on what is in the store.
    let made = kms.rotate(&mac(), AT_ONCE).await.unwrap();
    assert_eq!(kms.attest().keys[0].versions.len() as u32, made.version);
    let again = folder.open(&clock).await;
    assert_eq!(again.attest(), kms.attest());
}
