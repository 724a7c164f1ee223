//! A verdict about the code that was changed: whatever time stamps, caches, settings and variables say.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

#[path = "common/place.rs"]
mod place;

use std::fs;
use std::path::Path;
use std::process::Command;

use place::{Place, WORK, commit, git, line_with, repository, said};

const GATE: [&str; 3] = ["gate", "--base", "HEAD~1"];

fn slower(root: &Path) {
    fs::write(root.join("work/src/lib.rs"), WORK.replace("1000", "1100")).unwrap();
}

/// As a checkout by a continuous integration service, or a restored cache, may leave them.
fn with_old_time_stamps(root: &Path) {
    let touched = Command::new("find")
        .arg(root)
        .args(["-not", "-path", "*/.git/*", "-exec", "touch", "-d", "2001-01-01", "{}", "+"])
        .status()
        .unwrap();
    assert!(touched.success());
}

fn gate(place: &Place, root: &Path) -> (i32, String) {
    said(&place.lab_in(root, &GATE).output().unwrap())
}

#[test]
fn a_change_is_seen_at_once_by_a_developer_and_in_a_fresh_clone_with_old_time_stamps() {
    let (place, root) = repository(&[]);
    // Whatever is built now is newer than all files of the change.
    let (code, text) = said(&place.lab_in(&root, &["probe", "--ask", "."]).output().unwrap());
    assert_eq!(code, 0, "{text}");
    slower(&root);
    with_old_time_stamps(&root);
    commit(&root);
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("c is 10 % slower") || text.contains("c is 10.0 % slower"), "{text}");

    let clone = place.path().join("clone");
    git(place.path(), &["clone", "--quiet", root.to_str().unwrap(), clone.to_str().unwrap()]);
    with_old_time_stamps(&clone);
    for cached in [true, false] {
        if !cached {
            fs::remove_dir_all(place.path().join("target")).unwrap();
        }
        let (code, text) = gate(&place, &clone);
        assert_eq!(code, 1, "cached {cached}: {text}");
    }
    // Not committed yet, the same change is seen as well.
    git(&root, &["reset", "--quiet", "--soft", "HEAD~1"]);
    let (code, text) = said(&place.lab_in(&root, &["gate", "--base", "HEAD"]).output().unwrap());
    assert_eq!(code, 1, "{text}");
}

#[test]
fn equal_programs_are_said_to_be_equal_and_are_not_timed() {
    let comment = |root: &Path| {
        let code = format!("// Why it takes so long.\n{WORK}#[cfg(test)]\nmod tests {{}}\n");
        fs::write(root.join("work/src/lib.rs"), code).unwrap();
    };
    let (place, root) = repository(&[&comment]);
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 0, "{text}");
    line_with(&text, "pass: equal programs: ");
    assert!(!text.contains("measuring"), "{text}");
    // Unless they are asked to be.
    let (code, text) = said(&place.lab_in(&root, &[&GATE[..], &["--time-equal"]].concat()).output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("| c         | 1.000"), "{text}");
}

#[test]
fn code_that_changes_no_program_is_said() {
    let unused = |root: &Path| {
        let code = format!("{WORK}#[allow(dead_code)]\nfn unused() -> u64 {{\n    42\n}}\n");
        fs::write(root.join("work/src/lib.rs"), code).unwrap();
    };
    let (place, root) = repository(&[&unused]);
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 0, "{text}");
    line_with(&text, "the programs are equal although code differs in work/src/lib.rs");
}

