//! The files that a side is built from, laid out in a directory of their own.
//!
//! Both sides are laid out anew for each build, the working tree as well as a revision: what is built is then what was
//! digested, whatever is edited meanwhile, and Cargo writes nothing (a lock file, say) into anybody's checkout. A
//! revision is read straight from the repository through an index of its own, so the repository gets no worktree,
//! its index is not touched, and nothing is left in it if fairbench is killed.
//!
//! The place lies outside the checkout, because Cargo and rustup obey the settings that they find in the directories
//! above: inside, the base would be built with the candidate's. Settings further up, which apply to the checkout as a
//! whole, have to apply there too, so the place is chosen by that.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use tempfile::TempDir;

use super::git::{Git, SHORT_SHA, path_from};

/// Beginning of the names of such directories.
const PLACE: &str = "fairbench-tree-";
/// Name of the file that is locked while a directory is in use.
const LOCK: &str = "lock";
/// Files by which Cargo and rustup are told how to build whatever lies below.
pub(super) const SETTINGS: [&str; 4] = [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain"];
/// Files of a checkout that shape its builds even if git was told to ignore them.
const SHAPING: [&str; 5] =
    [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain", "Cargo.lock"];

/// A tree that is laid out. It is removed when dropped.
#[derive(Debug)]
pub(super) struct Tree {
    /// The root of the project within the tree.
    pub(super) root: PathBuf,
    /// The root of the whole tree, in which the project may be a folder.
    pub(super) top: PathBuf,
    /// The commit that was laid out, shortened, with `-dirty` appended for a working tree with changes.
    pub(super) revision: Option<String>,
    // Dropped in this order: a lock on a file that is gone is no lock.
    _place: TempDir,
    _lock: File,
}

impl Tree {
    /// Lays out the working tree around `root` as it is: whatever git does not ignore, and settings of builds even if
    /// it does. Without git, all files but those of Cargo's target directories.
    ///
    /// # Errors
    /// Files cannot be read or written, or git refuses to work with the repository.
    pub(super) fn of_working_tree(root: &Path) -> anyhow::Result<Self> {
        let root = root.canonicalize().with_context(|| root.display().to_string())?;
        let git = match Git::around(&root) {
            Ok(git) => Some(git),
            // Where there is no repository there is nothing that git could be asked.
            Err(_) if root.ancestors().all(|above| !above.join(".git").exists()) => None,
            Err(error) => return Err(error),
        };
        let top = git.as_ref().map_or_else(|| root.clone(), |git| git.top.clone());
        let top = top.canonicalize().unwrap_or(top);
        let tree = Self::laid_out(&root, &top, git.as_ref().and_then(Git::describe), |to| match &git {
            Some(git) => copy_tracked(git, &top, to),
            None => copy_all(&top, to),
        })?;
        tree.take_ignored_settings(&root, &top)?;
        Ok(tree)
    }

    /// Lays out a commit of the repository around `root`, with those settings of the checkout that git was told to
    /// ignore: they are the user's, not the candidate's, and hold for whatever is built there.
    ///
    /// # Errors
    /// An error of git, or a commit without the folder that `root` is in the repository.
    pub(super) fn of_commit(git: &Git, root: &Path, sha: &str) -> anyhow::Result<Self> {
        let root = root.canonicalize().with_context(|| root.display().to_string())?;
        let top = git.top.canonicalize().with_context(|| git.top.display().to_string())?;
        let short: String = sha.chars().take(SHORT_SHA).collect();
        let tree = Self::laid_out(&root, &top, Some(short.clone()), |to| check_out(git, &top, sha, to))?;
        if !tree.root.is_dir() {
            let folder = tree.root.strip_prefix(&tree.top).unwrap_or(&tree.root).display().to_string();
            return Err(anyhow!("{short} has no folder {folder}, which this checkout is compared from"));
        }
        let git_ignores = |file: &Path| git.bytes([Path::new("check-ignore"), Path::new("--quiet"), file]).is_ok();
        for (from, to) in tree.settings_of(&root, &top) {
            // A link that led out of the checkout leads nowhere from here.
            let is_lost = to.symlink_metadata().is_ok();
            if !to.exists() && (is_lost || git_ignores(&from)) {
                copy_content(&from, &to)?;
            }
        }
        Ok(tree)
    }

    fn laid_out(
        root: &Path,
        top: &Path,
        revision: Option<String>,
        fill: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let (place, lock) = place_for(top)?;
        let target = place.path().join("tree");
        fs::create_dir(&target).with_context(|| target.display().to_string())?;
        let tree = Self {
            root: root.strip_prefix(top).map_or_else(|_| target.clone(), |folder| target.join(folder)),
            top: target,
            revision,
            _place: place,
            _lock: lock,
        };
        fill(&tree.top)?;
        Ok(tree)
    }

    /// Copies settings that git ignores and so did not list.
    fn take_ignored_settings(&self, root: &Path, top: &Path) -> anyhow::Result<()> {
        let lacking = self.settings_of(root, top).into_iter().filter(|(_, to)| !to.exists());
        lacking.into_iter().try_for_each(|(from, to)| copy_content(&from, &to))
    }

    /// The files that shape builds of the checkout, from its root up to its top, each with its path in this tree.
    fn settings_of(&self, root: &Path, top: &Path) -> Vec<(PathBuf, PathBuf)> {
        let within = root.ancestors().take_while(|directory| directory.starts_with(top));
        let of = |directory: &Path| {
            let here = directory.strip_prefix(top).unwrap_or(Path::new(""));
            SHAPING.map(|name| (directory.join(name), self.top.join(here).join(name)))
        };
        within.flat_map(of).filter(|(from, _)| from.is_file()).collect()
    }
}

/// A digest of all files below a directory: their paths, contents and rights to be run, and where links lead.
pub(super) fn digest_of(directory: &Path) -> anyhow::Result<String> {
    let mut identity = blake3::Hasher::new();
    for file in files_below(directory)? {
        let path = directory.join(&file);
        let of = || path.display().to_string();
        let metadata = path.symlink_metadata().with_context(of)?;
        identity.update(file.as_os_str().as_encoded_bytes());
        if metadata.is_symlink() {
            let leads_to = fs::read_link(&path).with_context(of)?;
            identity.update(b"\0link\0").update(leads_to.as_os_str().as_encoded_bytes()).update(&[0]);
            // Out of the tree the name says nothing of what is there.
            let leaves = path.canonicalize().is_ok_and(|end| end.is_file() && !end.starts_with(directory));
            if leaves {
                identity.update(&fs::read(&path).with_context(of)?).update(&[0]);
            }
        } else {
            let content = fs::read(&path).with_context(of)?;
            identity.update(if may_be_run(&metadata) { b"\0prog\0" } else { b"\0file\0" });
            identity.update(&(content.len() as u64).to_le_bytes()).update(&content);
        }
    }
    Ok(identity.finalize().to_hex().to_string())
}

fn may_be_run(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

/// Paths of all files and links, relative to the directory, sorted.
pub(super) fn files_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let here = directory.join(&relative);
        for entry in fs::read_dir(&here).with_context(|| format!("could not read {}", here.display()))? {
            let entry = entry?;
            let path = relative.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Paths of settings in the directories above that apply to what lies in this one.
pub(super) fn settings_above(directory: &Path) -> Vec<PathBuf> {
    let of = |above: &Path| SETTINGS.map(|name| above.join(name));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    // Cargo's own, which apply everywhere.
    let everywhere = |file: &PathBuf| home.as_ref().is_some_and(|home| file.starts_with(home));
    let found = directory.ancestors().flat_map(of).filter(|file| file.is_file());
    let mut found: Vec<PathBuf> = found.map(|file| file.canonicalize().unwrap_or(file)).collect();
    found.retain(|file| !everywhere(file));
    found.sort_unstable();
    found
}

/// Makes an empty directory outside the checkout to which the same settings apply.
fn place_for(top: &Path) -> anyhow::Result<(TempDir, File)> {
    let beside = top.parent().unwrap_or(top);
    let wanted = settings_above(beside);
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let candidates = [Some(std::env::temp_dir()), cache, Some("/var/tmp".into()), Some(beside.to_owned())];
    let mut reason = anyhow!("settings that apply there do not apply here");
    for candidate in candidates.into_iter().flatten() {
        let Ok(candidate) = candidate.canonicalize() else { continue };
        if candidate.starts_with(top) || settings_above(&candidate) != wanted {
            continue;
        }
        drop_leftovers(&candidate);
        match taken(&candidate) {
            Ok(place) => return Ok(place),
            Err(error) => reason = error.context(candidate.display().to_string()),
        }
    }
    let files: Vec<String> = wanted.iter().map(|file| file.display().to_string()).collect();
    let settings = if files.is_empty() { "no Cargo settings".to_owned() } else { files.join(", ") };
    Err(reason.context(format!(
        "there is no place to build in outside {} to which the same settings apply ({settings}); set TMPDIR to one",
        top.display()
    )))
}

fn taken(candidate: &Path) -> anyhow::Result<(TempDir, File)> {
    loop {
        let place = tempfile::Builder::new().prefix(PLACE).tempdir_in(candidate)?;
        let lock = File::create(place.path().join(LOCK))?;
        lock.lock()?;
        // Before it was locked, another fairbench may have taken it for a leftover.
        if place.path().join(LOCK).exists() {
            return Ok((place, lock));
        }
    }
}

/// Removes the trees of processes that were killed. A tree that is in use is locked.
fn drop_leftovers(candidate: &Path) {
    let Ok(entries) = fs::read_dir(candidate) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PLACE)
            && let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Copies what git tracks and what it would let be added, submodules and repositories within included; but nothing of
/// what Cargo and fairbench write, wherever that lies.
pub(super) fn copy_tracked(git: &Git, top: &Path, to: &Path) -> anyhow::Result<()> {
    let tracked = git.bytes(["ls-files", "-z", "--cached"])?;
    let others = git.bytes(["ls-files", "-z", "--others", "--exclude-standard"])?;
    let written = |relative: &Path| {
        let above = relative.ancestors().skip(1).filter(|directory| !directory.as_os_str().is_empty());
        above
            .map(|directory| top.join(directory))
            .any(|directory| directory.join("CACHEDIR.TAG").exists() || directory.join("fairbench/build.lock").exists())
    };
    let names = |list: &[u8]| -> Vec<PathBuf> {
        let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names.map(|name| path_from(name.strip_suffix(b"/").unwrap_or(name))).collect()
    };
    let others = names(&others).into_iter().filter(|relative| !written(relative));
    for relative in names(&tracked).into_iter().chain(others) {
        let (from, to) = (top.join(&relative), to.join(&relative));
        let Ok(metadata) = from.symlink_metadata() else { continue }; // deleted, but not committed
        if !metadata.is_dir() {
            // A file with a merge conflict is listed once for each side.
            if to.symlink_metadata().is_err() {
                copy_file(&from, &to)?;
            }
        } else if from.join(".git").exists() {
            copy_tracked(&Git::around(&from)?, &from, &to)?;
        } else {
            // A submodule that was never fetched.
            fs::create_dir_all(&to).with_context(|| to.display().to_string())?;
        }
    }
    Ok(())
}

/// Copies all files but those of repositories and of Cargo's target directories.
pub(super) fn copy_all(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| format!("could not read {}", from.display()))? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if !entry.file_type()?.is_dir() {
            copy_file(&path, &target)?;
        } else if entry.file_name() != ".git" && !path.join("CACHEDIR.TAG").exists() {
            copy_all(&path, &target)?;
        }
    }
    Ok(())
}

/// Copies a file with its rights, or a link as it is. What is neither (a pipe, a socket) is no source of anything.
fn copy_file(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copy = || -> std::io::Result<()> {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        let kind = from.symlink_metadata()?.file_type();
        if kind.is_symlink() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
            #[cfg(not(unix))]
            fs::copy(from, to).map(drop)?;
        } else if kind.is_file() {
            fs::copy(from, to)?;
        }
        Ok(())
    };
    copy().with_context(|| format!("could not copy {}", from.display()))
}

/// Copies the content of what a link leads to, for a link that would lead nowhere from another directory.
fn copy_content(from: &Path, to: &Path) -> anyhow::Result<()> {
    let _ = fs::remove_file(to);
    let copy = || -> std::io::Result<()> {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(to, fs::read(from)?)
    };
    copy().with_context(|| format!("could not copy {}", from.display()))
}

/// Writes the files of a commit, submodules included, through an index of its own.
fn check_out(git: &Git, top: &Path, sha: &str, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    let scratch = tempfile::tempdir().context("could not make a temporary directory")?;
    let mut command = git.command();
    command
        .args(["-c", "core.sparseCheckout=false", "-c", "core.splitIndex=false", "-c", "submodule.recurse=false"])
        .arg("read-tree")
        .args(["--reset", "-u", sha])
        .env("GIT_INDEX_FILE", scratch.path().join("index"))
        .env("GIT_WORK_TREE", to);
    Git::run(&mut command, top).with_context(|| format!("could not read the files of {sha}"))?;

    let listed = git.bytes(["ls-tree", "-r", "-z", "--full-tree", sha])?;
    for entry in listed.split(|byte| *byte == 0) {
        let Some(at) = entry.iter().position(|byte| *byte == b'\t') else { continue };
        let (head, name) = (entry.get(..at).unwrap_or_default(), entry.get(at + 1..).unwrap_or_default());
        let head = String::from_utf8_lossy(head);
        let Some(commit) = head.strip_prefix("160000 commit ") else { continue };
        let relative = path_from(name);
        let submodule = top.join(&relative);
        // One that was never fetched is empty in the checkout as well; whether it is needed, the build will tell.
        if !submodule.join(".git").exists() {
            continue;
        }
        let inner = Git::around(&submodule)?;
        check_out(&inner, &submodule, commit, &to.join(&relative)).with_context(|| {
            format!("the submodule {} (git submodule update --init brings what it lacks)", relative.display())
        })?;
    }
    Ok(())
}
