//! Whether this program was built from the checkout that it is run in.
//!
//! Variants, sweeps and tripwires are measured in the lab's own program. Cargo builds it anew by time stamps, which a
//! restored cache or a tool that sets back the times of files can make lie. So the build script digests the sources,
//! and whoever measures this program digests them again.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};

/// Paths of everything that goes into the program, from the root of the repository.
pub const SOURCES: [&str; 13] = [
    "Cargo.toml",
    "Cargo.lock",
    "verifier/core",
    "variants/Cargo.toml",
    "variants/src",
    "benches",
    "perf/catalogue",
    "perf/fairbench/Cargo.toml",
    "perf/fairbench/src",
    "perf/fairbench-probe/Cargo.toml",
    "perf/fairbench-probe/src",
    "perf/lab/src",
    "perf/probe",
];

/// A digest of all Rust and TOML files among the sources; `None` if some are missing. It protects against mistakes, not
/// against malice.
#[must_use]
pub fn digest(root: &Path) -> Option<String> {
    let mut hasher = DefaultHasher::new();
    for file in files(root)? {
        let name = file.strip_prefix(root).unwrap_or(&file);
        hasher.write(name.as_os_str().as_encoded_bytes());
        hasher.write(&[0]);
        hasher.write(&fs::read(&file).ok()?);
        hasher.write(&[0]);
    }
    Some(format!("{:016x}", hasher.finish()))
}

/// Paths of all Rust and TOML files among the sources, sorted; `None` if some sources are missing.
#[must_use]
pub fn files(root: &Path) -> Option<Vec<PathBuf>> {
    let mut open: Vec<PathBuf> = SOURCES.iter().map(|name| root.join(name)).collect();
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).ok()?.flatten().map(|entry| entry.path()));
        } else if !path.exists() {
            // A link that leads nowhere is no source; what the list above names has to be there.
            if SOURCES.iter().any(|name| root.join(name) == path) {
                return None;
            }
        } else if path.extension().is_some_and(|kind| ["rs", "toml", "lock"].iter().any(|known| kind == *known)) {
            files.push(path);
        }
    }
    files.sort_unstable();
    Some(files)
}

/// Message for the case that this program was built from other sources than those at `root`; `None` if it was built
/// from these, or if there are none. `built_from` is the digest that the build script took. (It is not read here: this
/// file is part of the build script too, which Cargo would take for stale wherever the variable is set, as it is in
/// what `cargo run` starts.)
#[must_use]
#[allow(dead_code, reason = "the build script has no use for it")]
pub fn objection(root: &Path, built_from: Option<&str>) -> Option<String> {
    let built_from = built_from.filter(|digest| !digest.is_empty())?;
    let found = digest(root)?;
    (found != built_from).then(|| {
        format!(
            "this program was not built from the sources in {}: their digest is {found}, it was built from {built_from}; \
             cargo clean --release -p perf-lab, then try again",
            root.display()
        )
    })
}
