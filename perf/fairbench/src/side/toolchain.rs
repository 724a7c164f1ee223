//! Which Cargo and which compiler build a tree, and what else in the environment shapes the build.
//!
//! A tree may choose its compiler (`rust-toolchain.toml`), and so may the user (`cargo +nightly`, `RUSTUP_TOOLCHAIN`,
//! `rustup override`). The user's choice holds for both sides of a comparison; a tree's own holds for that tree alone.
//! Rustup blurs the two: whichever it chose for the command that started fairbench stands in `RUSTUP_TOOLCHAIN` for
//! everything that fairbench starts. Handed on, it would build the base with the candidate's compiler.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::git::is_of_a_repository;

/// Variables that `cargo run`, `cargo test` and rustup set for the program that they start: this one.
const OF_THIS_PROGRAM: [&str; 12] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
    "RUST_RECURSION_COUNT",
    "RUSTUP_TOOLCHAIN_SOURCE",
    "CARGO_MAKEFLAGS",
    "CARGO",
    "RUSTUP_TOOLCHAIN",
];
/// Variables that say where Cargo writes, which its command line says here.
const OF_PLACES: [&str; 3] = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_BUILD_DIR"];
/// Beginnings of the names of Cargo's variables that change where it gets things from, how many jobs it runs and what
/// it prints, but not what it builds. Whatever is not known to be harmless shapes the build.
const HARMLESS: [&str; 14] = [
    "CARGO_PKG_",
    "CARGO_BIN_EXE_",
    "CARGO_TERM_",
    "CARGO_NET_",
    "CARGO_HTTP_",
    "CARGO_REGISTRY_",
    "CARGO_REGISTRIES_",
    "CARGO_LOG",
    "CARGO_ALIAS_",
    "CARGO_INSTALL_",
    "CARGO_CACHE_",
    "CARGO_BUILD_JOBS",
    "CARGO_HOME",
    "CARGO_FUTURE_INCOMPAT_REPORT_",
];
/// Variables that compilers and linkers of C, and the build scripts that call them, read.
const OF_C: [&str; 19] = [
    "AR",
    "CC",
    "COMPILER_PATH",
    "CPATH",
    "CPP",
    "CRATE_CC_NO_DEFAULTS",
    "CXX",
    "C_INCLUDE_PATH",
    "IPHONEOS_DEPLOYMENT_TARGET",
    "LD",
    "LIBRARY_PATH",
    "LIBS",
    "MACOSX_DEPLOYMENT_TARGET",
    "NM",
    "RANLIB",
    "RUST_TARGET_PATH",
    "SDKROOT",
    "SOURCE_DATE_EPOCH",
    "STRIP",
];
const OF_C_BEGINNINGS: [&str; 11] =
    ["AR_", "CC_", "CXX_", "TARGET_", "HOST_", "JEMALLOC_", "PKG_CONFIG", "RUSTC", "LLVM_", "GCC_", "CLANG_"];

/// Whether a variable may shape a build.
pub(super) fn shapes_a_build(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    if OF_THIS_PROGRAM.contains(&name) || OF_PLACES.contains(&name) || name == "RUSTDOCFLAGS" {
        return false;
    }
    if name.starts_with("CARGO_") {
        return !HARMLESS.iter().any(|beginning| name.starts_with(beginning));
    }
    OF_C.contains(&name)
        || OF_C_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || name.contains("FLAGS_")
        || (name.ends_with("FLAGS") && name != "MAKEFLAGS" && name != "MFLAGS")
}

/// How the trees of a comparison are built.
#[derive(Clone, Debug)]
pub(super) struct Toolchain {
    /// The toolchain that the user chose, which outweighs what a tree says; `None` if there is none.
    chosen: Option<OsString>,
    /// The program that is called as `cargo`.
    cargo: OsString,
}

impl Toolchain {
    /// The toolchain that the environment and rustup choose for the checkout at `root`.
    pub(super) fn chosen_at(root: &Path) -> Self {
        let inherited = std::env::var_os("RUSTUP_TOOLCHAIN").filter(|name| !name.is_empty());
        let source = std::env::var_os("RUSTUP_TOOLCHAIN_SOURCE");
        let by_rustup = rustup_says(root);
        let chosen = match (inherited, source.as_deref().and_then(OsStr::to_str), &by_rustup) {
            // Rustup says why since 1.29.
            (Some(name), Some("env" | "cli"), _) => Some(name),
            (_, Some(_), _) | (None, None, _) => by_rustup.as_ref().and_then(Active::for_this_directory_only),
            // Before, it can be told by asking again without the variable.
            (Some(name), None, Some(active)) if *active.name == *name => active.for_this_directory_only(),
            (Some(name), None, _) => Some(name),
        };
        // Behind rustup `cargo` is a proxy, which reads the tree's own toolchain file; what `CARGO` names is not.
        let named = std::env::var_os("CARGO").filter(|_| by_rustup.is_none());
        Self { chosen, cargo: named.unwrap_or_else(|| "cargo".into()) }
    }

    /// Makes a command of Cargo that works in the tree.
    pub(super) fn cargo(&self, tree: &Path) -> Command {
        self.command(&self.cargo, tree)
    }

