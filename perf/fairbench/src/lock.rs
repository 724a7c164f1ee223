//! Locks on files, which one process holds while others wait and tell their users so.
//!
//! The system lets go of a lock when the process ends, however it ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use anyhow::{Context, anyhow};

use crate::exit::Failure;
use crate::interrupt;

/// Why a lock was not taken.
#[derive(Debug)]
pub enum Refused {
    /// Ctrl-C was pressed while somebody else held the lock.
    Interrupted,
    /// The system refused, for this reason.
    Failed(io::Error),
}

/// Takes the lock of an open file, which is held until the file is dropped. If somebody else holds it, calls `waiting`
/// once, and looks again until it is free or `interrupted` says so.
///
/// # Errors
/// See [`Refused`].
pub fn wait_for(file: File, interrupted: &dyn Fn() -> bool, waiting: impl FnOnce()) -> Result<File, Refused> {
    let mut waiting = Some(waiting);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if interrupted() => return Err(Refused::Interrupted),
            Err(TryLockError::WouldBlock) => {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
                std::thread::sleep(interrupt::GLANCE);
            }
            Err(TryLockError::Error(error)) => return Err(Refused::Failed(error)),
        }
    }
}

/// Takes the lock of the file at `path`, which is made if it is not there. `waiting` is printed to standard error if
/// somebody else holds it.
///
/// # Errors
/// A file that cannot be made or locked; Ctrl-C while waiting.
pub fn take(path: &Path, waiting: &str) -> Result<File, Failure> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).with_context(|| format!("could not create {}", directory.display()))?;
    }
    let file = File::create(path).with_context(|| format!("could not create {}", path.display()))?;
    wait_for(file, &interrupt::requested, || eprintln!("{waiting}; waiting for it …")).map_err(
        |refused| match refused {
            Refused::Interrupted => Failure::interrupted(),
            Refused::Failed(error) => anyhow!("could not lock {}: {error}", path.display()).into(),
        },
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_lock_is_held_until_its_file_is_dropped_and_a_wait_is_told_once_and_ends_with_ctrl_c() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("below/lock");
        let held = Cell::new(Some(take(&path, "nobody waits").unwrap()));
        let told = Cell::new(0);
        let waiting = || told.set(told.get() + 1);
        let refused = wait_for(File::open(&path).unwrap(), &|| told.get() > 0, waiting);
        assert!(matches!(refused, Err(Refused::Interrupted)), "{refused:?}");

        let looks = Cell::new(0);
        let frees_at_the_third_look = || {
            looks.set(looks.get() + 1);
            drop((looks.get() == 3).then(|| held.take()));
            false
        };
        assert!(wait_for(File::open(&path).unwrap(), &frees_at_the_third_look, waiting).is_ok());
        assert_eq!((looks.get(), told.get()), (3, 2));
    }

    #[test]
    fn a_lock_that_cannot_be_had_says_where() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = take(&dir.path().join("file/lock"), "nobody waits").unwrap_err().to_string();
        assert!(error.starts_with("could not create ") && error.contains("/file"), "{error}");
    }
}
