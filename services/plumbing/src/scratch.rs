//! A folder for what need not outlast the process.
//!
//! A process that is killed removes nothing, and one that is killed again and again would fill the disk. So whoever
//! makes a folder removes those that others have left: one that is in use has a locked file in it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Name of the file that is locked while its folder is in use.
const LOCK: &str = "lock";

/// A folder for its owner alone, removed when dropped, or by the next one of the same prefix.
#[derive(Debug)]
pub struct ScratchFolder {
    // Dropped in this order: a lock on a file that is gone is no lock.
    place: TempDir,
    _lock: File,
}

impl ScratchFolder {
    /// Makes one in the folder for temporary files; its name begins with this prefix.
    ///
    /// # Errors
    /// It cannot be made or written to.
    pub fn new(prefix: &str) -> io::Result<Self> {
        Self::within(&std::env::temp_dir(), prefix)
    }

    fn within(directory: &Path, prefix: &str) -> io::Result<Self> {
        loop {
            let place = tempfile::Builder::new().prefix(prefix).tempdir_in(directory)?;
            let lock = File::create(place.path().join(LOCK))?;
            lock.lock()?;
            // Before it was locked, another process may have taken it for a leftover.
            if place.path().join(LOCK).exists() {
                remove_leftovers(directory, prefix, place.path());
                return Ok(Self { place, _lock: lock });
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.place.path()
    }
}

/// Removes what others have left here, of the owner of `own` alone: nobody else can have changed what lies in it.
fn remove_leftovers(directory: &Path, prefix: &str, own: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with(prefix)
            && path != own
            && is_of_same_owner(&path, own)
            && let Ok(lock) = File::open(path.join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Whether it is a folder, and no link to one, of the owner of `own`.
fn is_of_same_owner(path: &Path, own: &Path) -> bool {
    let (Ok(other), Ok(own)) = (fs::symlink_metadata(path), fs::symlink_metadata(own)) else { return false };
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::uid(&other) != std::os::unix::fs::MetadataExt::uid(&own) {
        return false;
    }
    other.is_dir() && own.is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: &str = "scratch-";

    #[test]
    fn what_a_killed_process_left_is_removed_by_the_next_and_what_is_in_use_or_strange_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let left = directory.path().join(format!("{PREFIX}left"));
        let strange = directory.path().join("strange");
        let unlocked = directory.path().join(format!("{PREFIX}unlocked"));
        for folder in [&left, &strange] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(LOCK), "").unwrap();
        }
        fs::create_dir(&unlocked).unwrap();
        let first = ScratchFolder::within(directory.path(), PREFIX).unwrap();
        let second = ScratchFolder::within(directory.path(), PREFIX).unwrap();
        assert!(!left.exists() && strange.exists() && unlocked.exists());
        assert!(first.path().exists() && second.path().exists());
        let was = first.path().to_owned();
        drop(first);
        assert!(!was.exists() && second.path().exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join(LOCK), "").unwrap();
        let link = directory.path().join(format!("{PREFIX}link"));
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        let _folder = ScratchFolder::within(directory.path(), PREFIX).unwrap();
        assert!(link.exists() && elsewhere.path().join(LOCK).exists());
    }
}
