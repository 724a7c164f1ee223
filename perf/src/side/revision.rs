//! From what a side names to a tree, from the tree to its programs.

use std::collections::BTreeMap;
use std::path::Path;

use super::build::{Order, Packages, build};
use super::circumstances::Circumstances;
use super::git::{Git, SHORT_SHA};
use super::harness::{self, Harness};
use super::manifest::{Manifest, key};
use super::store::{Built, Store, lab_directory};
use super::toolchain::Toolchain;
use super::tree::{Tree, digest_of};
use crate::exit::{Exit, Failure};
use crate::files::read_text;

pub(super) const PACKAGE: &str = "perf-probe";
/// The probe, and its twin that counts allocations.
pub(super) const PROGRAM: &str = "perf-probe";
pub(super) const COUNTING_PROGRAM: &str = "perf-probe-allocs";

/// The probe of the working tree, with these features or the default ones; and what it is called.
pub(super) fn of_working_tree(
    root: &Path,
    features: Option<&[String]>,
    what: &str,
) -> Result<(String, Built), Failure> {
    let tree = Tree::of_working_tree(root)?;
    let label = match &tree.revision {
        Some(revision) => format!("{what} ({revision})"),
        None => what.to_owned(),
    };
    let harness = harness::digest(&tree.root)?;
    let built = provide(&tree, root, features, &harness, &label)?;
    Ok((label, built))
}

/// The probe of a revision, and what it is called.
///
/// The harness is this checkout's; only where it does not fit is the revision's own taken.
pub(super) fn of_revision(root: &Path, revision: &str) -> Result<(String, Built), Failure> {
    let git = Git::around(root)?;
    let sha = git.commit(revision)?;
    let short: String = sha.chars().take(SHORT_SHA).collect();
    let label = if sha.starts_with(revision) { short } else { format!("{revision} ({short})") };
    let tree = Tree::of_commit(&git, root, &sha)?;
    let owns_harness = tree.root.join(harness::HARNESS).join("Cargo.toml").is_file();
    if !root.join(harness::HARNESS).is_dir() {
        if !owns_harness {
            let root = root.display();
            return Err(anyhow::anyhow!("{label}: has no package {PACKAGE}, and neither has {root}").into());
        }
        let own = harness::digest(&tree.root)?;
        let built = provide(&tree, root, None, &own, &label)?;
        return Ok((label, built));
    }
    let ours = Harness::of(root)?;
    ours.plant(&tree, root)?;
    match provide(&tree, root, None, &ours.digest()?, &label) {
        Err(failure) if failure.exit() != Exit::Interrupted && owns_harness => {
            let tree = Tree::of_commit(&git, root, &sha)?;
            let own = harness::digest(&tree.root)?;
            let built = provide(&tree, root, None, &own, &label)?;
            eprintln!("{label}: this lab's probe does not build there; measured with the revision's own");
            Ok((label, built))
        }
        provided => Ok((label, provided?)),
    }
}

/// Finds the programs of a tree, or builds them.
fn provide(
    tree: &Tree,
    root: &Path,
    features: Option<&[String]>,
    harness: &str,
    label: &str,
) -> Result<Built, Failure> {
    let toolchain = Toolchain::chosen_at(root);
    let packages = Packages::of(tree, &toolchain)?;
    let circumstances = Circumstances::of(tree, &toolchain, &packages, features, harness)?;
    let digest = digest_of(&tree.top)?;
    let key = key(&digest, &circumstances);
    let store = Store::new(lab_directory(root));
    if let Some(built) = store.find(&key, label)? {
        return Ok(built);
    }
    let _lock = store.lock()?;
    if let Some(built) = store.find(&key, label)? {
        return Ok(built); // by another lab, while this one waited
    }
    let name: String = key.chars().take(SHORT_SHA).collect();
    let workshop = store.workshop(&circumstances, &name)?;
    let order = Order { package: PACKAGE, programs: &programs_of(&tree.root), features, label };
    let made = build(tree, &toolchain, &packages, &order, &workshop)?;
    let record = |programs: BTreeMap<_, _>| {
        let revision = tree.revision.clone();
        Manifest::new(digest, revision, circumstances, programs, &tree.top, &made.sources, made.watched)
    };
    Ok(store.keep(&made.programs, record)?)
}

/// The harness of a revision may be of a time before it had a twin.
fn programs_of(root: &Path) -> Vec<&'static str> {
    let manifest = read_text(&root.join(harness::HARNESS).join("Cargo.toml"), "a manifest").unwrap_or_default();
    let has_twin = manifest.contains(COUNTING_PROGRAM)
        || root.join(harness::HARNESS).join("src/bin").join(format!("{COUNTING_PROGRAM}.rs")).is_file();
    if has_twin { vec![PROGRAM, COUNTING_PROGRAM] } else { vec![PROGRAM] }
}
