//! The plan of the house, `ARCHITECTURE.md`, held to what is there: which package may depend on which, which module may
//! name which, and which files may be long. The tables of that document are the rules; this reads them.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use modules::{Crate, cycle};

#[path = "common/modules.rs"]
mod modules;

/// Crates that would make the instrument know tokens, draw, or measure with an allocator of its own.
const NOT_IN_FAIRBENCH: [&str; 9] =
    ["ron-auth", "perf-", "plotters", "resvg", "maud", "inferno", "pprof", "tikv-jemalloc", "criterion"];
/// Folders whose packages measure, or serve those that do: nothing of them is in a service.
const LAB: [&str; 5] = ["perf/", "benches", "fuzz", "variants/outcomes", "services/probe"];
/// Crates that are a choice for a seam, or hold one, and so are no business of the core.
const BACKENDS: [&str; 7] =
    ["base64-simd", "ciborium", "fearless_simd", "minicbor", "rayon", "ron-auth-variants", "serde_cbor"];
/// The seams: folders of `variants/src`, a file or a folder in each for each backend.
const SEAMS: [&str; 5] = ["base64", "decode", "mac", "execute", "scratch"];
/// What backends name of each other after all: module, what it names, and why.
const BETWEEN_BACKENDS: [(&str, &str, &str); 4] = [
    ("decode::ciborium", "decode::owned", "the form that both decoders through serde decode to"),
    ("decode::serde_cbor", "decode::owned", "the same"),
    ("execute::rayon", "execute::pool", "its threads"),
    ("execute::rayon", "execute::SequentialExecute", "what is not spread over threads is done one after the other"),
];
const MOST_LINES: usize = 400;
const MOST_COLUMNS: usize = 120;
const MOST_ROOMS_OF_THE_LAB: usize = 15;
const MOST_CRATES_OF_FAIRBENCH: usize = 59;

#[test]
fn every_package_is_in_the_table_and_depends_on_none_of_ours_but_those_that_the_table_permits() {
    let table = rows("Folders and packages");
    let rules: BTreeMap<String, &Vec<String>> =
        table.iter().flat_map(|row| Some((quoted(&row[1]).pop()?, row))).collect();
    let packages = packages();
    let ours: BTreeSet<_> = packages.iter().map(|package| package.name.clone()).collect();
    assert_eq!(rules.keys().cloned().collect::<BTreeSet<_>>(), ours, "packages in the table, and packages there are");
    for package in &packages {
        let row = rules[&package.name];
        assert_eq!(quoted(&row[0])[0].trim_end_matches('/'), package.folder, "folder of {}", package.name);
        let permitted = quoted(&row[3]);
        let beyond: Vec<_> = package.normal.intersection(&ours).filter(|name| !permitted.contains(name)).collect();
        assert!(beyond.is_empty(), "{} depends on {beyond:?}, which ARCHITECTURE.md does not permit", package.name);
    }
}

#[test]
fn every_folder_of_the_table_is_there() {
    for row in rows("Folders and packages") {
        assert!(root().join(&quoted(&row[0])[0]).is_dir(), "ARCHITECTURE.md has {}, which is not there", row[0]);
    }
}

#[test]
fn what_a_service_builds_holds_no_lab_code() {
    let packages = packages();
    let is_lab = |package: &Package| LAB.iter().any(|folder| package.folder.starts_with(folder));
    let lab: BTreeSet<_> =
        packages.iter().filter(|package| is_lab(package)).map(|package| package.name.clone()).collect();
    assert!(["perf-lab", "fairbench", "ron-services-probe"].iter().all(|name| lab.contains(*name)), "{lab:?}");
    for package in packages.iter().filter(|package| !is_lab(package)) {
        let used: Vec<_> = package.normal.intersection(&lab).collect();
        assert!(used.is_empty(), "{} is product, and depends on {used:?}", package.name);
    }
    let tree = tree("ron-auth", &["--features", "full"]);
    let used: Vec<_> = tree.intersection(&lab).collect();
    assert!(used.is_empty(), "ron-auth with `full` brings in {used:?}");
}

