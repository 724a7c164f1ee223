//! The documents lead where they say: links to files and headings, files that are named, and commands of the lab.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A word in backquotes that begins with one of these names a file or a folder of this repository.
const FOLDERS: [&str; 10] = [
    "verifier/",
    "variants/",
    "benches/",
    "perf/",
    "scripts/",
    "baselines/",
    "fuzz/",
    "testdata/",
    "docs/",
    "services/",
];

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let documents = documents(&root());
    assert!(documents.len() >= 15, "{documents:?}");
    let broken: Vec<String> = documents.iter().flat_map(|document| broken_links(document)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn files_that_are_named_are_there() {
    let mut missing = Vec::new();
    for document in documents(&root()) {
        for span in code_spans(&without_blocks(&fs::read_to_string(&document).unwrap())) {
            let word = span.split(' ').next().unwrap_or_default();
            let is_path = FOLDERS.iter().any(|folder| word.starts_with(folder))
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
            if is_path && !root().join(word).exists() {
                missing.push(format!("{}: {word}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn commands_of_the_lab_that_are_named_are_there() {
    let help = Command::new(env!("CARGO_BIN_EXE_perf-lab")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let is_command = |word: &str| {
        help.lines().any(|line| line.strip_prefix("  ").is_some_and(|line| line.split(' ').next() == Some(word)))
    };
    assert!(is_command("sweep") && !is_command("nonsense"), "{help}");
    let mut unknown = Vec::new();
    for document in documents(&root()) {
        for after in fs::read_to_string(&document).unwrap().split("cargo lab ").skip(1) {
            let word: String = after.chars().take_while(|c| c.is_ascii_lowercase()).collect();
            if !word.is_empty() && !is_command(&word) {
                unknown.push(format!("{}: cargo lab {word}", document.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn names_that_the_glossary_gives_are_in_the_code() {
    let sources: String = files(&root(), ".rs").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let glossary = fs::read_to_string(root().join("docs/GLOSSARY.md")).unwrap();
    let names: Vec<&str> = glossary
        .lines()
        .filter_map(|line| line.trim_end_matches('|').rsplit_once(" | "))
        .flat_map(|(_, in_the_code)| code_spans(in_the_code))
        .filter(|name| !name.contains('/'))
        .map(|name| name.rsplit("::").next().unwrap())
        .collect();
    assert!(names.len() > 30, "{names:?}");
    let is_word = |name: &&str| {
        let around = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        sources.match_indices(*name).any(|(at, _)| {
            around(sources[..at].chars().next_back()) && around(sources[at + name.len()..].chars().next())
        })
    };
    let unknown: Vec<_> = names.into_iter().filter(|name| !is_word(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// PERFNOTES.md is short because the tables stand elsewhere: an interval that no table has was copied from a run that
/// is not kept, or is out of date.
#[test]
fn intervals_of_the_performance_notes_are_those_of_the_results() {
    let results: String =
        files(&root().join("docs/results"), ".md").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let notes = fs::read_to_string(root().join("PERFNOTES.md")).unwrap();
    let told = intervals(&notes);
    assert!(told.len() >= 5, "{told:?}");
    let strange: Vec<_> = told.into_iter().filter(|interval| !results.contains(interval)).collect();
    assert!(strange.is_empty(), "{strange:#?}");
    assert_eq!(intervals("met: 1.370 (1.356–1.382), and 2 (two) of 1.2 (3)"), ["1.370 (1.356–1.382)"]);
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("there.md"),
        "# A title: `code`, and more\n## Twice\n## Twice\n```\n# no heading\n```\n",
    )
    .unwrap();
    let broken = |text: &str| {
        let document = folder.path().join("document.md");
        fs::write(&document, text).unwrap();
        broken_links(&document).len()
    };
    for good in [
        "[a](there.md) ![b](./there.md) [c](there.md#a-title-code-and-more) [d](there.md#twice-1)",
        "# Here\n[a](#here) [b](https://example.org/nowhere) [c](mailto:a@b.c)",
        "```\n[a](gone.md)\n```\n`[a](gone.md)`",
        "[a][x]\n\n[x]: there.md#twice",
    ] {
        assert_eq!(broken(good), 0, "{good}");
    }
    for bad in
        ["[a](gone.md)", "[a](there.md#gone)", "[a](#gone)", "[a][x]\n\n[x]: gone.md", "[a](there.md#no-heading)"]
    {
        assert_eq!(broken(bad), 1, "{bad}");
    }
}

fn documents(root: &Path) -> Vec<PathBuf> {
    files(root, ".md")
}

/// Files of this repository, without what runs write. (Those that are links to others are read once.)
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap_or_default());
        let kind = entry.file_type().unwrap();
        let is_written = name == "target" || name.starts_with('.') || (folder.ends_with("reports") && name != "sample");
        if kind.is_dir() && !is_written {
            found.extend(files(&path, ending));
        } else if kind.is_file() && name.ends_with(ending) {
            found.push(path);
        }
    }
    found
}

fn broken_links(document: &Path) -> Vec<String> {
    let text = without_blocks(&fs::read_to_string(document).unwrap());
    let mut broken = Vec::new();
    for target in targets(&text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, heading) = target.split_once('#').unwrap_or((&target, ""));
        let file = if path.is_empty() { document.to_owned() } else { document.parent().unwrap().join(path) };
        if !file.exists() {
            broken.push(format!("{}: {target}: no such file", document.display()));
        } else if !heading.is_empty() && !headings(&fs::read_to_string(&file).unwrap()).contains(&heading.to_owned()) {
            broken.push(format!("{}: {target}: no such heading", document.display()));
        }
    }
    broken
}

/// What links lead to, written inline or as a definition.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in without_code_spans(text).lines() {
        let inline = line.split("](").skip(1).filter_map(|after| after.split([')', ' ']).next());
        targets.extend(inline.map(str::to_owned));
        if let Some((label, target)) = line.split_once("]: ")
            && label.starts_with('[')
        {
            targets.push(target.trim().to_owned());
        }
    }
    targets
}

/// The names by which headings are linked to, as code hosts make them.
fn headings(text: &str) -> Vec<String> {
    let mut counts = BTreeMap::<String, usize>::new();
    let mut names = Vec::new();
    for line in without_blocks(text).lines() {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let name: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let count = counts.entry(name.clone()).or_default();
        names.push(if *count == 0 { name } else { format!("{name}-{count}") });
        *count += 1;
    }
    names
}

/// Without blocks of code.
fn without_blocks(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn code_spans(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

fn without_code_spans(text: &str) -> String {
    let lines = text.lines().map(|line| line.split('`').step_by(2).collect::<Vec<_>>().join("code"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whatever is written as `1.370 (1.356–1.382)`.
fn intervals(text: &str) -> Vec<&str> {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let mut found = Vec::new();
    for (at, _) in text.match_indices(" (") {
        let start = text[..at].rfind(' ').map_or(0, |space| space + 1);
        let Some(end) = text[at..].find(')').map(|len| at + len) else { continue };
        let bounds = text[at + 2..end].split_once('–');
        if is_number(&text[start..at]) && bounds.is_some_and(|(low, high)| is_number(low) && is_number(high)) {
            found.push(&text[start..=end]);
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
