//! Git in the repositories of a self-test: nothing that a hook, a shell or the user's settings have set reaches them,
//! and a commit of the same content is the same commit on every machine.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow};

use super::patch::Patch;

/// Settings that every command gets.
const SETTINGS: [&str; 8] = [
    "core.hooksPath=/dev/null",
    "core.autocrlf=false",
    "core.fsmonitor=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "advice.detachedHead=false",
    "user.name=fairbench self-test",
    "user.email=self-test@localhost",
];
/// Date of every commit.
const DATE: &str = "2001-01-01T00:00:00Z";

/// Runs git in a directory and returns what it prints.
///
/// # Errors
/// What git says is wrong, on one line.
pub(super) fn git<S: AsRef<OsStr>>(directory: &Path, args: &[S]) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new("git");
    // Whoever is started from a hook inherits GIT_DIR, GIT_INDEX_FILE and more, which name another repository.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
    command.arg("-C").arg(directory).args(settings).args(args);
    command.envs([("GIT_AUTHOR_DATE", DATE), ("GIT_COMMITTER_DATE", DATE)]).stdin(Stdio::null());
    let output = command.output().context("could not start git")?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().find(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
    let reason = reason.or_else(|| said.lines().last()).unwrap_or("no message");
    let what = args.first().map_or_else(String::new, |command| command.as_ref().to_string_lossy().into_owned());
    Err(anyhow!("git {what}: {reason}"))
}

/// Checks that a patch applies to the tree at `directory`.
///
/// # Errors
/// The patch does not apply; the message says which, why, and what to do.
pub(super) fn applies(directory: &Path, patch: &Patch) -> anyhow::Result<()> {
    apply(directory, patch, &["--check"])
}

/// Applies a patch to the files at `directory`, and with the option `--index` also to what will be committed.
pub(super) fn apply(directory: &Path, patch: &Patch, options: &[&str]) -> anyhow::Result<()> {
    let path = std::path::absolute(&patch.path).with_context(|| patch.path.display().to_string())?;
    let mut args = vec![OsStr::new("apply"), OsStr::new("--whitespace=nowarn")];
    args.extend(options.iter().map(OsStr::new));
    args.push(path.as_os_str());
    git(directory, &args).map(drop).map_err(|error| {
        anyhow!(
            "{patch} does not apply any more ({error}): make the same change by hand and put what git diff prints \
                 below its header, or remove it"
        )
    })
}
