//! What this repository keeps for the instrument can be read by it: baselines, and the patches of the self-test. (These
//! are no tests of fairbench's own, whose package holds none of it.)
#![allow(missing_docs, clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::{Path, PathBuf};
use std::process::Command;

use fairbench::baseline::store;
use fairbench::host::Host;
use fairbench::selftest::source::patch::{Expectation, read_all};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_stored_baselines_are_still_found() {
    let directory = root().join("baselines");
    let stored = store::list(&directory).unwrap();
    assert!(!stored.is_empty());
    for measurement in stored {
        let one_thread = Host { rayon_threads: 1, cores: 1, ..measurement.host.clone() };
        assert_eq!(store::find(&directory, &one_thread, &measurement.name).unwrap(), measurement);
    }
}

#[test]
fn there_are_at_least_twelve_patches_of_each_kind_and_each_says_which_benchmark_feels_it() {
    let patches = read_all(&root(), "perf/selftest").unwrap();
    for kind in Expectation::ALL {
        assert!(patches.iter().filter(|patch| patch.kind == kind).count() >= 12, "{}", kind.name());
    }
    for cost in patches.iter().filter_map(|patch| patch.cost.as_ref()) {
        assert!(cost.least_percent >= 8.0 && cost.most_percent <= 15.0, "{cost:?}");
    }
    let kinds: Vec<Expectation> = patches.iter().take(4).map(|patch| patch.kind).collect();
    assert_eq!(
        kinds,
        [Expectation::MustCatch, Expectation::MustNotAlarm, Expectation::MustCatch, Expectation::MustNotAlarm]
    );
}

#[test]
fn every_patch_applies_to_the_tree_at_hand() {
    for patch in read_all(&root(), "perf/selftest").unwrap() {
        let mut git = Command::new("git");
        // Whoever runs this from a hook inherits the names of another index and another directory.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
            git.env_remove(name);
        }
        git.args(["-c", "core.autocrlf=false", "apply", "--check"]).arg(std::path::absolute(&patch.path).unwrap());
        let output = git.current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{patch}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
