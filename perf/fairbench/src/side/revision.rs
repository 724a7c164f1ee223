//! From the name of a side to a tree, and from the tree to its programs.

use std::collections::BTreeMap;
use std::path::Path;

use super::Site;
use super::build::{Order, Packages, build};
use super::circumstances::Circumstances;
use super::git::{Git, SHORT_SHA};
use super::harness::{self, Harness};
use super::manifest::{Manifest, key};
use super::store::{Built, Store};
use super::toolchain::Toolchain;
use super::tree::{Tree, digest_of};
use crate::exit::{Exit, Failure};
use crate::files::{read_text, state_directory, workspace_of};
use crate::settings::ProbeRecipe;

/// Builds the probe of the working tree with these features, or those of the recipe, and returns its label with it.
pub(super) fn of_working_tree(
    site: &Site<'_>,
    features: Option<&[String]>,
    what: &str,
) -> Result<(String, Built), Failure> {
    let (root, recipe) = (workspace_of(site.root), site.recipe()?);
    let tree = Tree::of_working_tree(&root)?;
    let label = match &tree.revision {
        Some(revision) => format!("{what} ({revision})"),
        None => what.to_owned(),
    };
    let harness = harness::digest(&tree.root, recipe)?;
    let built = provide(&tree, &root, recipe, features, &harness, &label)?;
    Ok((label, built))
}

/// Builds the probe of a revision and returns its label with it.
///
/// The harness is this checkout's. Only if it does not fit is the revision's own used.
pub(super) fn of_revision(site: &Site<'_>, revision: &str) -> Result<(String, Built), Failure> {
    let (root, recipe) = (&*workspace_of(site.root), site.recipe()?);
    let git = Git::around(root)?;
    let sha = git.commit(revision)?;
    let short: String = sha.chars().take(SHORT_SHA).collect();
    let label = if sha.starts_with(revision) { short } else { format!("{revision} ({short})") };
    let tree = Tree::of_commit(&git, root, &sha)?;
    let own = |tree: &Tree| {
        let harness = harness::digest(&tree.root, recipe)?;
        provide(tree, root, recipe, None, &harness, &label)
    };
    let Some(folder) = recipe.folder() else {
        let built = own(&tree)?;
        return Ok((label, built));
    };
    let owns_harness = tree.root.join(folder).join("Cargo.toml").is_file();
    if !root.join(folder).is_dir() {
        if !owns_harness {
            let (root, package) = (root.display(), &recipe.package);
            return Err(anyhow::anyhow!("{label}: has no package {package}, and {root} has none either").into());
        }
        let built = own(&tree)?;
        return Ok((label, built));
    }
    let ours = Harness::of(root, recipe)?;
    ours.plant(&tree, root)?;
    match provide(&tree, root, recipe, None, &ours.digest()?, &label) {
        Err(failure) if failure.exit() != Exit::Interrupted && owns_harness => {
            let built = own(&Tree::of_commit(&git, root, &sha)?)?;
            eprintln!("{label}: this checkout's probe does not build there; measured with the revision's own");
            Ok((label, built))
        }
        provided => Ok((label, provided?)),
    }
}

/// Finds the programs of a tree, or builds them.
fn provide(
    tree: &Tree,
    root: &Path,
    recipe: &ProbeRecipe,
    features: Option<&[String]>,
    harness: &str,
    label: &str,
) -> Result<Built, Failure> {
    let features = features.or(recipe.features.as_deref());
    let toolchain = Toolchain::chosen_at(root);
    let packages = Packages::of(tree, &toolchain)?;
    let circumstances = Circumstances::of(tree, &toolchain, &packages, features, harness)?;
    let digest = digest_of(&tree.top)?;
    let key = key(&digest, &circumstances);
    let store = Store::new(state_directory(root));
    if let Some(built) = store.find(&key, label)? {
        return Ok(built);
    }
    let _lock = store.lock()?;
    if let Some(built) = store.find(&key, label)? {
        return Ok(built); // by another one, while this one waited
    }
    let name: String = key.chars().take(SHORT_SHA).collect();
    let workshop = store.workshop(&circumstances, &name)?;
    let programs = programs_of(recipe, packages.manifest_of(&recipe.package));
    let order = Order { package: &recipe.package, programs: &programs, features, label };
    let made = build(tree, &toolchain, &packages, &order, &workshop)?;
    let record = |programs: BTreeMap<_, _>| {
        let revision = tree.revision.clone();
        Manifest::new(digest, revision, circumstances, programs, &tree.top, &made.sources, made.watched)
    };
    Ok(store.keep(&made.programs, record)?)
}

/// Names of the probe and of its counting twin; revisions from before there was a twin have only the probe.
fn programs_of<'r>(recipe: &'r ProbeRecipe, manifest: Option<&Path>) -> Vec<&'r str> {
    let has = |program: &str| {
        let Some(manifest) = manifest else { return false };
        let file = manifest.with_file_name("src").join("bin").join(format!("{program}.rs"));
        file.is_file() || read_text(manifest, "a manifest").unwrap_or_default().contains(program)
    };
    let twin = recipe.counting_program.as_deref().filter(|program| has(program));
    [Some(recipe.program()), twin].into_iter().flatten().collect()
}