#[test]
fn a_program_or_a_record_that_is_not_what_was_built_is_not_timed() {
    let (place, root) = repository(&[&slower]);
    assert_eq!(gate(&place, &root).0, 1);
    let kept = place.path().join("target/fairbench/probes");
    let directories: Vec<_> = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(directories.len(), 2, "{directories:?}");
    let of = |name: &str| [0, 1].map(|at: usize| fs::read(directories[at].join(name)).unwrap());
    let (programs, records) = (of("perf-probe"), of("manifest.json"));
    assert_ne!(programs[0], programs[1], "the two programs differ");

    // One side's program in the place of the other's.
    fs::write(directories[0].join("perf-probe"), &programs[1]).unwrap();
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 3, "{text}");
    let line = line_with(&text, "is not what was built: its digest should be ");
    let digests = line.split_whitespace().filter(|word| word.trim_matches(';').len() == 64).count();
    assert_eq!(digests, 2, "{line}");
    assert!(line.contains("nothing was timed") && !text.contains("measuring"), "{text}");

    // All of one side in the place of the other's, with its own record.
    fs::write(directories[0].join("manifest.json"), &records[1]).unwrap();
    fs::copy(directories[1].join("perf-probe-allocs"), directories[0].join("perf-probe-allocs")).unwrap();
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 3, "{text}");
    line_with(&text, "the record at ");

    // Nothing at all is as good as never built.
    let (code, text) = said(&place.lab_in(&root, &["clean"]).output().unwrap());
    assert!(code == 0 && text.contains("removed "), "{text}");
    assert_eq!(gate(&place, &root).0, 1);
}

#[test]
fn whatever_shapes_a_build_is_part_of_what_is_kept_and_both_sides_have_it() {
    let (place, root) = repository(&[&|_| {}]);
    let with = |name: &str, value: &str| {
        let output = place.lab_in(&root, &GATE).env(name, value).output().unwrap();
        let (code, text) = said(&output);
        assert_eq!(code, 0, "{name}: {text}");
        text
    };
    assert!(gate(&place, &root).1.contains("building the probe of HEAD~1"));
    for (name, value) in [
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
        ("RUSTFLAGS", "-C debuginfo=1"),
        ("CARGO_BUILD_RUSTFLAGS", "-C debuginfo=0"),
        ("CARGO_INCREMENTAL", "1"),
    ] {
        let text = with(name, value);
        assert!(text.contains("building the probe of HEAD~1"), "{name}: {text}");
        assert!(!with(name, value).contains("building"), "{name}, again");
    }
    for (name, value) in [("CARGO_TERM_COLOR", "always"), ("CARGO_NET_RETRY", "3"), ("RUST_LOG", "info")] {
        assert!(!with(name, value).contains("building"), "{name}");
    }
}

#[test]
fn a_variable_that_the_code_itself_reads_is_part_of_what_is_kept() {
    let reads = |root: &Path| {
        let code = "pub fn elapsed_ns(iterations: u64) -> u64 {\n    \
                    iterations * if option_env!(\"MODE\").is_some() { 3000 } else { 1000 }\n}\n";
        fs::write(root.join("work/src/lib.rs"), code).unwrap();
    };
    let (place, root) = repository(&[&reads, &|_| {}]);
    assert_eq!(gate(&place, &root).0, 0);
    let output = place.lab_in(&root, &GATE).env("MODE", "slow").output().unwrap();
    let (code, text) = said(&output);
    assert_eq!(code, 0, "both sides were built with it: {text}");
    assert!(text.contains("building"), "{text}");
}

#[test]
fn a_change_of_a_profile_or_of_a_configuration_file_is_compared_like_any_other_and_said() {
    let configure = |root: &Path| {
        fs::create_dir_all(root.join(".cargo")).unwrap();
        fs::write(root.join(".cargo/config.toml"), "[build]\nrustflags = [\"--cfg\", \"slow\"]\n").unwrap();
    };
    let work = |root: &Path| {
        let code = "#[cfg(slow)]\npub fn elapsed_ns(iterations: u64) -> u64 {\n    iterations * 1200\n}\n\
                    #[cfg(not(slow))]\npub fn elapsed_ns(iterations: u64) -> u64 {\n    iterations * 1000\n}\n";
        fs::write(root.join("work/src/lib.rs"), code).unwrap();
    };
    let (place, root) = repository(&[&work, &configure]);
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 1, "{text}");
    line_with(&text, "built differently: Cargo configuration");
    // The base keeps its own, and the candidate has lost it.
    git(&root, &["rm", "--quiet", "-r", ".cargo"]);
    commit(&root);
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("faster") && text.contains("built differently: Cargo configuration"), "{text}");

    let profile = "\n[profile.release]\nopt-level = 1\n";
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    fs::write(root.join("Cargo.toml"), manifest + profile).unwrap();
    commit(&root);
    line_with(&gate(&place, &root).1, "built differently: profiles");
}

