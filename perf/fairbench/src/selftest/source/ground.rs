//! The directories and repositories that trials are made in.
//!
//! ```text
//! target/fairbench/selftest/source/lock       one self-test at a time
//! target/fairbench/selftest/source/clones/    gone when the run ends, however it ends
//!     seed/                             the tree at hand, as a repository of one commit
//!     developer/                        a clone of it that is worked in
//!     ci/                               made anew for each trial
//! target/fairbench/selftest/source/builds/    a Cargo target directory for each of the two; gone likewise unless kept
//! ```

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;

use super::git::{applies, apply, git};
use super::patch::Patch;
use super::way::Way;
use crate::exit::Failure;
use crate::lock;
use crate::measure::seed_of_now;
use crate::settings::SourcePatches;

/// Time stamp of all files of a fresh clone, in seconds since 1970: 2001, which is older than everything that is built.
const LONG_AGO_S: u64 = 978_307_200;

/// Repositories and build directories of a run.
pub struct Ground {
    home: PathBuf,
    /// Git's hash of the tree under test.
    pub tree: String,
    /// The commit that patches are made to.
    base: String,
    /// Whether the base has been built where `ci-cached` builds.
    pub(super) cached: Cell<bool>,
    /// A file that no patch touches: a comment at its end makes a base that nobody has built.
    untouched: String,
    keep_builds: bool,
    _lock: File,
}

/// A repository in which a patch has been applied.
pub(super) struct Applied {
    /// Directory of the repository.
    pub(super) directory: PathBuf,
    /// Revision that it is to be compared with.
    pub(super) base: &'static str,
    /// Directory that Cargo builds in.
    pub(super) builds: PathBuf,
}

impl Ground {
    /// Copies the tree at `root` as it is, committed or not, to a repository below `state`. Left out are
    /// the patches and what trials are kept in: either may change while a run is under way.
    ///
    /// # Errors
    /// An error of git; a file that cannot be copied; an interruption while waiting for another self-test to end.
    pub fn prepare(
        root: &Path,
        state: &Path,
        source: &SourcePatches,
        journal: &Path,
        keep_builds: bool,
    ) -> Result<Self, Failure> {
        let home = state.join("selftest/source");
        // One self-test at a time: two would disturb each other's clocks.
        let lock = lock::take(&home.join("lock"), "another self-test is running here")?;
        let mut ground = Self {
            home,
            tree: String::new(),
            base: String::new(),
            cached: Cell::new(false),
            untouched: source.untouched.clone(),
            keep_builds,
            _lock: lock,
        };
        // What a run left that was killed.
        remove(&ground.clones())?;
        let seed = ground.clones().join("seed");
        copy_tree(root, &seed, source, journal)?;
        git(&seed, &["init", "--quiet", "--template="])?;
        git(&seed, &["add", "--all", "--force"])?;
        git(&seed, &["commit", "--quiet", "--message", "The tree under test"])?;
        ground.tree = said(&seed, &["rev-parse", "HEAD^{tree}"])?;
        ground.base = said(&seed, &["rev-parse", "HEAD"])?;
        clone(&seed, &ground.clones().join("developer"))?;
        Ok(ground)
    }

    /// Checks that all patches apply.
    ///
    /// # Errors
    /// The first patch that does not apply.
    pub fn check(&self, patches: &[Patch]) -> anyhow::Result<()> {
        patches.iter().try_for_each(|patch| applies(&self.clones().join("seed"), patch))
    }

    /// Applies a patch in one of the ways.
    ///
    /// # Errors
    /// An error of git; a file that cannot be written.
    pub(super) fn apply(&self, patch: &Patch, way: Way) -> anyhow::Result<Applied> {
        let developer = self.clones().join("developer");
        git(&developer, &["checkout", "--quiet", "--force", "--detach", &self.base])?;
        git(&developer, &["clean", "-ffdxq"])?;
        let builds = self.builds(way);
        if way == Way::Dirty {
            apply(&developer, patch, &[])?;
            return Ok(Applied { directory: developer, base: "HEAD", builds });
        }
        if way == Way::CiCold {
            let salted = developer.join(&self.untouched);
            let failed = || format!("could not write {}", salted.display());
            let text = fs::read_to_string(&salted).with_context(failed)?;
            fs::write(&salted, format!("{text}// As no run before had it: {}, {}.\n", patch.name, seed_of_now()))
                .with_context(failed)?;
            git(&developer, &["commit", "--quiet", "--all", "--message", "A base of its own"])?;
        }
        apply(&developer, patch, &["--index"])?;
        git(&developer, &["commit", "--quiet", "--message", &patch.name])?;
        if way == Way::Developer {
            return Ok(Applied { directory: developer, base: "HEAD~1", builds });
        }
        Ok(Applied { directory: self.fresh_clone()?, base: "HEAD~1", builds })
    }

