//! Everything beside a tree's own files that shapes what is built from it, by name.
//!
//! Together with the digest of the tree it is the key under which a finished program is kept: a program is found again
//! only if all of this is as it was. Two sides are compared part by part, so that a verdict can say what differs in how
//! they were built.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::build::Packages;
use super::toolchain::{Toolchain, shapes_a_build};
use super::tree::{SETTINGS, Tree, copy_all, digest_of, settings_above};

/// Names of the parts, in the order in which they are listed.
const TOOLCHAIN: &str = "toolchain";
const ENVIRONMENT: &str = "environment";
const CONFIGURATION: &str = "Cargo configuration";
const PROFILE: &str = "profiles";
const FEATURES: &str = "features";
const HARNESS: &str = "harness";
const DEPENDENCIES: &str = "dependencies";
const OUTSIDE: &str = "code outside the repository";
/// Number of digits of a digest that are kept, enough to tell values apart.
const DIGITS: usize = 16;

/// How a side is built. Each part is its value, or a digest of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Circumstances(BTreeMap<String, String>);

impl Circumstances {
    /// Finds the circumstances of a tree that is laid out.
    ///
    /// # Errors
    /// There is no compiler, or a file cannot be read.
    pub(super) fn of(
        tree: &Tree,
        toolchain: &Toolchain,
        packages: &Packages,
        features: Option<&[String]>,
        harness: &str,
    ) -> anyhow::Result<Self> {
        let mut outside = Vec::new();
        for directory in packages.outside(&tree.top) {
            outside.push(format!("{} {}", directory.display(), digest_of_package(directory)?));
        }
        let lock = fs::read(tree.root.join("Cargo.lock")).unwrap_or_default();
        let parts = [
            (TOOLCHAIN, toolchain.describe(&tree.root)?),
            (ENVIRONMENT, environment()),
            (CONFIGURATION, configuration(tree)),
            (PROFILE, profiles(&tree.root)),
            (FEATURES, features.map_or_else(|| "default".to_owned(), |names| names.join(","))),
            (HARNESS, harness.to_owned()),
            (DEPENDENCIES, digest(&lock)),
            (OUTSIDE, outside.join("\n")),
        ];
        Ok(Self(parts.map(|(name, value)| (name.to_owned(), value)).into()))
    }

    /// A digest of all parts.
    pub(super) fn digest(&self) -> String {
        self.digest_of(|_| true)
    }

    /// A digest of what shapes the dependencies: they know neither features nor harness.
    pub(super) fn digest_of_dependencies(&self) -> String {
        self.digest_of(|part| part != FEATURES && part != HARNESS)
    }

    fn digest_of(&self, counts: impl Fn(&str) -> bool) -> String {
        let mut identity = blake3::Hasher::new();
        for (name, value) in self.0.iter().filter(|(name, _)| counts(name)) {
            identity.update(name.as_bytes()).update(&[0]).update(value.as_bytes()).update(&[0]);
        }
        identity.finalize().to_hex().to_string()
    }

    /// The parts in which two sides were built differently. Features are left out: they are what sides are named by.
    #[must_use]
    pub fn differing_from(&self, other: &Self) -> Vec<String> {
        let differs = |name: &&&str| self.0.get(**name) != other.0.get(**name);
        let told = [TOOLCHAIN, ENVIRONMENT, CONFIGURATION, PROFILE, DEPENDENCIES, OUTSIDE, HARNESS];
        told.iter().filter(differs).map(|name| (*name).to_owned()).collect()
    }
}

/// A digest of the files of a package, but for what Cargo wrote there.
fn digest_of_package(directory: &Path) -> anyhow::Result<String> {
    let copy = tempfile::tempdir()?;
    copy_all(directory, copy.path())?;
    digest_of(copy.path())
}

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().chars().take(DIGITS).collect()
}

/// A digest of a variable's value, or `unset`: values may be secrets.
pub(super) fn value_of(name: &OsStr) -> String {
    std::env::var_os(name).map_or_else(|| "unset".to_owned(), |value| digest(value.as_encoded_bytes()))
}