#[test]
fn settings_above_the_checkout_hold_for_both_sides() {
    let work = |root: &Path| {
        let code =
            "pub fn elapsed_ns(iterations: u64) -> u64 {\n    iterations * if cfg!(slow) { 1200 } else { 1000 }\n}\n";
        fs::write(root.join("work/src/lib.rs"), code).unwrap();
    };
    let (place, root) = repository(&[&work, &|_| {}]);
    fs::create_dir_all(place.path().join(".cargo")).unwrap();
    let flags = "[build]\nrustflags = [\"--cfg\", \"slow\"]\n";
    fs::write(place.path().join(".cargo/config.toml"), flags).unwrap();
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 0, "{text}");
    line_with(&text, "pass: equal programs");
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("perf-lab-tree")), "{left:?}");

    // Such as git was told to ignore are the user's, and hold for both sides too.
    fs::remove_dir_all(place.path().join(".cargo")).unwrap();
    fs::write(root.join(".git/info/exclude"), "/.cargo/\n").unwrap();
    fs::create_dir_all(root.join(".cargo")).unwrap();
    fs::write(root.join(".cargo/config.toml"), flags).unwrap();
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("pass: equal programs") && !text.contains("built differently"), "{text}");
}

#[test]
fn a_side_that_asks_for_a_compiler_gets_that_one_or_says_that_it_is_not_there() {
    if Command::new("rustup").arg("-V").output().is_err() {
        eprintln!("skipped: no rustup");
        return;
    }
    let asks = |root: &Path| {
        fs::write(root.join("rust-toolchain.toml"), "[toolchain]\nchannel = \"1.2.3-nowhere\"\n").unwrap();
    };
    let lost = |root: &Path| fs::remove_file(root.join("rust-toolchain.toml")).unwrap();
    let (place, root) = repository(&[&asks, &lost]);
    let without = |args: &[&str]| {
        let mut command = place.lab_in(&root, args);
        command.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTUP_TOOLCHAIN_SOURCE");
        said(&command.output().unwrap())
    };
    let (code, text) = without(&GATE);
    assert_eq!(code, 3, "the base asks for one that there is not: {text}");
    assert!(text.contains("1.2.3-nowhere"), "{text}");
    let (code, text) = without(&["gate", "--base", "HEAD~2"]);
    assert_eq!(code, 0, "{text}");
}

/// Cargo takes a vendored package for fresh by its version, whatever is in its files.
#[test]
fn a_change_of_a_vendored_package_is_seen() {
    let vendor = |root: &Path| {
        let package = root.join("vendor/dep");
        fs::create_dir_all(package.join("src")).unwrap();
        fs::create_dir_all(root.join(".cargo")).unwrap();
        fs::write(package.join("src/lib.rs"), "pub const NS: u64 = 1000;\n").unwrap();
        let manifest = "[package]\nname = \"dep\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";
        fs::write(package.join("Cargo.toml"), manifest).unwrap();
        fs::write(package.join(".cargo-checksum.json"), "{\"files\":{},\"package\":null}").unwrap();
        let sources = "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"vendor\"\n";
        fs::write(root.join(".cargo/config.toml"), sources).unwrap();
        let work = fs::read_to_string(root.join("work/Cargo.toml")).unwrap();
        fs::write(root.join("work/Cargo.toml"), format!("{work}[dependencies]\ndep = \"1\"\n")).unwrap();
        fs::write(root.join("work/src/lib.rs"), WORK.replace("1000", "dep::NS")).unwrap();
    };
    let slow = |root: &Path| fs::write(root.join("vendor/dep/src/lib.rs"), "pub const NS: u64 = 1100;\n").unwrap();
    let (place, root) = repository(&[&vendor, &slow]);
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 1, "{text}");
}

