//! The harness: this checkout's own probe, put into the tree of a revision, so that both sides are run by the same code
//! and revisions from before there was a probe can be compared.

use std::fs;
use std::path::Path;

use anyhow::Context;
use tempfile::TempDir;

use super::git::Git;
use super::tree::{Tree, copy_all, copy_tracked, digest_of};
use crate::files::{read_text, write_whole};
use crate::settings::ProbeRecipe;

/// The folders of the harness that a checkout has.
fn folders<'r>(root: &Path, recipe: &'r ProbeRecipe) -> Vec<&'r str> {
    recipe.harness.iter().map(String::as_str).filter(|folder| root.join(folder).is_dir()).collect()
}

/// A digest of the harness of a checkout, or `none` if it has none.
pub(super) fn digest(root: &Path, recipe: &ProbeRecipe) -> anyhow::Result<String> {
    let digest = |folder: &str| digest_of(&root.join(folder));
    let digests: Vec<String> = folders(root, recipe).into_iter().map(digest).collect::<anyhow::Result<_>>()?;
    Ok(if digests.is_empty() { "none".to_owned() } else { digests.join("+") })
}

/// The harness of a checkout, without files that git ignores in it, such as those of editors.
pub(super) struct Harness<'r> {
    place: TempDir,
    recipe: &'r ProbeRecipe,
}

impl<'r> Harness<'r> {
    /// Copies the harness of the checkout at `root`.
    pub(super) fn of(root: &Path, recipe: &'r ProbeRecipe) -> anyhow::Result<Self> {
        let place = tempfile::tempdir().context("could not make a temporary directory")?;
        for folder in folders(root, recipe) {
            let (from, to) = (root.join(folder), place.path().join(folder));
            match Git::within(&from) {
                Ok(git) => copy_tracked(&git, &from, &to)?,
                Err(_) => copy_all(&from, &to)?,
            }
        }
        Ok(Self { place, recipe })
    }

    /// A digest of the harness's files.
    pub(super) fn digest(&self) -> anyhow::Result<String> {
        digest(self.place.path(), self.recipe)
    }

    /// Replaces the harness of a tree, if it has one. `root` is the checkout that this one is from.
    pub(super) fn plant(&self, tree: &Tree, root: &Path) -> anyhow::Result<()> {
        let folders = folders(self.place.path(), self.recipe);
        for folder in &folders {
            let target = tree.root.join(folder);
            let _ = fs::remove_dir_all(&target);
            copy_all(&self.place.path().join(folder), &target)?;
        }
        let manifest = tree.root.join("Cargo.toml");
        let expected = "the manifest of a workspace";
        let theirs = read_text(&manifest, expected)?;
        let ours = read_text(&root.join("Cargo.toml"), expected)?;
        let merged = with_harness(&theirs, &ours, &folders).with_context(|| manifest.display().to_string())?;
        // A manifest that needs nothing stays as it is, to the byte.
        if merged == theirs { Ok(()) } else { write_whole(&manifest, merged) }
    }
}

/// A revision's workspace manifest with the harness as a member, and with those shared dependencies of ours that it
/// lacks.
fn with_harness(theirs: &str, ours: &str, folders: &[&str]) -> anyhow::Result<String> {
    let before = theirs;
    let mut theirs: toml::Table = theirs.parse()?;
    let ours: toml::Table = ours.parse()?;
    let mut changed = false;
    let workspace = theirs.get_mut("workspace").and_then(toml::Value::as_table_mut).context("no [workspace]")?;
    for list in ["members", "default-members"] {
        let Some(members) = workspace.get_mut(list).and_then(toml::Value::as_array_mut) else { continue };
        for folder in folders {
            if !members.iter().any(|member| member.as_str() == Some(folder)) {
                members.push((*folder).into());
                changed = true;
            }
        }
    }
    let shared = workspace.entry("dependencies").or_insert_with(|| toml::Table::new().into());
    if let (Some(shared), Some(toml::Value::Table(more))) =
        (shared.as_table_mut(), ours.get("workspace").and_then(|workspace| workspace.get("dependencies")))
    {
        for (name, dependency) in more {
            if !shared.contains_key(name) {
                shared.insert(name.clone(), dependency.clone());
                changed = true;
            }
        }
    }
    Ok(if changed { theirs.to_string() } else { before.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harness_joins_a_workspace_that_did_not_have_it() {
        let theirs = "[workspace]\nmembers = [\"verifier\"]\n[workspace.dependencies]\nserde = \"1.0\"\n";
        let ours = "[workspace]\nmembers = [\"verifier\", \"perf/probe\"]\n[workspace.dependencies]\nserde = \"1.9\"\nclap = \"4\"\n";
        let with_harness =
            |theirs: &str, ours: &str| with_harness(theirs, ours, &["perf/probe", "perf/fairbench-probe"]);
        let merged: toml::Table = with_harness(theirs, ours).unwrap().parse().unwrap();
        let members = merged["workspace"]["members"].as_array().unwrap();
        assert_eq!(
            members.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>(),
            ["verifier", "perf/probe", "perf/fairbench-probe"]
        );
        let shared = &merged["workspace"]["dependencies"];
        assert_eq!((shared["serde"].as_str(), shared["clap"].as_str()), (Some("1.0"), Some("4")));
        assert!(with_harness("[package]\n", ours).is_err());
        let again = with_harness(&merged.to_string(), ours).unwrap();
        assert_eq!(again, merged.to_string(), "a second time changes nothing");
    }
}
