//! Where keys and policy lie while the services run.
//!
//! A probe is killed when it is not needed any more, hundreds of times in a measurement, and removes nothing then. So
//! each one removes what those before it left: a folder that is in use has a locked file in it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// Beginning of the names of such folders.
const PREFIX: &str = "ron-services-probe-";
/// Name of the file that is locked while its folder is in use.
const LOCK: &str = "lock";

/// A folder for its owner alone, removed when dropped, or by the next probe.
pub(crate) struct Folder {
    // Dropped in this order: a lock on a file that is gone is no lock.
    place: TempDir,
    _lock: File,
}

impl Folder {
    /// Makes one in this directory.
    pub(crate) fn within(directory: &Path) -> io::Result<Self> {
        remove_leftovers(directory);
        loop {
            let place = tempfile::Builder::new().prefix(PREFIX).tempdir_in(directory)?;
            let lock = File::create(place.path().join(LOCK))?;
            lock.lock()?;
            // Before it was locked, another probe may have taken it for a leftover.
            if place.path().join(LOCK).exists() {
                return Ok(Self { place, _lock: lock });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }
}

fn remove_leftovers(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_probe_left_is_removed_by_the_next_and_what_is_in_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let left = directory.path().join(format!("{PREFIX}left"));
        let strange = directory.path().join("strange");
        for folder in [&left, &strange] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(LOCK), "").unwrap();
        }
        let first = Folder::within(directory.path()).unwrap();
        let second = Folder::within(directory.path()).unwrap();
        assert!(!left.exists() && strange.exists() && first.path().exists() && second.path().exists());
        let was = first.path().to_owned();
        drop(first);
        assert!(!was.exists() && second.path().exists());
    }
}