    /// A fresh clone of the tree as it is, in which its programs are to be built, as a run of CI on the base commit
    /// does.
    pub(super) fn unchanged(&self, way: Way) -> anyhow::Result<Applied> {
        let developer = self.clones().join("developer");
        git(&developer, &["checkout", "--quiet", "--force", "--detach", &self.base])?;
        Ok(Applied { directory: self.fresh_clone()?, base: "HEAD", builds: self.builds(way) })
    }

    fn fresh_clone(&self) -> anyhow::Result<PathBuf> {
        let ci = self.clones().join("ci");
        remove(&ci)?;
        clone(&self.clones().join("developer"), &ci)?;
        age(&ci)?;
        Ok(ci)
    }

    fn clones(&self) -> PathBuf {
        self.home.join("clones")
    }

    fn builds(&self, way: Way) -> PathBuf {
        self.home.join("builds").join(match way {
            Way::Developer | Way::Dirty => "developer",
            Way::CiCached | Way::CiCold => "ci",
        })
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = remove(&self.clones());
        if !self.keep_builds {
            let _ = remove(&self.home.join("builds"));
        }
    }
}

fn said(directory: &Path, args: &[&str]) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&git(directory, args)?).trim().to_owned())
}

fn clone(from: &Path, to: &Path) -> anyhow::Result<()> {
    let options = ["clone", "--quiet", "--no-local", "--template="].map(OsString::from);
    let args: Vec<OsString> = options.into_iter().chain([from.into(), to.into()]).collect();
    git(from, &args).map(drop)
}

/// Removes a directory. It is no error if there is none.
fn remove(directory: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

/// Copies the files that git tracks or would let be added; what it ignores stays behind.
fn copy_tree(root: &Path, to: &Path, source: &SourcePatches, journal: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("could not create {}", to.display()))?;
    let list = git(root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    for name in list.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = path_of(name);
        let from = root.join(&name);
        let mut left_out = source.left_out.iter().chain([&source.patches]);
        if left_out.any(|folder| name.starts_with(folder)) || from == journal {
            continue;
        }
        let target = to.join(&name);
        copy_file(&from, &target).with_context(|| format!("could not copy {}", from.display()))?;
    }
    Ok(())
}

