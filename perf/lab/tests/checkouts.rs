//! Git as it is out there: hooks, worktrees, folders, shallow clones, submodules, other people's checkouts, no git at
//! all.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

#[path = "common/place.rs"]
mod place;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use place::{WORK, commit, git, line_with, repository, said};

const GATE: [&str; 3] = ["gate", "--base", "HEAD~1"];

fn slower(root: &Path) {
    fs::write(root.join("work/src/lib.rs"), WORK.replace("1000", "1100")).unwrap();
}

/// Index and state of a checkout.
fn state(root: &Path) -> String {
    let of = |args: &[&str]| git(root, args);
    [of(&["ls-files", "--stage"]), of(&["worktree", "list"]), of(&["stash", "list"]), of(&["status", "--porcelain"])]
        .concat()
}

#[test]
fn a_hook_in_a_linked_worktree_gets_a_verdict_and_its_index_is_not_touched() {
    let (place, root) = repository(&[&|_| {}]);
    let linked = place.path().join("linked");
    git(&root, &["worktree", "add", "--quiet", "-b", "other", linked.to_str().unwrap()]);
    for checkout in [&root, &linked] {
        slower(checkout);
        git(checkout, &["add", "--all"]);
        let before = state(checkout);
        let hooks = git(checkout, &["rev-parse", "--path-format=absolute", "--git-path", "hooks"]);
        let said_to = place.path().join("said");
        let target = place.path().join("target");
        let hook = format!(
            "#!/bin/sh\nenv CARGO_TARGET_DIR='{}' FAIRBENCH_PROBE_TIMEOUT_SECONDS=5 '{}' gate --base HEAD > '{}' 2>&1\n\
             echo \"exit $?\" >> '{}'\nexit 1\n",
            target.display(),
            env!("CARGO_BIN_EXE_perf-lab"),
            said_to.display(),
            said_to.display(),
        );
        let hook_file = Path::new(hooks.trim()).join("pre-commit");
        fs::create_dir_all(hooks.trim()).unwrap();
        fs::write(&hook_file, hook).unwrap();
        fs::set_permissions(&hook_file, fs::Permissions::from_mode(0o755)).unwrap();
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let refused = Command::new("git").arg("-C").arg(checkout).args(identity).args(["commit", "-qm", "x"]).output();
        assert!(!refused.unwrap().status.success(), "the hook lets nothing through");
        let text = fs::read_to_string(&said_to).unwrap();
        assert!(text.ends_with("exit 1\n") && text.contains("regression: c is 10"), "{text}");
        assert_eq!(state(checkout), before);
        fs::remove_file(hook_file).unwrap();
    }
}

#[test]
fn variables_of_a_hook_do_not_lead_to_another_repository_or_index() {
    let (place, root) = repository(&[&slower]);
    let (_elsewhere, other) = repository(&[]);
    let index = place.path().join("index-of-a-hook");
    let output = place
        .lab_in(&root, &GATE)
        .env("GIT_DIR", other.join(".git"))
        .env("GIT_WORK_TREE", &other)
        .env("GIT_INDEX_FILE", &index)
        .env("GIT_OBJECT_DIRECTORY", other.join(".git/objects"))
        .output()
        .unwrap();
    let (code, text) = said(&output);
    assert_eq!(code, 1, "{text}");
    assert!(!index.exists());
}