#[test]
fn the_instrument_knows_nothing_of_tokens_and_draws_nothing() {
    for package in ["fairbench", "fairbench-probe"] {
        let tree = tree(package, &[]);
        let is_barred = |name: &&String| NOT_IN_FAIRBENCH.iter().any(|barred| name.starts_with(barred));
        let barred: Vec<_> = tree.iter().filter(is_barred).collect();
        assert!(barred.is_empty(), "{package} brings in {barred:?}");
        assert!(tree.len() <= MOST_CRATES_OF_FAIRBENCH, "{package} takes {} crates to build: {tree:?}", tree.len());
    }
}

#[test]
fn core_knows_no_backend() {
    let packages = packages();
    let core = packages.iter().find(|package| package.name == "ron-auth-core").unwrap();
    let known: Vec<_> = BACKENDS.iter().filter(|backend| core.normal.contains(**backend)).collect();
    assert!(known.is_empty(), "ron-auth-core depends on {known:?}");
    assert_eq!(
        core.features,
        BTreeSet::from(["serde".to_owned()]),
        "features of ron-auth-core: none chooses a backend"
    );
}

#[test]
fn no_backend_names_another() {
    let variants = Crate::read(&root().join("variants/src"));
    for seam in SEAMS {
        assert!(variants.modules.contains(&vec![seam.to_owned()]), "no seam {seam} in variants/src");
    }
    let strays = strays(&variants);
    assert!(strays.is_empty(), "{strays:#?}");
}

#[test]
fn no_room_leads_back_to_itself() {
    for src in ["perf/fairbench/src", "perf/lab/src"] {
        let it = Crate::read(&root().join(src));
        assert!(it.rooms().len() > 5 && !it.arrows_of_rooms().is_empty(), "{src} was not read");
        if let Some(cycle) = cycle(&it.arrows_of_rooms()) {
            panic!("{src}: {}", cycle.join("\n  "));
        }
        let past: Vec<_> = it.past_the_rooms();
        assert!(past.is_empty(), "{src}: named at the crate's root instead of in a room, so no arrow shows: {past:#?}");
    }
}

#[test]
fn the_lab_has_few_rooms() {
    let rooms = Crate::read(&root().join("perf/lab/src")).rooms();
    assert!(rooms.len() <= MOST_ROOMS_OF_THE_LAB, "{} rooms: {rooms:?}", rooms.len());
}

