//! Programs that measure at the same time would measure each other, so they queue for the machine and say so.
//!
//! There is one file for the machine, in a directory that all its users share, and whoever measures holds a lock on it:
//! benchmarks on all cores meet everybody else, whichever core that one is pinned to. The system lets go of it when a
//! process ends, however it ends. Nothing is held while something is built, counted or checked.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::environment;
use crate::exit::Failure;
use crate::lock::{self, Refused};

/// Name of the lock file. It is that of the first program that queued here: versions that still use it have to be met.
const FILE: &str = "perf-lab.lock";

/// The right to measure on this machine, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct MachineTurn {
    _lock: Option<File>,
}

/// Waits until nobody else measures on this machine.
///
/// # Errors
/// Ctrl-C was pressed while waiting.
pub fn turn(interrupted: &dyn Fn() -> bool) -> Result<MachineTurn, Failure> {
    turn_in(&directory(), interrupted, &mut |line| eprintln!("{line}"))
}

fn turn_in(
    directory: &Path,
    interrupted: &dyn Fn() -> bool,
    say: &mut dyn FnMut(String),
) -> Result<MachineTurn, Failure> {
    let path = directory.join(FILE);
    // A queue that cannot be had must not keep anybody from measuring.
    let file = match open(&path) {
        Ok(file) => file,
        Err(error) => {
            say(format!("cannot queue with others for this machine: {}: {error}", path.display()));
            return Ok(MachineTurn { _lock: None });
        }
    };
    let waiting = || say("another program is measuring on this machine; waiting for it …".to_owned());
    match lock::wait_for(file, interrupted, waiting) {
        Ok(file) => Ok(MachineTurn { _lock: Some(file) }),
        Err(Refused::Interrupted) => Err(Failure::interrupted()),
        Err(Refused::Failed(error)) => {
            say(format!("cannot queue with others for this machine: {}: {error}", path.display()));
            Ok(MachineTurn { _lock: None })
        }
    }
}

/// Directory of the lock files. Those who set its variable queue only among themselves.
fn directory() -> PathBuf {
    let asked = environment::QUEUE_DIRECTORY.get().map(|(_, directory)| directory);
    // Not that of TMPDIR, which is often one's own.
    let shared = Path::new("/tmp");
    asked
        .map(PathBuf::from)
        .unwrap_or_else(|| if cfg!(unix) && shared.is_dir() { shared.to_path_buf() } else { std::env::temp_dir() })
}

/// Opens the lock file, which another user may have made: reading is enough to lock it.
fn open(path: &Path) -> std::io::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        opened => return opened,
    }
    // Only ever a new file: in a directory of all users, an existing one may be anybody's.
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                // Whatever the umask: others have to read it.
                file.set_permissions(std::fs::Permissions::from_mode(0o644))?;
            }
            Ok(file)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => File::open(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn quiet(line: String) {
        panic!("{line}");
    }

    #[test]
    fn whoever_comes_second_waits_says_so_once_and_goes_on_when_the_first_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let first = Cell::new(Some(turn_in(dir.path(), &|| false, &mut quiet).unwrap()));
        let (mut said, looks) = (Vec::new(), Cell::new(0));
        let interrupted = || {
            looks.set(looks.get() + 1);
            if looks.get() == 3 {
                drop(first.take());
            }
            false
        };
        let _second = turn_in(dir.path(), &interrupted, &mut |line| said.push(line)).unwrap();
        assert_eq!(said, ["another program is measuring on this machine; waiting for it …"]);
        assert!(looks.get() >= 3);
    }

    #[test]
    fn a_wait_ends_with_ctrl_c() {
        let dir = tempfile::tempdir().unwrap();
        let _first = turn_in(dir.path(), &|| false, &mut quiet).unwrap();
        let failure = turn_in(dir.path(), &|| true, &mut quiet).unwrap_err();
        assert_eq!(failure.exit(), crate::exit::Exit::Interrupted);
    }

    #[test]
    fn a_queue_that_cannot_be_had_keeps_nobody_from_measuring() {
        let dir = tempfile::tempdir().unwrap();
        let mut said = Vec::new();
        let _none = turn_in(&dir.path().join("none"), &|| false, &mut |line| said.push(line)).unwrap();
        assert!(said.len() == 1 && said[0].starts_with("cannot queue with others for this machine: "), "{said:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_one_may_only_read_will_do_and_a_new_one_is_for_everybody_to_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        drop(turn_in(dir.path(), &|| false, &mut quiet).unwrap());
        let path = dir.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
        let _held = turn_in(dir.path(), &|| false, &mut quiet).unwrap();
    }
}
