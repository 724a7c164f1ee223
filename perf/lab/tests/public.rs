//! Which other crates the public items of our published crates name: what the front page of each says in its section
//! "Public dependencies" is what its source says. A new major version of one of those is a new major version of ours.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use public::named_in_public;

#[path = "common/public.rs"]
mod public;

const PUBLISHED: [&str; 5] = ["verifier/core", "variants", "verifier", "perf/fairbench-probe", "perf/fairbench"];
/// Its derive implements traits of the standard library only.
const EXPANDS_TO_NOTHING_FOREIGN: &str = "thiserror";

#[test]
fn the_front_page_of_each_published_crate_names_its_public_dependencies() {
    let mut wrong = Vec::new();
    for package in PUBLISHED {
        let folder = root().join(package);
        let mut named = named_in_public(&folder.join("src"), &dependencies(&folder));
        named.remove(EXPANDS_TO_NOTHING_FOREIGN);
        let said = said(&fs::read_to_string(folder.join("src/lib.rs")).unwrap());
        if !said.iter().eq(named.keys()) {
            wrong.push(format!("{package}: its section \"Public dependencies\" has {said:?}, its source {named:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_public_item_names_is_seen_and_what_a_private_one_names_is_not() {
    let named = |text: &str| {
        let made = tempfile::tempdir().unwrap();
        fs::write(made.path().join("lib.rs"), text).unwrap();
        let dependencies = ["smallvec", "serde", "rayon"].map(str::to_owned).into();
        named_in_public(made.path(), &dependencies).into_keys().collect::<Vec<_>>()
    };
    for public in [
        "pub fn f(x: smallvec::SmallVec<u8>) {}",
        "use smallvec::{self as s, SmallVec as V}; pub const fn f() -> Option<V> {}",
        "pub use smallvec::SmallVec;",
        "pub type A = smallvec::SmallVec;",
        "pub struct A { a: u8, pub b: Vec<(u8, smallvec::SmallVec)> }",
        "pub struct A(u8, #[x] pub smallvec::SmallVec);",
        "pub struct A<T: smallvec::Array>(T);",
        "use smallvec::Derived; #[derive(Debug, Derived)] pub enum A { B }",
        "pub struct A; impl smallvec::Array for A {}",
        "pub struct A; impl IntoIterator for A { type Item = smallvec::SmallVec; }",
        "pub struct A; impl A { pub fn f(&self) -> smallvec::SmallVec { todo!() } }",
        "pub trait A { fn f(x: smallvec::SmallVec); }",
        "mod a { pub fn f<T: smallvec::Array>(_: T) {} }",
    ] {
        assert_eq!(named(public), ["smallvec"], "{public}");
    }
    for private in [
        "fn f(x: smallvec::SmallVec) {}",
        "pub(crate) fn f(x: smallvec::SmallVec) {}",
        "pub fn f() { let x: smallvec::SmallVec = todo!(); }",
        "use smallvec::SmallVec; pub struct A { a: SmallVec, pub(crate) b: SmallVec, pub c: u8 }",
        "struct A; impl smallvec::Array for A {}",
        "mod rayon { pub struct A; } pub use rayon::A;",
        "#[cfg(test)] pub mod tests { pub fn f(x: smallvec::SmallVec) {} }",
        "pub const A: usize = smallvec::MOST;",
        "/// Like [`smallvec::SmallVec`].\npub fn f(x: own::SmallVec) {}",
    ] {
        assert!(named(private).is_empty(), "{private}: {:?}", named(private));
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Names in code of what a package depends on, tests aside.
fn dependencies(folder: &Path) -> BTreeSet<String> {
    let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap();
    let of = |table: &toml::Table| table.get("dependencies").and_then(toml::Value::as_table).cloned();
    let platforms = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(|all| all.values());
    let tables = platforms.filter_map(|platform| of(platform.as_table()?)).chain(of(&manifest));
    tables.flat_map(|table| table.keys().map(|name| name.replace('-', "_")).collect::<Vec<_>>()).collect()
}

/// Crates in the first column of the table below "Public dependencies" of a crate's documentation.
fn said(text: &str) -> BTreeSet<String> {
    let section = text.split("//! # Public dependencies\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| line.starts_with("//!") && !line.starts_with("//! # "));
    let rows = lines.filter_map(|line| line.strip_prefix("//! | `")?.split('|').next());
    rows.flat_map(|cell| cell.split(", `"))
        .filter_map(|one| one.split('`').next())
        .map(|name| name.replace('-', "_"))
        .collect()
}