#[test]
fn a_long_file_is_named_with_its_reason() {
    let table = rows("Long files");
    assert!(table.iter().all(|row| row[1].len() > 20), "a reason is a sentence");
    let named: BTreeSet<String> = table.iter().flat_map(|row| quoted(&row[0])).collect();
    let mut long = BTreeSet::new();
    for file in source_files(&root()) {
        if fs::read_to_string(&file).unwrap().lines().count() > MOST_LINES {
            long.insert(file.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"));
        }
    }
    let unnamed: Vec<_> = long.difference(&named).collect();
    assert!(unnamed.is_empty(), "longer than {MOST_LINES} lines, without a reason in ARCHITECTURE.md: {unnamed:#?}");
    let short: Vec<_> = named.difference(&long).collect();
    assert!(short.is_empty(), "not longer than {MOST_LINES} lines any more: take it off the list: {short:#?}");
}

#[test]
fn no_line_is_wider_than_what_a_reader_sees_at_once() {
    for file in source_files(&root()) {
        let text = fs::read_to_string(&file).unwrap();
        let wide: Vec<_> =
            text.lines().zip(1..).filter(|(line, _)| is_too_wide(line)).map(|(_, number)| number).collect();
        assert!(wide.is_empty(), "{}: lines {wide:?} have more than {MOST_COLUMNS} columns", file.display());
    }
}

// The checks themselves, on crates that are made up.

#[test]
fn a_cycle_is_found_whatever_way_a_path_is_written() {
    for back in [
        "use crate::a::Thing;",
        "use crate::{c::X, a::{self, Thing}};",
        "fn f() { let _ = [(crate::a::f)()]; }",
        "use super::super::a::Thing;",
        "mod inner { use super::super::super::a; }",
    ] {
        let made = made(&[
            ("lib.rs", "pub mod a; pub mod b; pub mod c;"),
            ("a.rs", "use crate::b::deep::Thing;"),
            ("b/mod.rs", "pub mod deep;"),
            ("b/deep.rs", back),
            ("c.rs", "pub struct X;"),
        ]);
        let found = cycle(&Crate::read(made.path()).arrows_of_rooms()).unwrap_or_else(|| panic!("missed: {back}"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("a -> b (") && found[1].starts_with("b -> a ("), "{found:?}");
    }
}

#[test]
fn tests_comments_and_strings_are_no_arrows() {
    let made = made(&[
        ("lib.rs", "pub mod a; pub mod b; #[cfg(test)] mod test_data;"),
        ("a.rs", "use crate::b::Thing;"),
        (
            "b.rs",
            "//! [`crate::a`]\n// crate::a\n/// super::a::f\npub struct Thing(&'static str);\nconst S: &str = \"crate::a\";\n\
             #[cfg(test)]\nuse crate::a::f;\n#[cfg(test)]\nmod simulated;\n#[cfg(test)]\nmod tests { use crate::a::f; }",
        ),
        ("b/simulated.rs", "use crate::a;"),
        ("test_data.rs", "use crate::{a, b};"),
    ]);
    let read = Crate::read(made.path());
    assert_eq!(read.rooms(), BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    assert_eq!(cycle(&read.arrows_of_rooms()), None);
    assert_eq!(read.arrows_of_rooms().keys().collect::<Vec<_>>(), [&("a".to_owned(), "b".to_owned())]);
}

#[test]
fn a_wide_line_is_one_that_could_be_broken() {
    let words = "a few words ".repeat(12);
    for line in [format!("// {words}"), format!("    /// {words}"), format!("let x = {words};"), "é ".repeat(61)] {
        assert!(is_too_wide(&line), "{line}");
    }
    let address = format!("https://example.org/{}", "a/".repeat(60));
    for line in [format!("/// | {words} |"), format!("// See {address}"), format!("f(\"{words}\");"), "é".repeat(120)]
    {
        assert!(!is_too_wide(&line), "{line}");
    }
}

#[test]
fn what_is_named_at_the_root_is_seen() {
    let made = made(&[("lib.rs", "pub mod a; pub mod b; pub use b::f;"), ("a.rs", "use crate::f;"), ("b.rs", "")]);
    assert_eq!(Crate::read(made.path()).past_the_rooms().len(), 1);
}

#[test]
fn a_backend_that_names_another_is_found() {
    let stray = |file: &str, text: &str| {
        let made = made(&[
            ("lib.rs", "mod base64; mod decode; mod catalogue;"),
            ("base64/mod.rs", "mod simd; pub use simd::SimdBase64;"),
            ("decode/mod.rs", "mod owned; mod plain; mod ciborium; pub use plain::Plain;"),
            ("decode/owned.rs", ""),
            ("decode/plain.rs", ""),
            ("catalogue.rs", "use crate::{base64::*, decode::*};"),
            ("base64/simd.rs", if file == "simd" { text } else { "" }),
            ("decode/ciborium.rs", if file == "ciborium" { text } else { "" }),
        ]);
        strays(&Crate::read(made.path())).len()
    };
    assert_eq!(stray("", ""), 0);
    assert_eq!(stray("ciborium", "use super::owned::Owned; use super::Plain as P;"), 1, "another by its type");
    assert_eq!(stray("ciborium", "use super::plain::helper;"), 1, "another of the same seam");
    assert_eq!(stray("simd", "fn f() { crate::decode::decode(b\"\") }"), 1, "another seam");
    assert_eq!(stray("simd", "use crate::catalogue::find;"), 1, "who puts backends together");
}

/// A package of this repository.
struct Package {
    name: String,
    /// Relative to the root.
    folder: String,
    features: BTreeSet<String>,
    /// What it depends on outside its tests, optional or not.
    normal: BTreeSet<String>,
}

/// Those of the workspace, and those that are workspaces of their own.
fn packages() -> Vec<Package> {
    let mut all = Vec::new();
    for manifest in ["Cargo.toml", "perf/peers/Cargo.toml", "fuzz/Cargo.toml"] {
        let manifest = root().join(manifest);
        let arguments =
            ["metadata", "--no-deps", "--format-version", "1", "--manifest-path", manifest.to_str().unwrap()];
        let metadata: serde_json::Value = serde_json::from_str(&cargo(&arguments)).unwrap();
        let base = fs::canonicalize(root()).unwrap();
        for package in metadata["packages"].as_array().unwrap() {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let folder = fs::canonicalize(Path::new(&text(&package["manifest_path"])).parent().unwrap()).unwrap();
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            all.push(Package {
                name: text(&package["name"]),
                folder: folder.strip_prefix(&base).unwrap().to_str().unwrap().replace('\\', "/"),
                features: package["features"].as_object().unwrap().keys().cloned().collect(),
                normal: dependencies.filter(|one| one["kind"] != "dev").map(|one| text(&one["name"])).collect(),
            });
        }
    }
    all
}

/// Names of the crates that a build of a package takes, itself included.
fn tree(package: &str, more: &[&str]) -> BTreeSet<String> {
    let mut arguments = vec!["tree", "--locked", "-e", "normal", "--prefix", "none", "-p", package];
    arguments.extend(more);
    let lines = cargo(&arguments);
    let names: BTreeSet<_> = lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(names.contains(package), "{lines}");
    names
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows, by their cells, of the table below a heading of ARCHITECTURE.md; those that begin with something in
/// backquotes.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text.split("\n## ").find(|section| section.lines().next() == Some(heading));
    let section = section.unwrap_or_else(|| panic!("ARCHITECTURE.md has no section {heading:?}"));
    let rows: Vec<Vec<_>> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(!rows.is_empty(), "the section {heading:?} of ARCHITECTURE.md has no table");
    rows
}

/// What stands in backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Source files of this repository, wherever they are.
fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap_or_default());
        if entry.file_type().unwrap().is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(source_files(&path));
        } else if entry.file_type().unwrap().is_file() && name.ends_with(".rs") {
            files.push(path);
        }
    }
    files
}

