//! Reading files so that what is wrong with one is said in one line: which file, which line, what was expected.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::de::DeserializeOwned;

/// Reads a text file that should hold `expected`.
///
/// # Errors
/// A file that is missing, unreadable or not UTF-8.
pub fn read_text(path: &Path, expected: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).map_err(|error| anyhow!("{}: {error}; expected {expected}", path.display()))
}

/// Reads a JSON file.
///
/// # Errors
/// As [`read_text`]; JSON that is malformed or of another shape, with its line.
pub fn read_json<T: DeserializeOwned>(path: &Path, expected: &str) -> anyhow::Result<T> {
    let text = read_text(path, expected)?;
    serde_json::from_str(&text).map_err(|error| {
        // serde_json ends its message with the position, which stands at the head here.
        let message = error.to_string();
        let what = message.split(" at line ").next().unwrap_or(&message);
        anyhow!("{}:{}: {what}; expected {expected}", path.display(), error.line())
    })
}

/// Reads a TOML file.
///
/// # Errors
/// As [`read_text`]; TOML that is malformed or of another shape, with its line.
pub fn read_toml<T: DeserializeOwned>(path: &Path, expected: &str) -> anyhow::Result<T> {
    let text = read_text(path, expected)?;
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let what = error.message().replace('\n', "; ");
        anyhow!("{}:{line}: {what}; expected {expected}", path.display())
    })
}

/// Writes a file whole or not at all: into a temporary one beside it, then renamed.
///
/// # Errors
/// The directory cannot be made, or the file cannot be written.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(directory)?;
        let temporary = tempfile::NamedTempFile::new_in(directory)?;
        fs::write(temporary.path(), content.as_ref())?;
        // A temporary file is readable by its owner alone; a report is for everyone.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o644))?;
        }
        temporary.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("could not write {}", path.display()))
}

/// The root of the repository: the nearest directory above the current one that has `baselines/tripwires.toml`,
/// else where this program was built from.
#[must_use]
pub fn repository_root() -> PathBuf {
    let built_from = || Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf);
    std::env::current_dir()
        .ok()
        .and_then(|here| {
            here.ancestors().find(|dir| dir.join("baselines/tripwires.toml").is_file()).map(Path::to_path_buf)
        })
        .or_else(built_from)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_file_fits_on_one_line_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.json");
        let message = |path: &Path| read_json::<Vec<u8>>(path, "a list of bytes").unwrap_err().to_string();

        assert!(message(&path).ends_with("; expected a list of bytes"), "{}", message(&path));
        fs::write(&path, "[1,\n2,\n\"three\"]").unwrap();
        assert!(message(&path).contains("list.json:3: invalid type: string \"three\""), "{}", message(&path));
        fs::write(&path, b"\xff").unwrap();
        assert!(message(&path).contains("UTF-8"), "{}", message(&path));
        assert_eq!(message(&path).lines().count(), 1);
    }

    #[test]
    fn the_line_of_a_toml_error_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("map.toml");
        fs::write(&path, "a = 1\nb = \"x\"\n").unwrap();
        let error = read_toml::<std::collections::BTreeMap<String, u8>>(&path, "numbers").unwrap_err().to_string();
        assert!(error.contains("map.toml:2: ") && error.ends_with("; expected numbers"), "{error}");
    }

    #[test]
    fn a_written_file_replaces_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/file.txt");
        write_whole(&path, "old").unwrap();
        write_whole(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