#[test]
fn code_outside_the_repository_is_part_of_what_is_kept() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir_all(outside.path().join("src")).unwrap();
    let package =
        |ns: u64| fs::write(outside.path().join("src/lib.rs"), format!("pub const NS: u64 = {ns};\n")).unwrap();
    let manifest = "[package]\nname = \"dep\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(outside.path().join("Cargo.toml"), manifest).unwrap();
    package(1000);
    let depend = |root: &Path| {
        let work = fs::read_to_string(root.join("work/Cargo.toml")).unwrap();
        let path = outside.path().display();
        fs::write(root.join("work/Cargo.toml"), format!("{work}[dependencies]\ndep = {{ path = \"{path}\" }}\n"))
            .unwrap();
        fs::write(root.join("work/src/lib.rs"), WORK.replace("1000", "dep::NS")).unwrap();
    };
    let (place, root) = repository(&[&depend]);
    let ask = || said(&place.lab_in(&root, &["probe", "--ask", "HEAD"]).output().unwrap());
    assert!(ask().1.contains("building"));
    assert!(!ask().1.contains("building"));
    package(1100);
    let (code, text) = ask();
    assert!(code == 0 && text.contains("building"), "{text}");
}

#[test]
fn a_target_directory_within_the_checkout_is_no_part_of_it() {
    let (place, root) = repository(&[]);
    let ask = || {
        let mut command = place.lab_in(&root, &["probe", "--ask", "."]);
        said(&command.env("CARGO_TARGET_DIR", root.join("out")).output().unwrap())
    };
    assert!(ask().1.contains("building"));
    let (code, text) = ask();
    assert!(code == 0 && !text.contains("building"), "{text}");
}

#[test]
fn settings_behind_a_link_out_of_the_checkout_hold_for_both_sides() {
    let elsewhere = tempfile::tempdir().unwrap();
    let flags = elsewhere.path().join("cargo.toml");
    fs::write(&flags, "[build]\nrustflags = [\"--cfg\", \"slow\"]\n").unwrap();
    let link = |root: &Path| {
        fs::create_dir_all(root.join(".cargo")).unwrap();
        std::os::unix::fs::symlink(pathdiff(&root.join(".cargo"), &flags), root.join(".cargo/config.toml")).unwrap();
        let code = "pub fn elapsed_ns(iterations: u64) -> u64 {\n    #[cfg(not(slow))]\n    \
                    compile_error!(\"built without the flags\");\n    iterations * 1000\n}\n";
        fs::write(root.join("work/src/lib.rs"), code).unwrap();
    };
    let (place, root) = repository(&[&link, &|_| {}]);
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 0, "{text}");
    line_with(&text, "pass: equal programs");
}

/// A relative path from a directory to a file, both absolute.
fn pathdiff(from: &Path, to: &Path) -> std::path::PathBuf {
    let up = from.components().filter(|part| matches!(part, std::path::Component::Normal(_))).count();
    let mut path: std::path::PathBuf = std::iter::repeat_n("..", up).collect();
    path.extend(to.components().filter(|part| matches!(part, std::path::Component::Normal(_))));
    path
}

#[test]
fn files_that_git_ignores_in_the_harness_are_none_of_it() {
    let (place, root) = repository(&[&|_| {}]);
    fs::write(root.join(".git/info/exclude"), "*.swp\n").unwrap();
    fs::write(root.join("perf/probe/src/.main.rs.swp"), "an editor's").unwrap();
    let (code, text) = gate(&place, &root);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("built differently"), "{text}");
}
