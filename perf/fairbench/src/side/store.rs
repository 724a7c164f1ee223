//! Where finished programs are kept, each under the digest of what it was made from, and when they are dropped.
//!
//! ```text
//! target/fairbench/builds/KEY/        Cargo's target directory for one compiler, environment, settings and lock file
//! target/fairbench/probes/KEY-ENV/    finished programs, with the record of what they are (manifest.json)
//! target/fairbench/counts/            instruction counts, by program
//! target/fairbench/logs/NAME.log      what Cargo said
//! ```
//!
//! A program is never replaced by another, so whoever is measuring keeps what it started with. What has not been
//! used for long is dropped whenever something new is kept: the last of each are left.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};

use super::circumstances::Circumstances;
use super::manifest::{FILE, Manifest};
use super::program::Program;
use crate::exit::Failure;
use crate::lock;

/// Number of digits of a key in the name of a directory.
const DIGITS: usize = 16;
/// Number of finished builds that are left when others are dropped.
const BUILDS_KEPT: usize = 24;
const TARGETS_KEPT: usize = 3;
/// Time within which nothing is dropped after it was used: another process may be working with it.
const AT_WORK: Duration = Duration::from_secs(3 * 3600);

/// The programs of a build, and the record of how they were built.
#[derive(Clone, Debug)]
pub(super) struct Built {
    pub(super) directory: PathBuf,
    pub(super) manifest: Manifest,
}

/// The store below a state directory.
#[derive(Clone, Debug)]
pub(super) struct Store {
    state: PathBuf,
}

impl Store {
    pub(super) fn new(state: PathBuf) -> Self {
        Self { state }
    }

    /// Finds what was built under this key; `None` if nothing was, or if a variable that its build read has changed.
    ///
    /// # Errors
    /// A program or a record is not what it should be: nothing of it may be timed.
    pub(super) fn find(&self, key: &str, label: &str) -> Result<Option<Built>, Failure> {
        for directory in self.directories(key) {
            let Some(manifest) = Manifest::read(&directory)? else { continue };
            if manifest.key != key {
                return Err(mismatch(label, "the record", &directory.join(FILE), key, &manifest.key));
            }
            if manifest.is_of_this_environment() {
                return Self::verified(directory, manifest, label).map(Some);
            }
        }
        Ok(None)
    }

    fn verified(directory: PathBuf, manifest: Manifest, label: &str) -> Result<Built, Failure> {
        for (name, recorded) in &manifest.programs {
            let path = directory.join(name);
            let found = Program::read(&path).map_or_else(|error| format!("{error:#}"), |program| program.digest);
            if found != recorded.digest {
                return Err(mismatch(label, "the program", &path, &recorded.digest, &found));
            }
        }
        // The time of its last use.
        let now = SystemTime::now();
        let _ = File::options().append(true).open(directory.join(FILE)).and_then(|file| file.set_modified(now));
        Ok(Built { directory, manifest })
    }

    /// Keeps finished programs under their key, all of them or none.
    pub(super) fn keep(
        &self,
        programs: &BTreeMap<String, PathBuf>,
        record: impl FnOnce(BTreeMap<String, Program>) -> anyhow::Result<Manifest>,
    ) -> anyhow::Result<Built> {
        let all = self.state.join("probes");
        fs::create_dir_all(&all).with_context(|| format!("could not create {}", all.display()))?;
        let fresh = tempfile::Builder::new().prefix("new-").tempdir_in(&all)?;
        let mut kept = BTreeMap::new();
        for program in programs.values() {
            let name = program.file_name().unwrap_or_default();
            let to = fresh.path().join(name);
            fs::copy(program, &to).with_context(|| format!("could not keep {}", program.display()))?;
            kept.insert(name.to_string_lossy().into_owned(), Program::read(&to)?);
        }
        let manifest = record(kept)?;
        manifest.write(fresh.path())?;
        let name = format!("{}-{}", short(&manifest.key), short(&manifest.digest_of_watched()));
        let directory = all.join(name);
        let _ = fs::remove_dir_all(&directory);
        let fresh = fresh.keep();
        fs::rename(&fresh, &directory).with_context(|| format!("could not keep {}", directory.display()))?;
        self.drop_old();
        Ok(Built { directory, manifest })
    }

    /// Cargo's target directory for builds in these circumstances, and the file for what Cargo prints.
    pub(super) fn workshop(&self, circumstances: &Circumstances, name: &str) -> anyhow::Result<super::build::Workshop> {
        let key = short(&circumstances.digest_of_dependencies());
        let target = self.targets().join(&key);
        fs::create_dir_all(&target).with_context(|| format!("could not create {}", target.display()))?;
        // The time of its last use.
        let _ = fs::write(target.join("used"), b"");
        Ok(super::build::Workshop { target, log: self.state.join("logs").join(format!("{name}.log")) })
    }

