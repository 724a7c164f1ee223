//! The store: exchange as a whole, and what becomes of bad, cut and missing files.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ron_policy::{Clock, Limits, LoadError, NotLoaded, PolicyStore, Reloaded, Request};
use tempfile::TempDir;

fn bundle(version: u32) -> String {
    format!(
        "version = {version}\n[[rules]]\nid = \"v{version}\"\nreason = \"v{version}\"\naction = \"allow\"\nwhen = {{}}\n"
    )
}

fn system_clock() -> Clock {
    Arc::new(|| u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}

struct Folder {
    _folder: TempDir,
    path: PathBuf,
}

impl Folder {
    fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("policy.toml");
        fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    /// As a deployment does it: a new file takes the old one's name.
    fn replace(&self, text: &str) {
        let next = self.path.with_extension("next");
        fs::write(&next, text).unwrap();
        fs::rename(next, &self.path).unwrap();
    }

    fn open(&self) -> PolicyStore {
        PolicyStore::open(&self.path, Limits::default(), system_clock()).unwrap()
    }
}

fn rule_in_force(store: &PolicyStore) -> Result<String, NotLoaded> {
    store.with(|policy| policy.decide(&Request::default()).unwrap().rule.unwrap().to_owned())
}

#[test]
fn a_changed_file_takes_effect_once_it_is_at_rest() {
    let folder = Folder::new(&bundle(1));
    let store = folder.open();
    assert_eq!(rule_in_force(&store).unwrap(), "v1");
    assert_eq!(store.poll(), Ok(Reloaded::Unchanged));
    let before = store.snapshot().unwrap();
    folder.replace(&bundle(2));
    assert_eq!(store.poll(), Ok(Reloaded::Settling));
    assert_eq!(rule_in_force(&store).unwrap(), "v1");
    assert_eq!(store.poll(), Ok(Reloaded::Swapped));
    assert_eq!(rule_in_force(&store).unwrap(), "v2");
    assert_eq!(before.version(), 1, "a decision under way keeps its policy");
    assert_eq!(store.poll(), Ok(Reloaded::Unchanged));
    let status = store.status();
    let loaded = status.loaded.unwrap();
    assert_eq!((loaded.version, loaded.rules, status.swaps, status.failures, status.looks), (2, 1, 2, 0, 5));
    assert_eq!(loaded.digest, store.snapshot().unwrap().digest());
    assert!(status.error.is_none() && loaded.at_unix_ms > 1_700_000_000_000);
}

#[test]
fn a_bad_bundle_keeps_the_old_one_and_is_told_with_its_place() {
    let folder = Folder::new(&bundle(1));
    let store = folder.open();
    folder.replace("version = 2\nrulez = []\n");
    assert_eq!(store.poll(), Ok(Reloaded::Settling));
    let error = store.poll().unwrap_err();
    let LoadError::Bundle { error: why, .. } = &error else { panic!("{error}") };
    assert_eq!((why.position.unwrap().line, why.position.unwrap().column), (2, 1));
    assert!(error.to_string().contains("policy.toml: line 2, column 1: unknown field `rulez`"), "{error}");
    assert_eq!(rule_in_force(&store).unwrap(), "v1");
    // It is told once, stays in the status, and is told again to who asks for a reload.
    assert_eq!(store.poll(), Ok(Reloaded::Unchanged));
    let status = store.status();
    assert!(status.is_ready());
    assert_eq!((status.error.unwrap().error, status.loaded.unwrap().version, status.failures), (error.clone(), 1, 1));
    assert_eq!(store.reload(), Err(error));
    assert_eq!(store.status().failures, 2);
    folder.replace(&bundle(1));
    assert_eq!(store.reload(), Ok(Reloaded::Unchanged));
    assert_eq!((store.status().error, store.status().swaps), (None, 1));
}

#[test]
fn a_file_that_is_gone_keeps_the_old_bundle_and_is_read_when_it_is_back() {
    let folder = Folder::new(&bundle(1));
    let store = folder.open();
    fs::remove_file(&folder.path).unwrap();
    for failures in 1..3 {
        assert!(matches!(store.poll(), Err(LoadError::Unreadable { .. })));
        assert_eq!((store.status().failures, store.status().is_ready()), (failures, true));
    }
    assert!(matches!(store.reload(), Err(LoadError::Unreadable { .. })));
    assert_eq!(rule_in_force(&store).unwrap(), "v1");
    folder.replace(&bundle(3));
    assert_eq!(store.poll(), Ok(Reloaded::Settling));
    assert!(store.status().error.is_some());
    assert_eq!(store.poll(), Ok(Reloaded::Swapped));
    assert_eq!((rule_in_force(&store).unwrap(), store.status().error), ("v3".to_owned(), None));
}

#[test]
fn a_file_that_is_back_as_it_was_clears_the_error() {
    let folder = TempDir::new().unwrap();
    let [here, away] = ["here", "away"].map(|name| folder.path().join(name));
    fs::create_dir(&here).unwrap();
    fs::write(here.join("policy.toml"), bundle(1)).unwrap();
    let store = PolicyStore::open(here.join("policy.toml"), Limits::default(), system_clock()).unwrap();
    // The folder goes and comes, so that nothing about the file changes.
    fs::rename(&here, &away).unwrap();
    assert!(store.poll().is_err());
    fs::rename(&away, &here).unwrap();
    assert_eq!((store.poll(), store.poll()), (Ok(Reloaded::Settling), Ok(Reloaded::Unchanged)));
    assert_eq!((store.status().error, store.status().swaps), (None, 1));
}

#[test]
fn without_a_bundle_nothing_is_decided() {
    let folder = Folder::new("version = 0\n");
    let limits = Limits::default();
    assert!(PolicyStore::load_file(&folder.path, limits, system_clock()).is_err());
    let store = folder.open();
    assert_eq!(store.with(|_| ()), Err(NotLoaded));
    assert_eq!(store.snapshot().unwrap_err(), NotLoaded);
    let status = store.status();
    assert!(!status.is_ready() && status.error.is_some());
    let shown = serde_json::to_value(&status).unwrap();
    assert_eq!(
        (&shown["loaded"], &shown["error"]["error"]["error"]["position"]["line"]),
        (&serde_json::Value::Null, &1.into())
    );
    folder.replace(&bundle(1));
    assert_eq!(store.reload(), Ok(Reloaded::Swapped));
    assert!(store.status().is_ready());
    assert!(PolicyStore::load_file(&folder.path, limits, system_clock()).is_ok());
}

#[test]
fn what_is_no_file_of_a_bundle_is_refused_and_never_waited_for() {
    let folder = Folder::new(&bundle(1));
    let limits = Limits { max_bytes: 20, ..Limits::default() };
    let refused =
        |path: &PathBuf, limits| PolicyStore::load_file(path, limits, system_clock()).unwrap_err().to_string();
    assert!(refused(&folder.path, limits).contains("at most 20 are read"));
    assert!(refused(&folder.path.with_extension("yaml"), Limits::default()).contains("ends in .json or .toml"));
    let inside = folder.path.with_file_name("folder.toml");
    fs::create_dir(&inside).unwrap();
    assert!(refused(&inside, Limits::default()).contains("not a regular file"));
    #[cfg(unix)]
    {
        let pipe = folder.path.with_file_name("pipe.toml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(refused(&pipe, Limits::default()).contains("not a regular file"));
    }
}

#[test]
fn a_change_that_leaves_length_and_time_alone_is_seen() {
    let folder = Folder::new(&bundle(1));
    let modified = fs::metadata(&folder.path).unwrap().modified().unwrap();
    let store = folder.open();
    // In place, so that it is the same file.
    fs::write(&folder.path, bundle(2)).unwrap();
    fs::File::options().write(true).open(&folder.path).unwrap().set_modified(modified).unwrap();
    let outcomes = [store.poll().unwrap(), store.poll().unwrap()];
    assert!(outcomes.contains(&Reloaded::Swapped), "{outcomes:?}");
    assert_eq!(rule_in_force(&store).unwrap(), "v2");
}

#[test]
fn a_clock_that_jumps_changes_no_decision() {
    let folder = Folder::new(&bundle(1));
    let now = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&now);
    let store =
        PolicyStore::open(&folder.path, Limits::default(), Arc::new(move || clock.load(Ordering::SeqCst))).unwrap();
    for (version, jump) in [(2, u64::MAX), (3, 0), (4, 1_700_000_000_000)] {
        now.store(jump, Ordering::SeqCst);
        folder.replace(&bundle(version));
        assert_eq!((store.poll(), store.poll()), (Ok(Reloaded::Settling), Ok(Reloaded::Swapped)));
        assert_eq!(rule_in_force(&store).unwrap(), format!("v{version}"));
    }
}

#[test]
fn a_watched_file_takes_effect_by_itself_and_the_thread_ends_with_its_handle() {
    let folder = Folder::new(&bundle(1));
    let store = Arc::new(folder.open());
    let failed = Arc::new(AtomicU64::new(0));
    let failures = Arc::clone(&failed);
    let count = move |outcome: &Result<Reloaded, LoadError>| {
        failures.fetch_add(u64::from(outcome.is_err()), Ordering::SeqCst);
    };
    let watch = store.watch(Duration::from_millis(5), count).unwrap();
    folder.replace(&bundle(2));
    wait_until(|| rule_in_force(&store).unwrap() == "v2");
    folder.replace("no bundle");
    wait_until(|| failed.load(Ordering::SeqCst) == 1);
    assert_eq!(rule_in_force(&store).unwrap(), "v2");
    drop(watch);
    assert_eq!(Arc::strong_count(&store), 1, "the thread has ended");
}

fn wait_until(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not come true");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Ends those who wait for it, when its own thread is done and when an assertion in that fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Each bundle has one rule whose reason is its id: a mixture of two would show.
#[test]
fn readers_see_one_bundle_or_the_other_and_never_wait() {
    let folder = Folder::new(&bundle(1));
    let store = folder.open();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut decided = 0_u64;
            while !done.load(Ordering::SeqCst) {
                store
                    .with(|policy| {
                        let decision = policy.decide(&Request::default()).unwrap();
                        assert_eq!(decision.rule, decision.reason);
                        assert_eq!(decision.rule, Some(format!("v{}", policy.version()).as_str()));
                    })
                    .unwrap();
                decided += 1;
            }
            decided
        });
        let ends = Ends(&done);
        for version in 2..60 {
            let bad = version % 3 == 0;
            folder.replace(&if bad { "no bundle".to_owned() } else { bundle(version) });
            assert_eq!(store.reload().is_err(), bad);
        }
        drop(ends);
        assert!(reader.join().unwrap() > 0);
    });
}