/// Whether a line has more columns than it may and could be broken. A row of a table and a single long word, such as an
/// address, cannot be; and whatever of the code the formatter does not break is a literal.
fn is_too_wide(line: &str) -> bool {
    let is_breakable = match line.trim_start().strip_prefix("//") {
        Some(comment) => {
            let text = comment.trim_start_matches(['/', '!']).trim_start();
            let fits = |word: &str| line.chars().count() - text.chars().count() + word.chars().count() <= MOST_COLUMNS;
            !text.starts_with('|') && text.split_whitespace().all(fits)
        }
        None => !line.contains('"'),
    };
    is_breakable && line.chars().count() > MOST_COLUMNS
}

/// What backends name beyond themselves, their seam's shared modules, and the core.
fn strays(variants: &Crate) -> Vec<String> {
    let is_stray = |(module, path): &&(Vec<String>, Vec<String>)| {
        let [seam, backend, ..] = &module[..] else {
            // The list of a seam's backends names those, and no other seam.
            return module.iter().any(|seam| SEAMS.contains(&&**seam) && path.first().is_some_and(|to| to != seam));
        };
        let is_known = BETWEEN_BACKENDS.iter().any(|(who, what, _)| {
            module.join("::").starts_with(who) && format!("{}::", path.join("::")).starts_with(&format!("{what}::"))
        });
        SEAMS.contains(&&**seam) && path.get(1) != Some(backend) && path != module && !is_known
    };
    let strays = variants.named.iter().filter(is_stray);
    strays.map(|(module, path)| format!("{} names {}", module.join("::"), path.join("::"))).collect()
}

fn made(files: &[(&str, &str)]) -> tempfile::TempDir {
    let made = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = made.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    made
}