    /// Directory of Cargo's target directories. The build script of jemalloc does not take a path with white space, so
    /// then it is elsewhere.
    fn targets(&self) -> PathBuf {
        let here = self.state.join("builds");
        if here.to_str().is_some_and(|path| !path.contains(char::is_whitespace)) {
            return here;
        }
        let name = short(blake3::hash(here.as_os_str().as_encoded_bytes()).to_hex().as_str());
        elsewhere().join(format!("fairbench-builds-{name}"))
    }

    /// Directories of what was built under a key, one for each set of values of the variables that the build read.
    fn directories(&self, key: &str) -> Vec<PathBuf> {
        let key = format!("{}-", short(key));
        let of_key = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&key);
        let all = fs::read_dir(self.state.join("probes")).into_iter().flatten().flatten();
        all.filter(of_key).map(|entry| entry.path()).collect()
    }

    /// Takes the lock of the builds, which share target directories.
    pub(super) fn lock(&self) -> Result<File, Failure> {
        let waiting = format!("another fairbench is building in {}", self.state.display());
        lock::take(&self.state.join("build.lock"), &waiting)
    }

    /// Drops what was not used for long, and what earlier versions of fairbench kept.
    fn drop_old(&self) {
        let used = |directory: &Path, mark: &str| directory.join(mark).metadata().and_then(|file| file.modified());
        for (all, mark, kept) in
            [(self.state.join("probes"), FILE, BUILDS_KEPT), (self.targets(), "used", TARGETS_KEPT)]
        {
            let directories = fs::read_dir(&all).into_iter().flatten().flatten().map(|entry| entry.path());
            let mut by_use: Vec<(SystemTime, PathBuf)> = directories
                .map(|directory| (used(&directory, mark).unwrap_or(SystemTime::UNIX_EPOCH), directory))
                .collect();
            by_use.sort_unstable_by(|a, b| b.cmp(a));
            let idle = |time: &SystemTime| time.elapsed().is_ok_and(|idle| idle > AT_WORK);
            for (_, directory) in by_use.into_iter().skip(kept).filter(|(time, _)| idle(time)) {
                let _ = fs::remove_dir_all(directory);
            }
        }
        for old in ["build", "worktrees"] {
            let _ = fs::remove_dir_all(self.state.join(old));
        }
    }

    /// Removes everything that can be made again, and returns how many bytes each part took.
    ///
    /// # Errors
    /// Something cannot be removed; Ctrl-C while waiting for another process's build.
    pub(super) fn clean(&self) -> Result<Vec<(PathBuf, u64)>, Failure> {
        if !self.state.exists() && !self.targets().exists() {
            return Ok(Vec::new());
        }
        let _lock = self.lock()?;
        // Of the self-test what was built for it, and not its trials.
        let parts = ["builds", "probes", "counts", "logs", "build", "worktrees", "selftest/criterion"]
            .into_iter()
            .chain(["selftest/a-copy-at-another-and-longer-path", "selftest/source/builds", "selftest/source/clones"])
            .map(|part| self.state.join(part));
        let mut removed = Vec::new();
        for directory in parts.chain([self.targets()]).filter(|directory| directory.exists()) {
            if removed.iter().any(|(known, _)| *known == directory) {
                continue;
            }
            let bytes = size_of(&directory);
            fs::remove_dir_all(&directory).with_context(|| format!("could not remove {}", directory.display()))?;
            removed.push((directory, bytes));
        }
        Ok(removed)
    }
}

/// A directory for what cannot lie below a path with white space.
fn elsewhere() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let fits =
        |path: &PathBuf| path.is_absolute() && path.to_str().is_some_and(|path| !path.contains(char::is_whitespace));
    cache.filter(fits).unwrap_or_else(std::env::temp_dir)
}

/// Size of all files below a directory, in bytes.
fn size_of(directory: &Path) -> u64 {
    let files = super::tree::files_below(directory).unwrap_or_default();
    files.iter().filter_map(|file| directory.join(file).symlink_metadata().ok()).map(|file| file.len()).sum()
}

fn short(digest: &str) -> String {
    digest.chars().take(DIGITS).collect()
}

fn mismatch(label: &str, what: &str, path: &Path, expected: &str, found: &str) -> Failure {
    anyhow!(
        "{label}: {what} at {} is not what was built: its digest should be {expected} and is {found}; nothing was \
         timed (`clean` drops what is kept)",
        path.display()
    )
    .into()
}
