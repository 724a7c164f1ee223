//! A git revision, built in a worktree of its own that is gone afterwards, also after a failure and Ctrl-C.
//!
//! The probe that is built there is this lab's, put into the revision's workspace: so both sides are run by the same
//! harness, and revisions from before there was one can be compared. Only where it does not fit is the revision's own
//! taken.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};

use super::build::{Built, cargo_build, git, keep, lab_directory, lock};
use crate::exit::{Exit, Failure};
use crate::files::{read_text, write_whole};

const SHORT_SHA: usize = 12;
/// The harness, from the root of a repository.
const HARNESS: &str = "perf/probe";

/// Builds the probe of a revision, or finds it built.
pub(super) fn build(root: &Path, revision: &str) -> Result<Built, Failure> {
    let commit = format!("{revision}^{{commit}}");
    let sha = git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).map_err(|_| {
        anyhow!("no revision, variant, feature set or probe is called {revision:?} (git log lists revisions)")
    })?;
    let sha12: String = sha.chars().take(SHORT_SHA).collect();
    let label = if sha.starts_with(revision) { sha12.clone() } else { format!("{revision} ({sha12})") };
    let lab = lab_directory(root);
    let ours = root.join(HARNESS);
    let name = format!("{sha12}-{}", circumstances(&ours)?);
    let directory = lab.join("probes").join(&name);
    let found = || Built::found(label.clone(), directory.clone(), Some(sha12.clone()));
    if let Some(built) = found() {
        return Ok(built);
    }

    let _lock = lock(&lab)?;
    if let Some(built) = found() {
        return Ok(built); // by another lab, while this one waited
    }
    let worktree = Worktree::add(root, &sha, lab.join("worktrees").join(&sha12))?;
    let owns_harness = worktree.path.join(HARNESS).join("Cargo.toml").is_file();
    let attempt = if ours.is_dir() {
        worktree.plant(root, &ours)?;
        cargo_build(&worktree.path, None, &lab, &name, &label)
    } else {
        Err(anyhow!("{label}: has no package perf-probe, and neither has {}", root.display()).into())
    };
    match attempt {
        Ok(()) => {}
        Err(failure) if failure.exit() == Exit::Interrupted || !owns_harness => return Err(failure),
        Err(_) => {
            worktree.restore(&sha)?;
            cargo_build(&worktree.path, None, &lab, &name, &label)?;
            if ours.is_dir() {
                eprintln!("{label}: this lab's probe does not build there; measured with the revision's own");
            }
        }
    }
    keep(&lab, &directory)?;
    found().ok_or_else(|| anyhow!("{label}: Cargo built no probes").into())
}

/// A short name of what a probe depends on besides its revision: compiler, flags, harness.
fn circumstances(harness: &Path) -> anyhow::Result<String> {
    let mut identity = blake3::Hasher::new();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").output().context("could not start rustc")?;
    identity.update(&version.stdout);
    for flags in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        identity.update(std::env::var_os(flags).unwrap_or_default().as_encoded_bytes()).update(&[0]);
    }
    if harness.is_dir() {
        for file in files_below(harness)? {
            identity.update(file.as_os_str().as_encoded_bytes()).update(&[0]).update(&fs::read(harness.join(&file))?);
        }
    }
    Ok(identity.finalize().to_hex().chars().take(8).collect())
}

/// Paths of all files, relative to the directory, in order.
fn files_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let here = directory.join(&relative);
        for entry in fs::read_dir(&here).with_context(|| format!("could not read {}", here.display()))? {
            let entry = entry?;
            let path = relative.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// A worktree, removed when dropped.
struct Worktree {
    repository: PathBuf,
    path: PathBuf,
}

impl Worktree {
    fn add(root: &Path, sha: &str, path: PathBuf) -> anyhow::Result<Self> {
        let worktree = Self { repository: root.to_owned(), path };
        // What a lab left that was killed.
        worktree.remove();
        let path = worktree.path.to_string_lossy().into_owned();
        git(root, &["worktree", "add", "--force", "--detach", &path, sha])
            .with_context(|| format!("could not check out {sha} into {path}"))?;
        Ok(worktree)
    }

    /// Puts this lab's harness in place of the revision's, if it has one.
    fn plant(&self, root: &Path, harness: &Path) -> anyhow::Result<()> {
        let target = self.path.join(HARNESS);
        let _ = fs::remove_dir_all(&target);
        for file in files_below(harness)? {
            let to = target.join(&file);
            to.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::copy(harness.join(&file), &to).map(drop))
                .with_context(|| format!("could not write {}", to.display()))?;
        }
        let manifest = self.path.join("Cargo.toml");
        let expected = "the manifest of a workspace";
        let theirs = read_text(&manifest, expected)?;
        let ours = read_text(&root.join("Cargo.toml"), expected)?;
        write_whole(&manifest, with_harness(&theirs, &ours).with_context(|| manifest.display().to_string())?)
    }

    /// Undoes [`plant`](Self::plant).
    fn restore(&self, sha: &str) -> anyhow::Result<()> {
        let _ = fs::remove_dir_all(self.path.join(HARNESS));
        git(&self.path, &["checkout", "--quiet", "--force", sha, "--", "."]).map(drop)
    }

    fn remove(&self) {
        // Whatever is not there any more is as it should be.
        let _ = git(&self.repository, &["worktree", "remove", "--force", "--force", &self.path.to_string_lossy()]);
        let _ = fs::remove_dir_all(&self.path);
        let _ = git(&self.repository, &["worktree", "prune"]);
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A revision's workspace manifest with the harness as a member, and with those shared dependencies of ours that it
/// lacks.
fn with_harness(theirs: &str, ours: &str) -> anyhow::Result<String> {
    let mut theirs: toml::Table = theirs.parse()?;
    let ours: toml::Table = ours.parse()?;
    let workspace = theirs.get_mut("workspace").and_then(toml::Value::as_table_mut).context("no [workspace]")?;
    for list in ["members", "default-members"] {
        if let Some(members) = workspace.get_mut(list).and_then(toml::Value::as_array_mut)
            && !members.iter().any(|member| member.as_str() == Some(HARNESS))
        {
            members.push(HARNESS.into());
        }
    }
    let shared = workspace.entry("dependencies").or_insert_with(|| toml::Table::new().into());
    if let (Some(shared), Some(toml::Value::Table(more))) =
        (shared.as_table_mut(), ours.get("workspace").and_then(|workspace| workspace.get("dependencies")))
    {
        for (name, dependency) in more {
            if !shared.contains_key(name) {
                shared.insert(name.clone(), dependency.clone());
            }
        }
    }
    Ok(theirs.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harness_joins_a_workspace_that_did_not_have_it() {
        let theirs = "[workspace]\nmembers = [\"verifier\"]\n[workspace.dependencies]\nserde = \"1.0\"\n";
        let ours = "[workspace]\nmembers = [\"verifier\", \"perf/probe\"]\n[workspace.dependencies]\nserde = \"1.9\"\nclap = \"4\"\n";
        let merged: toml::Table = with_harness(theirs, ours).unwrap().parse().unwrap();
        let members = merged["workspace"]["members"].as_array().unwrap();
        assert_eq!(members.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>(), ["verifier", HARNESS]);
        let shared = &merged["workspace"]["dependencies"];
        assert_eq!((shared["serde"].as_str(), shared["clap"].as_str()), (Some("1.0"), Some("4")));
        assert!(with_harness("[package]\n", ours).is_err());
        let again = with_harness(&merged.to_string(), ours).unwrap();
        assert_eq!(again.parse::<toml::Table>().unwrap(), merged, "a second time changes nothing");
    }
}