fn environment() -> String {
    let names = std::env::vars_os().map(|(name, _)| name).filter(|name| shapes_a_build(name));
    let mut lines: Vec<String> = names.map(|name| format!("{}={}", name.display(), value_of(&name))).collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// A digest of every file of settings that Cargo and rustup read for this tree, and of the files that those include.
fn configuration(tree: &Tree) -> String {
    let within = tree.root.ancestors().take_while(|directory| directory.starts_with(&tree.top));
    let mut files: Vec<PathBuf> = within.flat_map(|here| SETTINGS.map(|name| here.join(name))).collect();
    files.extend(tree.top.parent().map(settings_above).unwrap_or_default());
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    files.extend(home.into_iter().flat_map(|home| [home.join("config.toml"), home.join("config")]));

    let mut lines = Vec::new();
    while let Some(file) = files.pop() {
        let Ok(content) = fs::read(&file) else { continue };
        // The same settings at the same place of the tree are the same, wherever the tree is laid out.
        let name = file.strip_prefix(&tree.top).unwrap_or(&file);
        let line = format!("{} {}", name.display(), digest(&settings_in(&content)));
        if !lines.contains(&line) {
            files.extend(included(&file, &content));
            lines.push(line);
        }
    }
    lines.sort_unstable();
    lines.join("\n")
}

/// The settings of a file, without what does not change a build: comments and aliases.
fn settings_in(content: &[u8]) -> Vec<u8> {
    let table = std::str::from_utf8(content).ok().and_then(|text| text.parse::<toml::Table>().ok());
    table.map_or_else(
        || content.to_vec(),
        |mut table| {
            table.remove("alias");
            table.to_string().into_bytes()
        },
    )
}

/// The files that a Cargo configuration includes: `include = "path"`, a list of them, or of tables with a path.
fn included(file: &Path, content: &[u8]) -> Vec<PathBuf> {
    let table = std::str::from_utf8(content).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let Some(include) = table.and_then(|mut table| table.remove("include")) else { return Vec::new() };
    let list = if let toml::Value::Array(list) = include { list } else { vec![include] };
    let path = |value: toml::Value| match value {
        toml::Value::String(path) => Some(path),
        toml::Value::Table(table) => table.get("path").and_then(toml::Value::as_str).map(str::to_owned),
        _ => None,
    };
    let beside = file.parent().unwrap_or(Path::new(""));
    list.into_iter().filter_map(path).map(|path| beside.join(path)).collect()
}

fn profiles(root: &Path) -> String {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default();
    let table = manifest.parse::<toml::Table>().unwrap_or_default();
    table.get("profile").map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circumstances(parts: &[(&str, &str)]) -> Circumstances {
        Circumstances(parts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_differs_in_how_two_sides_were_built_is_named() {
        let one = circumstances(&[(PROFILE, "a"), (FEATURES, "x"), (CONFIGURATION, "c")]);
        let other = circumstances(&[(PROFILE, "b"), (FEATURES, "y"), (CONFIGURATION, "c")]);
        assert_eq!(one.differing_from(&other), [PROFILE]);
        assert!(one.differing_from(&one).is_empty());
        assert_ne!(one.digest(), other.digest());
    }

    #[test]
    fn dependencies_do_not_depend_on_features_and_harness() {
        let one = circumstances(&[(TOOLCHAIN, "t"), (FEATURES, "x"), (HARNESS, "h")]);
        let other = circumstances(&[(TOOLCHAIN, "t"), (FEATURES, "y"), (HARNESS, "i")]);
        assert_eq!(one.digest_of_dependencies(), other.digest_of_dependencies());
        let newer = circumstances(&[(TOOLCHAIN, "u"), (FEATURES, "x"), (HARNESS, "h")]);
        assert_ne!(one.digest_of_dependencies(), newer.digest_of_dependencies());
    }

    #[test]
    fn a_comment_or_an_alias_is_no_setting_and_a_flag_is() {
        let of = |text: &str| settings_in(text.as_bytes());
        let flags = "[build]\nrustflags = [\"-C\", \"target-cpu=native\"]\n";
        assert_eq!(of(flags), of(&format!("# why\n[alias]\nlab = \"run\"\n{flags}")));
        assert_ne!(of(flags), of("[build]\nrustflags = []\n"));
    }

    #[test]
    fn what_a_configuration_includes_is_read_too() {
        let of = |text: &str| included(Path::new("/r/.cargo/config.toml"), text.as_bytes());
        assert_eq!(of("include = \"more.toml\""), [Path::new("/r/.cargo/more.toml")]);
        assert_eq!(
            of("include = [\"a.toml\", { path = \"../b.toml\", optional = true }]"),
            [Path::new("/r/.cargo/a.toml"), Path::new("/r/.cargo/../b.toml")]
        );
        assert!(of("[build]\njobs = 1\n").is_empty());
    }
}
