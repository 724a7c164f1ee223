//! Reading the file of a bundle, and telling cheaply whether it has changed.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

/// What tells two states of a file apart without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Device and number of the file, and when its inode changed: a file that was put in place of another one, or whose
    /// time was set back.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Stamp {
    pub(super) fn of_path(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for somebody who writes.
        let metadata = std::fs::metadata(path)?;
        if metadata.is_file() { Ok(Self::new(&metadata)) } else { Err(io::Error::other("not a regular file")) }
    }

    fn new(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the file was modified so short a time before `now_unix_ms` that one more change may leave the same
    /// stamp: clocks of file systems tick slowly. A time in the future counts as short.
    pub(super) fn is_young(&self, now_unix_ms: u64) -> bool {
        const SLOWEST_TICK_MS: u128 = 2_000;
        let since_epoch = self.modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        since_epoch.is_none_or(|modified| u128::from(now_unix_ms) < modified.as_millis() + SLOWEST_TICK_MS)
    }
}

/// Reads a file, and one byte more than `max_bytes` at most, which is enough to see that it is too long.
pub(super) fn read(path: &Path, max_bytes: usize) -> io::Result<(Stamp, Vec<u8>)> {
    Stamp::of_path(path)?;
    let file = File::open(path)?;
    let stamp = Stamp::new(&file.metadata()?);
    let mut bytes = Vec::new();
    let most = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes)?;
    Ok((stamp, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_young_for_two_seconds_and_if_its_time_lies_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        let file = File::create(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(10)).unwrap();
        let stamp = Stamp::of_path(&path).unwrap();
        assert!([0, 9_999, 10_000, 11_999].into_iter().all(|now_unix_ms| stamp.is_young(now_unix_ms)));
        assert!([12_000, u64::MAX].into_iter().all(|now_unix_ms| !stamp.is_young(now_unix_ms)));
    }
}
