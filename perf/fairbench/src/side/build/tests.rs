use super::*;

const ORDER: Order<'_> = Order { package: "p", programs: &["p"], features: None, label: "HEAD" };

fn artifact(package: &str, fresh: bool, executable: &str) -> String {
    let top = if package.starts_with(PATH_PACKAGE) { "/t" } else { "/registry" };
    format!(
        r#"{{"reason":"compiler-artifact","package_id":"{package}","manifest_path":"{top}/p/Cargo.toml","target":{{"kind":["bin"],"name":"p","src_path":"/t/p/src/main.rs"}},"filenames":["/o/p"],"executable":{executable},"fresh":{fresh}}}"#
    )
}

#[test]
fn a_path_package_that_cargo_did_not_build_anew_is_refused() {
    let dependency = artifact("registry+https://example.org#d@1.0.0", true, "null");
    let fresh = format!("{dependency}\n{}", artifact("path+file:///t/p#0.1.0", true, "\"/o/p\""));
    let error = read_messages(&fresh, [Path::new("/t"); 2], &ORDER).unwrap_err().to_string();
    assert!(error.contains("took p from an earlier build"), "{error}");
    let built = format!("{dependency}\n{}", artifact("path+file:///t/p#0.1.0", false, "\"/o/p\""));
    let made = read_messages(&built, [Path::new("/t"); 2], &ORDER).unwrap();
    assert_eq!(made.programs, [("p".to_owned(), PathBuf::from("/o/p"))].into());
}

#[test]
fn a_build_without_the_program_that_was_ordered_is_none() {
    for said in ["", &artifact("path+file:///t/p#0.1.0", false, "null"), "noise"] {
        let error = read_messages(said, [Path::new("/t"); 2], &ORDER).unwrap_err().to_string();
        assert_eq!(error, "HEAD: Cargo built no p");
    }
}

#[test]
fn a_dep_info_lists_files_whose_names_may_have_spaces() {
    let listed = listed_sources("/o/p: /t/a.rs /t/with\\ space/b.rs /t/c.rs\n\n/t/a.rs:\n");
    assert_eq!(listed, ["/t/a.rs", "/t/with space/b.rs", "/t/c.rs"].map(PathBuf::from));
    assert!(listed_sources("").is_empty());
}

#[test]
fn variables_that_a_build_asks_for_are_known() {
    let text = "/o/p: /t/a.rs\n# env-dep:MODE=fast\n# env-dep:CARGO_PKG_VERSION=1\n# env-dep:UNSET\n";
    assert_eq!(asked_for(text), ["MODE", "UNSET"]);
    assert_eq!(asked_for("cargo:rerun-if-env-changed=CC\ncargo::rerun-if-env-changed=CFLAGS\n"), ["CC", "CFLAGS"]);
}

#[test]
fn the_first_error_of_a_build_is_quoted_with_its_place_or_cause() {
    let log = "   Compiling a v1\nwarning: unused\nerror[E0425]: cannot find value `x`\n --> a/src/lib.rs:3:5\n  |\n";
    assert_eq!(first_error(log), "error[E0425]: cannot find value `x`, a/src/lib.rs:3:5");
    let cause = "error: failed to load manifest for workspace member `/t/p`\n\nCaused by:\n  no such file\n";
    assert_eq!(first_error(cause), "error: failed to load manifest for workspace member `/t/p`: no such file");
    assert_eq!(first_error("error: no such command\n"), "error: no such command");
    assert_eq!(first_error("nothing known\n"), "nothing known");
    assert_eq!(first_error(""), "Cargo said nothing");
}

#[test]
fn progress_counts_packages_and_names_the_last() {
    assert_eq!(progress("   Compiling a v1\n   Compiling b-c v2 (/t)\n"), "2 packages so far, now b-c");
    assert_eq!(progress("    Updating crates.io index\n"), "Updating crates.io index");
    assert_eq!(progress(""), "");
}
