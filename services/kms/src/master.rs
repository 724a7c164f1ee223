//! Where the master key comes from.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{KmsError, Secret};

/// Where a master key is: 64 hexadecimal digits, such as `openssl rand -hex 32` prints.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MasterKeySource {
    /// A file that no others may read and only its owner may write.
    File(PathBuf),
    /// The same; where there is none, it is made from the random source, once.
    FileOrNew(PathBuf),
    /// A variable of the environment. Programs that this process starts inherit it.
    Env(String),
}

impl MasterKeySource {
    /// Reads the key.
    ///
    /// # Errors
    /// [`KmsError::MasterKey`] with the file or variable, what is wrong with it, and what would be right.
    pub fn read(&self) -> Result<Secret, KmsError> {
        let secret = match self {
            Self::File(path) => read_file(path).map_err(|reason| self.error(reason))?,
            Self::FileOrNew(path) => {
                make_file(path).map_err(|reason| self.error(reason))?;
                read_file(path).map_err(|reason| self.error(reason))?
            }
            Self::Env(name) => {
                let text = Zeroizing::new(std::env::var(name).map_err(|error| self.error(error.to_string()))?);
                Secret::from_hex(text.as_bytes()).ok_or_else(|| self.error(EXPECTED.to_owned()))?
            }
        };
        if secret.is_unset() {
            return Err(self.error("it is all zeros".to_owned()));
        }
        Ok(secret)
    }

    /// The file or variable, for messages.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::File(path) | Self::FileOrNew(path) => path.display().to_string(),
            Self::Env(name) => format!("${name}"),
        }
    }

    fn error(&self, reason: String) -> KmsError {
        KmsError::MasterKey { place: self.place(), reason }
    }
}

const EXPECTED: &str = "expected 64 hexadecimal digits, such as `openssl rand -hex 32` prints";
/// A file as it should be has 64 or 65 bytes.
const MAX_FILE_BYTES: u64 = 256;

fn read_file(path: &Path) -> Result<Secret, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    // Of the file that is open, not of what lies at the path by now.
    check_permissions(&file.metadata().map_err(|error| error.to_string())?)?;
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE_BYTES as usize));
    file.take(MAX_FILE_BYTES).read_to_end(&mut text).map_err(|error| error.to_string())?;
    Secret::from_hex(&text).ok_or_else(|| EXPECTED.to_owned())
}

#[cfg(unix)]
pub(crate) fn check_permissions(metadata: &fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;

    let mode = metadata.permissions().mode() & 0o777;
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    // Group may read: how orchestrators hand secrets to a process that does not own the file.
    if mode & 0o037 != 0 {
        return Err(format!("its mode {mode:03o} lets others read or write it; chmod 600 it"));
    }
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn check_permissions(metadata: &fs::Metadata) -> Result<(), String> {
    if metadata.is_file() { Ok(()) } else { Err("it is no regular file".to_owned()) }
}

/// Makes the file unless it is there. It appears whole or not at all, and whoever is second takes the first one's.
fn make_file(path: &Path) -> Result<(), String> {
    if path.exists() {
        return Ok(());
    }
    let secret = Secret::random().map_err(|error| error.to_string())?;
    let (mut text, suffix) = (Zeroizing::new([0; 64]), Secret::random().map_err(|error| error.to_string())?);
    hex::encode_to_slice(secret.as_bytes(), &mut text[..]).map_err(|error| error.to_string())?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}.new", hex::encode(suffix.as_bytes().first_chunk::<8>().unwrap_or(&[0; 8]))));
    let unfinished = PathBuf::from(unfinished);
    let made = write_new(&unfinished, &text[..]).and_then(|()| match fs::hard_link(&unfinished, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder_of(path),
    });
    // Where it cannot be removed, what is left is a second name of the key, or a key that nobody uses.
    let _ = fs::remove_file(&unfinished);
    made.map_err(|error| format!("could not be made: {error}"))
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = private_options().write(true).create_new(true).open(path)?;
    file.write_all(text)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Options that make files which their owner alone may read and write.
pub(crate) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the name of a new file last.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_may_read_or_anybody_else_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        fs::write(&path, format!("{}\n", "5a".repeat(32))).unwrap();
        for (mode, good) in
            [(0o600, true), (0o400, true), (0o440, true), (0o604, false), (0o620, false), (0o644, false)]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = MasterKeySource::File(path.clone()).read();
            assert_eq!(read.is_ok(), good, "mode {mode:o}");
            if let Err(error) = read {
                let error = error.to_string();
                assert!(error.contains("chmod 600") && error.contains("master.key"), "{error}");
            }
        }
    }

    #[test]
    fn what_is_no_key_is_told_with_its_place_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        for text in ["", "5a", &"5a".repeat(33), &"xy".repeat(32), &"00".repeat(32), &"5a".repeat(500)] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = MasterKeySource::File(path.clone()).read().unwrap_err().to_string();
            assert!(error.contains("master.key") && !error.contains("5a5a") && !error.contains('\n'), "{error}");
        }
        for source in [MasterKeySource::File(folder.path().join("none")), MasterKeySource::Env("RON_KMS_NONE".into())] {
            assert!(matches!(source.read(), Err(KmsError::MasterKey { .. })));
        }
        assert!(MasterKeySource::File(folder.path().into()).read().is_err());
    }

    #[test]
    fn a_new_file_is_private_made_once_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let source = MasterKeySource::FileOrNew(folder.path().join("master.key"));
        let secrets: Vec<Secret> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| source.read().unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(secrets.iter().all(|secret| secret.as_bytes() == secrets[0].as_bytes()));
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
