//! Git, asked so that nothing of the user's changes and that git's own reason reaches the user.
//!
//! A hook, an editor or a script may have left `GIT_DIR`, `GIT_INDEX_FILE` and their like in the environment: they
//! speak of a repository, or of an index that is about to be committed, that need not be this one. So git always starts
//! without them and finds the repository from the directory that it is asked about.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::anyhow;

/// Number of digits of a commit's hash that are shown.
pub(crate) const SHORT_SHA: usize = 12;

/// A repository, by the root of its working tree.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    /// That root. If the directory that was asked about is in a submodule, it is the root of the submodule.
    pub(crate) top: PathBuf,
}

impl Git {
    /// Finds the repository that has this directory in its working tree.
    ///
    /// # Errors
    /// There is no git here, no repository, or one that git refuses to work with. The message has git's reason and what
    /// to do.
    pub(crate) fn around(directory: &Path) -> anyhow::Result<Self> {
        let asked = Self { top: directory.to_owned() };
        let top = asked.bytes(["rev-parse", "--show-toplevel"])?;
        Ok(Self { top: path_from(top.strip_suffix(b"\n").unwrap_or(&top)) })
    }

    /// Finds the same repository, for questions about one directory of it: paths are relative to that.
    ///
    /// # Errors
    /// The errors of [`around`](Self::around).
    pub(crate) fn within(directory: &Path) -> anyhow::Result<Self> {
        Self::around(directory).map(|_| Self { top: directory.to_owned() })
    }

    /// Makes a git command for this repository.
    pub(crate) fn command(&self) -> Command {
        let mut command = bare_command();
        command.arg("-C").arg(&self.top);
        command
    }

    /// Runs a git command and returns what it prints.
    ///
    /// # Errors
    /// The command failed. The message has git's reason, with a remedy where one is known.
    pub(crate) fn bytes(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<Vec<u8>> {
        run(self.command().args(args), &self.top)
    }

    /// Runs a git command and returns the line of text that it prints.
    pub(crate) fn line(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(args)?).trim().to_owned())
    }

    /// Finds the commit that a revision names.
    ///
    /// # Errors
    /// There is none; the message says why that may be.
    pub(crate) fn commit(&self, revision: &str) -> anyhow::Result<String> {
        let commit = format!("{revision}^{{commit}}");
        self.line(["rev-parse", "--verify", "--end-of-options", &commit])
            .map_err(|error| self.unknown(revision, &error))
    }

    /// The commit that is checked out, shortened, with `-dirty` appended if the working tree differs from it.
    pub(crate) fn describe(&self) -> Option<String> {
        let sha = self.line(["rev-parse", "--verify", "--quiet", "HEAD"]).ok()?;
        let short: String = sha.chars().take(SHORT_SHA).collect();
        let changes = self.bytes(["status", "--porcelain", "--untracked-files=no"]).ok()?;
        Some(if changes.is_empty() { short } else { format!("{short}-dirty") })
    }

    /// The error for a revision that is not known, with likely reasons.
    fn unknown(&self, revision: &str, error: &anyhow::Error) -> anyhow::Error {
        let is = |question: &str| self.line(["rev-parse", question]).is_ok_and(|answer| answer == "true");
        if is("--is-shallow-repository") {
            return anyhow!(
                "{revision:?} is not in this clone, which is shallow and ends before it; get the rest with \
                 git fetch --unshallow (in a workflow: fetch-depth: 0 for actions/checkout)"
            );
        }
        if self.line(["rev-parse", "--verify", "--quiet", "HEAD"]).is_err() {
            return anyhow!("{revision:?}: this repository has no commit yet; commit first, or name another base");
        }
        let reason = format!("{error:#}");
        let reason = reason.trim_start_matches("git: ");
        // What git says of any name that it does not know.
        if reason.contains("Needed a single revision") || reason.contains("unknown revision") {
            return anyhow!(
                "no revision, variant, feature set or probe is called {revision:?} (git log --oneline lists revisions; \
                 git fetch brings those of others)"
            );
        }
        anyhow!("no revision is called {revision:?}: git: {reason}")
    }

    /// Runs a command that was made by [`command`](Self::command) and then changed, and returns what it prints.
    ///
    /// # Errors
    /// The errors of [`bytes`](Self::bytes).
    pub(crate) fn run(command: &mut Command, directory: &Path) -> anyhow::Result<Vec<u8>> {
        run(command, directory)
    }
}