#[test]
fn a_folder_of_a_larger_repository_is_compared_with_itself_in_the_base() {
    let (place, inner) = repository(&[]);
    let outer = place.path().join("outer");
    fs::create_dir_all(&outer).unwrap();
    fs::remove_dir_all(inner.join(".git")).unwrap();
    let root = outer.join("a folder");
    fs::rename(&inner, &root).unwrap();
    git(&outer, &["init", "--quiet"]);
    commit(&outer);
    slower(&root);
    commit(&outer);
    let (code, text) = said(&place.lab_in(&root, &GATE).output().unwrap());
    assert_eq!(code, 1, "{text}");
    // A commit from before there was the folder.
    git(&outer, &["checkout", "--quiet", "--orphan", "empty"]);
    git(&outer, &["rm", "--quiet", "-r", "--cached", "."]);
    git(&outer, &["commit", "--quiet", "--allow-empty", "-m", "empty"]);
    let empty = git(&outer, &["rev-parse", "HEAD"]);
    let (code, text) = said(&place.lab_in(&root, &["gate", "--base", empty.trim()]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    line_with(&text, "has no folder a folder");
}

#[test]
fn a_shallow_clone_is_told_how_to_get_the_rest() {
    let (place, root) = repository(&[&slower, &|_| {}]);
    let shallow = place.path().join("shallow");
    let url = format!("file://{}", root.display());
    git(place.path(), &["clone", "--quiet", "--depth", "1", &url, shallow.to_str().unwrap()]);
    let (code, text) = said(&place.lab_in(&shallow, &GATE).output().unwrap());
    assert_eq!(code, 3, "{text}");
    let line = line_with(&text, "which is shallow");
    assert!(line.contains("git fetch --unshallow") && line.contains("fetch-depth: 0"), "{line}");
}

#[test]
fn submodules_are_part_of_both_sides() {
    let (place, root) = repository(&[]);
    let module = place.path().join("module");
    fs::create_dir_all(&module).unwrap();
    fs::rename(root.join("work/src"), module.join("src")).unwrap();
    fs::rename(root.join("work/Cargo.toml"), module.join("Cargo.toml")).unwrap();
    git(&module, &["init", "--quiet"]);
    commit(&module);
    git(&root, &["rm", "--quiet", "-r", "--cached", "work"]);
    let _ = fs::remove_dir_all(root.join("work"));
    let url = module.to_str().unwrap();
    git(&root, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "work"]);
    commit(&root);
    slower(&root);
    commit(&root.join("work"));
    commit(&root);
    let (code, text) = said(&place.lab_in(&root, &GATE).output().unwrap());
    assert_eq!(code, 1, "{text}");
    // A dirty submodule is part of a dirty tree.
    fs::write(root.join("work/src/lib.rs"), WORK).unwrap();
    let (code, text) = said(&place.lab_in(&root, &["gate", "--base", "HEAD"]).output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("faster: c is "), "{text}");
}

#[test]
fn a_detached_head_an_untracked_file_and_a_deleted_one_are_what_is_built() {
    let (place, root) = repository(&[&|_| {}]);
    git(&root, &["checkout", "--quiet", "--detach"]);
    fs::create_dir_all(root.join("work/src/slow")).unwrap();
    fs::write(root.join("work/src/slow/mod.rs"), WORK.replace("1000", "1100")).unwrap();
    fs::write(root.join("work/src/lib.rs"), "mod slow;\npub use slow::elapsed_ns;\n").unwrap();
    fs::remove_file(root.join(".gitignore")).unwrap();
    let index = || fs::read(root.join(".git/index")).unwrap();
    let before = index();
    let (code, text) = said(&place.lab_in(&root, &["gate", "--base", "HEAD"]).output().unwrap());
    assert_eq!(code, 1, "{text}");
    assert_eq!(index(), before, "to the byte");
    assert!(text.contains("-dirty"), "{text}");
}

#[test]
fn a_checkout_of_somebody_else_is_named_with_the_remedy() {
    let (place, root) = repository(&[&slower]);
    let given_away = Command::new("chown").args(["-R", "65534"]).arg(&root).status().unwrap();
    if !given_away.success() {
        eprintln!("skipped: only root can give a checkout away");
        return;
    }
    let (code, text) = said(&place.lab_in(&root, &GATE).output().unwrap());
    assert_eq!(code, 3, "{text}");
    let line = line_with(&text, "dubious ownership");
    assert!(line.contains("git config --global --add safe.directory"), "{line}");
}

#[test]
fn without_git_a_revision_cannot_be_had_and_the_working_tree_can() {
    let (place, root) = repository(&[&slower]);
    let tools = place.path().join("tools");
    fs::create_dir_all(&tools).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for tool in ["cargo", "rustc", "rustup", "cc", "ld", "sh", "setarch", "uname"] {
        if let Some(found) = std::env::split_paths(&path).map(|at| at.join(tool)).find(|file| file.is_file()) {
            std::os::unix::fs::symlink(found, tools.join(tool)).unwrap();
        }
    }
    let lab = |args: &[&str]| said(&place.lab_in(&root, args).env("PATH", &tools).output().unwrap());
    let (code, text) = lab(&GATE);
    assert_eq!(code, 3, "{text}");
    line_with(&text, "git could not be started: it is not on the PATH");
    // An archive of the sources, without a repository.
    fs::remove_dir_all(root.join(".git")).unwrap();
    let (code, text) = lab(&["probe", "--ask", "."]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = said(&place.lab_in(&root, &GATE).output().unwrap());
    assert_eq!(code, 3, "{text}");
    line_with(&text, "not a git repository");
}

#[test]
fn a_revision_that_is_not_there_is_told_from_a_repository_without_commits() {
    let (place, root) = repository(&[]);
    let (code, text) = said(&place.lab_in(&root, &["gate", "--base", "no-such"]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    line_with(&text, "no revision, variant, feature set or probe is called \"no-such\"");
    fs::remove_dir_all(root.join(".git")).unwrap();
    git(&root, &["init", "--quiet"]);
    let (code, text) = said(&place.lab_in(&root, &["gate", "--base", "HEAD"]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    line_with(&text, "no commit yet");
}

#[test]
fn a_checkout_and_a_target_directory_may_have_any_name() {
    let (place, root) = repository(&[&slower]);
    for name in ["my repository", "d\u{e9}p\u{f4}t", "it's"] {
        let renamed = place.path().join(name);
        fs::rename(&root, &renamed).unwrap();
        let target = place.path().join(format!("target of {name}"));
        let output = place.lab_in(&renamed, &GATE).env("CARGO_TARGET_DIR", &target).output().unwrap();
        let (code, text) = said(&output);
        assert_eq!(code, 1, "{name}: {text}");
        fs::rename(&renamed, &root).unwrap();
    }
}
