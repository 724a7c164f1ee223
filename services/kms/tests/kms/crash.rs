use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ron_kms::{Kms, SystemClock, VersionState};

use crate::child::{Process, proof};
use crate::util::{Folder, block_on, chance};

const KILLS: u64 = 200;
/// How many times the same store is opened again.
const KILLS_OF_A_STORE: u64 = 20;

#[test]
fn what_was_acknowledged_is_there_after_a_kill_at_any_moment() {
    let (mut acknowledged, mut all, mut before_any) = (BTreeMap::new(), 0, 0);
    let mut folder = Folder::new();
    for kill in 0..KILLS {
        if kill % KILLS_OF_A_STORE == 0 {
            (folder, acknowledged) = (Folder::new(), BTreeMap::new());
        }
        let process = Process::start(
            "rotate",
            folder.path("keys.db").to_str().unwrap(),
            folder.path("master.key").to_str().unwrap(),
        );
        let mut lines = Vec::new();
        // A quarter of them while they still begin: the first of a store makes the master key and the tables.
        if kill % 4 == 0 {
            std::thread::sleep(Duration::from_micros(chance(30_000)));
        } else {
            lines.push(process.lines.recv_timeout(Duration::from_secs(30)).unwrap());
            std::thread::sleep(Duration::from_micros(chance(20_000)));
        }
        lines.extend(process.kill());
        assert!(lines.iter().all(|line| !line.starts_with("error")), "{lines:?}");
        before_any += u64::from(lines.is_empty());
        for line in &lines {
            if let Some((kid, proof)) = line.strip_prefix("ack ").and_then(|line| line.split_once(' ')) {
                acknowledged.insert(kid.to_owned(), proof.to_owned());
                all += 1;
            }
        }
        check(&folder, &acknowledged, kill);
    }
    assert!(all > KILLS, "{all} changes were acknowledged in all: the kills came too early to show anything");
    assert!(before_any > 0, "no kill came before the store was open");
}

fn check(folder: &Folder, acknowledged: &BTreeMap<String, String>, kill: u64) {
    block_on(async {
        let kms = Kms::open(folder.config(), Arc::new(SystemClock)).await.unwrap();
        for (kid, expected) in acknowledged {
            assert_eq!(proof(&kms, kid).as_ref(), Some(expected), "{kid} after kill {kill}");
        }
        for key in kms.attest().keys {
            let numbers: Vec<u32> = key.versions.iter().map(|version| version.version).collect();
            assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>(), "no version is missing");
            let active = key.versions.iter().filter(|version| version.state == VersionState::Active);
            assert_eq!(active.count(), 1, "a rotation is there whole or not at all");
        }
    });
    let database = rusqlite::Connection::open(folder.path("keys.db")).unwrap();
    let verdict: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}