/// Copies a file or a link. What is deleted but not committed, and the folder of a submodule, is not copied.
fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    let kind = match from.symlink_metadata() {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    #[cfg(unix)]
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if kind.is_dir() { Ok(()) } else { fs::copy(from, to).map(drop) }
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Gives every file of a clone, apart from git's own, an old time stamp: as after a checkout that restores them, and
/// older than whatever is in the build directory.
fn age(directory: &Path) -> anyhow::Result<()> {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(LONG_AGO_S);
    let mut open = vec![directory.to_owned()];
    while let Some(folder) = open.pop() {
        let failed = || format!("could not read {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(failed)? {
            let entry = entry.with_context(failed)?;
            let kind = entry.file_type().with_context(failed)?;
            if kind.is_dir() && entry.file_name() != ".git" {
                open.push(entry.path());
            } else if kind.is_file() {
                let set = File::options().write(true).open(entry.path()).and_then(|file| file.set_modified(long_ago));
                set.with_context(|| format!("could not set the time of {}", entry.path().display()))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::source::patch::Expectation;

    const SALTED: &str = "core/src/lib.rs";

    fn source() -> SourcePatches {
        SourcePatches {
            patches: "patches".to_owned(),
            left_out: vec!["baselines/selftest".to_owned()],
            untouched: SALTED.to_owned(),
        }
    }

    /// A repository with a committed file, a new one, a deleted one, an ignored one, and trials.
    fn repository() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(SALTED, "//! Core.\n");
        write("gone.txt", "gone\n");
        write(".gitignore", "ignored\n");
        git(root.path(), &["init", "--quiet"]).unwrap();
        git(root.path(), &["add", "--all"]).unwrap();
        git(root.path(), &["commit", "--quiet", "--message", "x"]).unwrap();
        fs::remove_file(root.path().join("gone.txt")).unwrap();
        write("new file.txt", "one\n");
        write("ignored", "x\n");
        write("baselines/selftest/trials.jsonl", "{}\n");
        write("journal.jsonl", "{}\n");
        root
    }

    fn patch(root: &Path) -> Patch {
        let text = "What: x\n\ndiff --git a/new file.txt b/new file.txt\n--- a/new file.txt\t\n+++ b/new file.txt\t\n\
                    @@ -1 +1 @@\n-one\n+two\n";
        let path = root.join("change.patch");
        fs::write(&path, text).unwrap();
        Patch::parse(Expectation::MustNotAlarm, &path, text).unwrap()
    }

    #[test]
    fn a_patch_is_applied_in_every_way_to_a_copy_and_the_copies_go() {
        let (root, state, elsewhere) = (repository(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let before = git(root.path(), &["status", "--porcelain", "--ignored"]).unwrap();
        let patch = patch(elsewhere.path());
        let journal = root.path().join("journal.jsonl");
        let ground = Ground::prepare(root.path(), state.path(), &source(), &journal, false).unwrap();
        ground.check(std::slice::from_ref(&patch)).unwrap();
        let mut bases = Vec::new();
        for way in Way::ALL {
            let applied = ground.apply(&patch, way).unwrap();
            let at = |name: &str| applied.directory.join(name);
            assert_eq!(fs::read_to_string(at("new file.txt")).unwrap(), "two\n", "{way:?}");
            let status = said(&applied.directory, &["status", "--porcelain"]).unwrap();
            assert_eq!(status.is_empty(), way != Way::Dirty, "{way:?}: {status}");
            let old = SystemTime::UNIX_EPOCH + Duration::from_secs(LONG_AGO_S);
            let is_old = fs::metadata(at(SALTED)).unwrap().modified().unwrap() == old;
            assert_eq!(is_old, matches!(way, Way::CiCached | Way::CiCold), "{way:?}");
            let salted = fs::read_to_string(at(SALTED)).unwrap() != "//! Core.\n";
            assert_eq!(salted, way == Way::CiCold, "{way:?}");
            for absent in ["gone.txt", "ignored", "baselines", "journal.jsonl"] {
                assert!(!at(absent).exists(), "{way:?}: {absent}");
            }
            bases.push(said(&applied.directory, &["rev-parse", applied.base]).unwrap());
        }
        let [developer, cached, dirty, cold] = bases.try_into().unwrap();
        assert!(developer == cached && developer == dirty && developer != cold);
        drop(ground);
        assert!(!state.path().join("selftest/source/clones").exists());
        assert_eq!(git(root.path(), &["status", "--porcelain", "--ignored"]).unwrap(), before);

        let again = Ground::prepare(root.path(), state.path(), &source(), &journal, true).unwrap();
        assert_eq!(again.base, developer, "the same tree is the same commit, so that a build of it is found again");
    }

    #[test]
    fn a_patch_that_does_not_apply_is_named_with_what_to_do() {
        let (root, state, elsewhere) = (repository(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let patch = patch(elsewhere.path());
        fs::write(root.path().join("new file.txt"), "three\n").unwrap();
        let ground = Ground::prepare(root.path(), state.path(), &source(), Path::new("x"), false).unwrap();
        let error = ground.check(&[patch]).unwrap_err().to_string();
        assert!(error.starts_with("must-not-alarm/change.patch does not apply any more (git"), "{error}");
        assert!(error.contains("patch failed: new file.txt:1") && error.ends_with("or remove it"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }

    #[test]
    fn without_git_it_is_said_in_one_line() {
        let (root, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let error = Ground::prepare(root.path(), state.path(), &source(), Path::new("x"), false).err().unwrap();
        assert!(error.to_string().starts_with("git ls-files: fatal: not a git repository"), "{error}");
    }
}