    /// Makes a command that finds the same compiler and the same environment as Cargo does in this tree.
    pub(super) fn command(&self, program: &OsStr, tree: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(tree).stdin(Stdio::null());
        for (name, value) in std::env::vars_os() {
            let of_this_program = name.to_str().is_some_and(|name| OF_THIS_PROGRAM.contains(&name));
            let of_a_place = name.to_str().is_some_and(|name| OF_PLACES.contains(&name));
            let of_the_package = name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_"));
            // A build script that asks git must not be answered about the repository of a hook.
            if of_this_program || of_a_place || of_the_package || is_of_a_repository(&name) {
                command.env_remove(&name);
            } else if name == "LD_LIBRARY_PATH" {
                match without_cargos_own(&value) {
                    Some(paths) => command.env(&name, paths),
                    None => command.env_remove(&name),
                };
            }
        }
        if let Some(chosen) = &self.chosen {
            command.env("RUSTUP_TOOLCHAIN", chosen);
        }
        command
    }

    /// What the compilers of a tree say about their versions.
    ///
    /// # Errors
    /// There is no compiler, or the tree asks for one that is not installed; the message has rustup's words.
    pub(super) fn describe(&self, tree: &Path) -> anyhow::Result<String> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let compiler = said(self.command(&rustc, tree).arg("-vV"), "rustc")?;
        let sysroot = said(self.command(&rustc, tree).args(["--print", "sysroot"]), "rustc")?;
        let cargo = said(self.cargo(tree).arg("-V"), "cargo")?;
        // What `-C target-cpu=native` means here: a program of another machine, out of a cache, is another program.
        let print = ["--print", "cfg", "-C", "target-cpu=native"];
        let native = said(self.command(&rustc, tree).args(print), "rustc").unwrap_or_default();
        let native: String = blake3::hash(native.as_bytes()).to_hex().chars().take(16).collect();
        let mut described = format!("{compiler}\n{sysroot}\n{cargo}\nnative {native}");
        // Jemalloc and parts of BLAKE3 are C, and the C compiler links it all.
        let cc = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        if let Ok(version) = said(self.command(&cc, tree).arg("--version"), "cc") {
            described.push('\n');
            described.push_str(version.lines().next().unwrap_or_default());
        }
        Ok(described)
    }
}

/// The toolchain that rustup would choose by itself.
struct Active {
    name: OsString,
    /// Whether it was chosen by `rustup override set`, which names a directory and so holds for the checkout alone.
    by_directory: bool,
}

impl Active {
    fn for_this_directory_only(&self) -> Option<OsString> {
        self.by_directory.then(|| self.name.clone())
    }
}

/// The toolchain that rustup would choose; `None` without rustup.
fn rustup_says(root: &Path) -> Option<Active> {
    let mut command = Command::new("rustup");
    command.args(["show", "active-toolchain"]).current_dir(root).stdin(Stdio::null());
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTUP_TOOLCHAIN_SOURCE");
    let output = command.output().ok()?;
    Some(active(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads a line of rustup such as `stable-x86_64-unknown-linux-gnu (directory override for '/home/me/it')`.
fn active(said: &str) -> Active {
    let line = said.lines().next().unwrap_or_default();
    let (name, why) = line.split_once(' ').unwrap_or((line, ""));
    Active { name: name.into(), by_directory: why.contains("directory override") }
}

/// A library path without the directories that Cargo and rustup put there for the program that they started.
fn without_cargos_own(paths: &OsStr) -> Option<OsString> {
    let toolchains = std::env::var_os("RUSTUP_HOME").map(|home| PathBuf::from(home).join("toolchains"));
    let own = std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_path_buf));
    let of_cargo = |path: &PathBuf| {
        [toolchains.as_ref(), own.as_ref()].into_iter().flatten().any(|directory| path.starts_with(directory))
    };
    let kept: Vec<PathBuf> = std::env::split_paths(paths).filter(|path| !of_cargo(path)).collect();
    std::env::join_paths(kept).ok().filter(|paths| !paths.is_empty())
}

fn said(command: &mut Command, what: &str) -> anyhow::Result<String> {
    let output = command.output().map_err(|error| anyhow::anyhow!("could not start {what}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let reason = errors.lines().find(|line| line.starts_with("error")).or_else(|| errors.lines().last());
    Err(anyhow::anyhow!("{what}: {}", reason.unwrap_or("failed without a message").trim_start_matches("error: ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_may_change_a_program_is_part_of_how_it_is_built() {
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "CARGO_PROFILE_RELEASE_OPT_LEVEL",
            "CARGO_PROFILE_RELEASE_PACKAGE_BLAKE3_OPT_LEVEL",
            "CARGO_INCREMENTAL",
            "CARGO_UNSTABLE_BUILD_STD",
            "CARGO_SOMETHING_NEW",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTC_BOOTSTRAP",
            "CC",
            "CFLAGS",
            "CFLAGS_x86_64_unknown_linux_gnu",
            "TARGET_CC",
            "LDFLAGS",
            "JEMALLOC_SYS_WITH_LG_PAGE",
        ] {
            assert!(shapes_a_build(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn what_cargo_says_of_this_program_and_what_only_shows_is_not() {
        for name in [
            "CARGO",
            "CARGO_HOME",
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "CARGO_TARGET_DIR",
            "CARGO_TERM_COLOR",
            "CARGO_BUILD_JOBS",
            "RUST_BACKTRACE",
            "RUST_LOG",
            "RUSTUP_TOOLCHAIN",
            "RUSTDOCFLAGS",
            "MAKEFLAGS",
            "HOME",
            "PATH",
        ] {
            assert!(!shapes_a_build(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn an_override_of_a_directory_is_told_from_a_trees_own_choice() {
        let by = active("nightly-x86_64-unknown-linux-gnu (directory override for '/home/me/it')\n");
        assert_eq!(by.for_this_directory_only(), Some("nightly-x86_64-unknown-linux-gnu".into()));
        for other in ["1.90.0 (overridden by '/it/rust-toolchain.toml')", "stable (default)", ""] {
            assert_eq!(active(other).for_this_directory_only(), None, "{other}");
        }
    }
}
