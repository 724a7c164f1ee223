//! What is kept from one start to the next, and made at the first.

use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ron_kms::{KmsConfig, MasterKeySource};
use tempfile::NamedTempFile;

use crate::error::UpError;

const DEMO_POLICY: &str = include_str!("../demo/policy.toml");

/// A folder that its owner alone can look into.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder if it is not there. Without a path it is the user's own.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, UpError> {
        let path = path.map_or_else(default_path, Path::to_path_buf);
        let unusable = |error| UpError::Unusable { path: path.clone(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(unusable)?;
        let mode = fs::metadata(&path).map_err(unusable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(UpError::Open { path, mode });
        }
        // What is printed is to be right in any other folder, too.
        let path = path.canonicalize().map_err(unusable)?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The store of keys, with its master key.
    pub(crate) fn keys(&self) -> KmsConfig {
        let master_key = MasterKeySource::FileOrNew(self.path.join("master.key"));
        KmsConfig::sqlite(self.path.join("keys.db"), master_key)
    }

    /// The file of the demo account's secret.
    pub(crate) fn minter_secret(&self) -> Result<PathBuf, UpError> {
        let path = self.path.join("minter.secret");
        if !path.exists() {
            // A master key is made as a secret has to be: from the random source, whole, once, for its owner alone.
            MasterKeySource::FileOrNew(path.clone()).read().map_err(UpError::Secret)?;
        }
        Ok(path)
    }

    /// The file of the policy.
    pub(crate) fn policy(&self) -> Result<PathBuf, UpError> {
        let path = self.path.join("policy.toml");
        self.write_new(&path, DEMO_POLICY).map_err(|error| UpError::Unusable { path: path.clone(), error })?;
        Ok(path)
    }

    /// Writes a file that is not there. It appears whole or not at all.
    fn write_new(&self, path: &Path, text: &str) -> io::Result<()> {
        if path.exists() {
            return Ok(());
        }
        let mut file = NamedTempFile::new_in(&self.path)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
            _ => Ok(()),
        }
    }
}

/// Where the XDG base directories have what programs keep of their state.
fn default_path() -> PathBuf {
    let is_absolute = |path: &PathBuf| path.is_absolute();
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(is_absolute);
    let state = state.or_else(|| Some(env::home_dir().filter(is_absolute)?.join(".local/state")));
    state.unwrap_or_default().join("ron-services")
}
