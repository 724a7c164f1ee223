//! The policy in force: loaded from a file, exchanged as a whole.

mod file;
mod status;
mod watch;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;

pub use self::status::{Failure, LoadError, Loaded, Reloaded, Status};
pub use self::watch::Watch;

use self::file::Stamp;
use crate::bundle::{Bundle, Format, Limits};
use crate::policy::Policy;

/// Tells the time in milliseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Nothing is loaded that could decide. That is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no policy is loaded; see the store's status for the reason")]
pub struct NotLoaded;

/// The policy in force and the file that it is loaded from.
///
/// A new bundle takes effect as a whole or not at all: until it was read, checked and compiled, and if any of that
/// fails, the one before stays in force. Decisions under way go on with the policy that they began with. They take no
/// lock.
pub struct PolicyStore {
    path: PathBuf,
    format: Format,
    limits: Limits,
    clock: Clock,
    current: ArcSwapOption<Policy>,
    /// Locked while the file is read, so that there is one load at a time.
    reader: Mutex<Reader>,
    /// Locked for moments only: a probe for readiness does not wait for a load.
    status: Mutex<Status>,
}

/// What is known about the file.
#[derive(Default)]
struct Reader {
    /// The file when it was read last, unless that failed.
    read: Option<Stamp>,
    /// Digest of what was read then.
    digest: Option<blake3::Hash>,
    /// The file at the look before.
    seen: Option<Stamp>,
}

impl PolicyStore {
    /// A store whose file was loaded.
    ///
    /// # Errors
    /// The file could not be loaded.
    pub fn load_file(path: impl Into<PathBuf>, limits: Limits, clock: Clock) -> Result<Self, LoadError> {
        let store = Self::open(path, limits, clock)?;
        match store.status().error {
            None => Ok(store),
            Some(failure) => Err(failure.error),
        }
    }

    /// A store that tried to load its file. If that failed, nothing can be decided until a reload finds a bundle; the
    /// status says why.
    ///
    /// # Errors
    /// The name of the file does not say whether it is JSON or TOML.
    pub fn open(path: impl Into<PathBuf>, limits: Limits, clock: Clock) -> Result<Self, LoadError> {
        let path = path.into();
        let Some(format) = Format::of_path(&path) else {
            let reason = "the name of a bundle ends in .json or .toml".to_owned();
            return Err(LoadError::Unreadable { path, reason });
        };
        let status = Status { path: path.clone(), loaded: None, error: None, swaps: 0, failures: 0, looks: 0 };
        let store = Self {
            path,
            format,
            limits,
            clock,
            current: ArcSwapOption::empty(),
            reader: Mutex::default(),
            status: Mutex::new(status),
        };
        // What went wrong is in the status.
        let _ = store.reload();
        Ok(store)
    }

    /// Uses the policy in force: for one decision. Takes no lock.
    ///
    /// # Errors
    /// Nothing is loaded.
    pub fn with<R>(&self, use_it: impl FnOnce(&Policy) -> R) -> Result<R, NotLoaded> {
        self.current.load().as_deref().map(use_it).ok_or(NotLoaded)
    }

    /// The policy in force: for decisions that have to agree, such as those of a batch.
    ///
    /// # Errors
    /// Nothing is loaded.
    pub fn snapshot(&self) -> Result<Arc<Policy>, NotLoaded> {
        self.current.load_full().ok_or(NotLoaded)
    }

    /// What the store has done so far.
    #[must_use]
    pub fn status(&self) -> Status {
        locked(&self.status).clone()
    }

    /// Reads the file now, and puts its bundle in force.
    ///
    /// # Errors
    /// It could not be loaded. What was in force stays.
    pub fn reload(&self) -> Result<Reloaded, LoadError> {
        let mut reader = locked(&self.reader);
        locked(&self.status).looks += 1;
        let (bytes, _) = self.read(&mut reader)?;
        self.take(&bytes)
    }

    /// Looks whether the file has changed, and if so, and if it is at rest since the look before, reads it. So a file
    /// that is being written is not read half; a bundle in TOML that was cut off may well be one. How far apart looks
    /// are is up to the host: a second, for instance.
    ///
    /// # Errors There is something that could not be loaded. What was in force stays. A bundle that is wrong is an
    /// error once, and then only if the file changes; a file that can't be read is one each time. In the status, both
    /// stay until a bundle was loaded.
    pub fn poll(&self) -> Result<Reloaded, LoadError> {
        let mut reader = locked(&self.reader);
        locked(&self.status).looks += 1;
        let stamp = Stamp::of_path(&self.path).map_err(|error| self.unreadable(&mut reader, &error))?;
        let at_rest = reader.seen.replace(stamp) == Some(stamp);
        if reader.read == Some(stamp) && !stamp.is_young((self.clock)()) {
            return Ok(Reloaded::Unchanged);
        }
        if !at_rest {
            return Ok(Reloaded::Settling);
        }
        match self.read(&mut reader)? {
            (_, true) => Ok(Reloaded::Unchanged),
            (bytes, false) => self.take(&bytes),
        }
    }

    /// Reads the file, and tells whether it is what was read last.
    fn read(&self, reader: &mut Reader) -> Result<(Vec<u8>, bool), LoadError> {
        let read = file::read(&self.path, self.limits.max_bytes);
        let (stamp, bytes) = read.map_err(|error| self.unreadable(reader, &error))?;
        let digest = blake3::hash(&bytes);
        let is_same = reader.digest.replace(digest) == Some(digest);
        (reader.read, reader.seen) = (Some(stamp), Some(stamp));
        Ok((bytes, is_same))
    }

    /// Puts the bundle in force that these bytes are.
    fn take(&self, bytes: &[u8]) -> Result<Reloaded, LoadError> {
        let bundle = Bundle::parse_within(bytes, self.format, self.limits)
            .map_err(|error| self.failed(LoadError::Bundle { path: self.path.clone(), error }))?;
        let mut loaded = Loaded {
            digest: bundle.digest().to_owned(),
            version: bundle.version(),
            schema: bundle.schema(),
            rules: bundle.rule_count(),
            at_unix_ms: 0,
        };
        if locked(&self.status).loaded.as_ref().is_some_and(|in_force| in_force.digest == loaded.digest) {
            locked(&self.status).error = None;
            return Ok(Reloaded::Unchanged);
        }
        self.current.store(Some(Arc::new(bundle.compile())));
        loaded.at_unix_ms = (self.clock)();
        let mut status = locked(&self.status);
        (status.loaded, status.error) = (Some(loaded), None);
        status.swaps += 1;
        Ok(Reloaded::Swapped)
    }

    fn unreadable(&self, reader: &mut Reader, error: &io::Error) -> LoadError {
        // A file that comes back is read, whatever it looks like.
        *reader = Reader::default();
        self.failed(LoadError::Unreadable { path: self.path.clone(), reason: error.to_string() })
    }

    fn failed(&self, error: LoadError) -> LoadError {
        let at_unix_ms = (self.clock)();
        let mut status = locked(&self.status);
        status.failures += 1;
        status.error = Some(Failure { error: error.clone(), at_unix_ms });
        error
    }
}

/// Whoever panicked with a lock left values that are true, if not the newest.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for PolicyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyStore").field("status", &self.status()).finish_non_exhaustive()
    }
}