/// A git command without a repository, hooks or inherited variables, which writes nothing unasked.
fn bare_command() -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if is_of_a_repository(&name) {
            command.env_remove(name);
        }
    }
    command
        // Reading the state of a tree must not write its index.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // Its messages are read below.
        .env("LC_ALL", "C")
        .env_remove("LANGUAGE")
        .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"])
        .stdin(Stdio::null());
    command
}

/// Whether a variable says which repository, index or objects git works with: those that `git rev-parse
/// --local-env-vars` lists, and those that hooks add. Settings of the user, such as `GIT_SSH` and `GIT_CONFIG_GLOBAL`,
/// do not.
pub(super) fn is_of_a_repository(name: &OsStr) -> bool {
    const NAMES: [&str; 21] = [
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_ATTR_SOURCE",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIFF_OPTS",
        "GIT_DIR",
        "GIT_EXTERNAL_DIFF",
        "GIT_GLOB_PATHSPECS",
        "GIT_GRAFT_FILE",
        "GIT_ICASE_PATHSPECS",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    ];
    name.to_str().is_some_and(|name| NAMES.contains(&name) || name.starts_with("GIT_TRACE"))
}

fn run(command: &mut Command, directory: &Path) -> anyhow::Result<Vec<u8>> {
    let output = command.output().map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            anyhow!("git could not be started: it is not on the PATH; install it, or compare programs by their paths")
        } else {
            anyhow!("git could not be started: {error}")
        }
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(anyhow!("git: {}", reason(&String::from_utf8_lossy(&output.stderr), directory)))
}

/// Git's own reason on one line, with what to do where that is known.
fn reason(said: &str, directory: &Path) -> String {
    let fatal = said.lines().find_map(|line| line.strip_prefix("fatal: ").or_else(|| line.strip_prefix("error: ")));
    let reason = fatal.or_else(|| said.lines().rfind(|line| !line.trim().is_empty())).unwrap_or("it said nothing");
    let reason = reason.trim();
    if reason.contains("dubious ownership") {
        let named = reason.split('\'').nth(1).map_or_else(|| directory.display().to_string(), str::to_owned);
        return format!("{reason}; if you trust it: git config --global --add safe.directory '{named}'");
    }
    if reason.contains("not a git repository") {
        return format!(
            "{}: {reason}; a revision can be compared only in a clone of its repository",
            directory.display()
        );
    }
    reason.to_owned()
}

/// A path from the bytes that git prints with `-z`, in whatever encoding.
pub(crate) fn path_from(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    {
        PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gits_own_reason_is_given_with_a_remedy_where_one_is_known() {
        let of = |said: &str| reason(said, Path::new("/r"));
        let dubious = "fatal: detected dubious ownership in repository at '/r/it'\nTo add an exception for this \
                       directory, call:\n\n\tgit config --global --add safe.directory /r/it\n";
        assert_eq!(
            of(dubious),
            "detected dubious ownership in repository at '/r/it'; if you trust it: \
             git config --global --add safe.directory '/r/it'"
        );
        let none = "fatal: not a git repository (or any of the parent directories): .git\n";
        assert!(of(none).starts_with("/r: not a git repository (or any"), "{}", of(none));
        assert_eq!(of("warning: odd\nfatal: bad object HEAD\n"), "bad object HEAD");
        assert_eq!(of("something else\n\n"), "something else");
        assert_eq!(of(""), "it said nothing");
    }

    #[test]
    fn a_variable_that_names_a_repository_is_not_handed_on_and_one_of_the_user_is() {
        for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_TRACE", "GIT_TRACE2_EVENT"] {
            assert!(is_of_a_repository(OsStr::new(name)), "{name}");
        }
        for name in ["GIT_SSH", "GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL", "GIT_ASKPASS", "PATH"] {
            assert!(!is_of_a_repository(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn every_variable_that_git_itself_calls_local_is_known() {
        let Ok(output) = Command::new("git").args(["rev-parse", "--local-env-vars"]).output() else { return };
        for name in String::from_utf8(output.stdout).unwrap().lines() {
            // These two carry settings (git -c), among them the safe.directory of a continuous integration service.
            if !["GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_REPLACE_REF_BASE"].contains(&name) {
                assert!(is_of_a_repository(OsStr::new(name)), "{name}");
            }
        }
    }
}
