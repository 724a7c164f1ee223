//! Reading files so that what is wrong with one is said in one line: which file, which line, what was expected.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
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
/// The errors of [`read_text`]; JSON that is malformed or of another shape, with its line.
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
/// The errors of [`read_text`]; TOML that is malformed or of another shape, with its line.
pub fn read_toml<T: DeserializeOwned>(path: &Path, expected: &str) -> anyhow::Result<T> {
    let text = read_text(path, expected)?;
    toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let what = error.message().replace('\n', "; ");
        anyhow!("{}:{line}: {what}; expected {expected}", path.display())
    })
}

/// Writes a file whole or not at all: into a temporary one beside it, then renamed. A link is followed; what is there
/// keeps its permissions, and what is new has those that the umask leaves. What is no plain file (a pipe, a device,
/// standard output by whatever name) is written to, and stays what it is.
///
/// # Errors
/// The directory cannot be made, or the file cannot be written.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    write(path, content.as_ref()).with_context(|| format!("could not write {}", path.display()))
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = match Destination::of(path)? {
        Destination::Stream(stream) => return write_to_stream(stream, content),
        Destination::Special(path) => {
            // A file that a shell has open may hold something already.
            return OpenOptions::new().append(path.is_file()).write(true).open(path)?.write_all(content);
        }
        Destination::Plain(path) => path,
    };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let before = fs::metadata(&path).ok();
    if before.is_some() {
        // Renaming would not ask whether the file may be written.
        drop(OpenOptions::new().write(true).open(&path)?);
    }
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Less what the umask takes away.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temporary = match builder.tempfile_in(directory) {
        Ok(temporary) => temporary,
        // A file may be one's own in a directory that is not, or on a file system of its own.
        Err(_) if before.is_some() => return fs::write(&path, content),
        Err(error) => return Err(error),
    };
    temporary.write_all(content)?;
    if let Some(before) = &before {
        fs::set_permissions(temporary.path(), before.permissions())?;
    }
    match temporary.persist(&path) {
        Ok(_) => Ok(()),
        // A file that is mounted by itself, as containers do, cannot be replaced.
        Err(_) if before.is_some() => fs::write(&path, content),
        Err(failed) => Err(failed.error),
    }
}

/// One of the process's own streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Output,
    Error,
}

/// Where a path leads in the end.
#[derive(Debug, PartialEq, Eq)]
enum Destination {
    Stream(Stream),
    /// Something that is neither a plain file nor a directory.
    Special(PathBuf),
    /// A plain file, or one that does not exist yet.
    Plain(PathBuf),
}

impl Destination {
    fn of(path: &Path) -> io::Result<Self> {
        /// As many links as Linux follows before it gives up.
        const MOST_LINKS: usize = 40;
        let mut path = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            match path.to_str() {
                Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => return Ok(Self::Stream(Stream::Output)),
                Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => return Ok(Self::Stream(Stream::Error)),
                // What these links say is no path if the file is a pipe, and the file may be open in a shell.
                Some(text) if text.starts_with("/dev/fd/") || text.starts_with("/proc/") => {
                    return Ok(Self::Special(path));
                }
                _ => {}
            }
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_symlink() => {
                    let target = fs::read_link(&path)?;
                    path = path.parent().unwrap_or(Path::new("")).join(target);
                }
                Ok(metadata) if metadata.is_file() || metadata.is_dir() => return Ok(Self::Plain(path)),
                Ok(_) => return Ok(Self::Special(path)),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::Plain(path)),
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("too many links lead on from here"))
    }
}

fn write_to_stream(stream: Stream, content: &[u8]) -> io::Result<()> {
    let written = match stream {
        Stream::Output => io::stdout().lock().write_all(content).and_then(|()| io::stdout().flush()),
        Stream::Error => io::stderr().write_all(content),
    };
    match written {
        // Whoever read it has gone away.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Whether two paths lead to one plain file, by whatever names and whether it exists yet: then writing one would lose
/// what was written to the other. What is not a plain file takes everything that it is given.
#[must_use]
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let Ok(Destination::Plain(path)) = Destination::of(path) else { return None };
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = directory.canonicalize().or_else(|_| std::path::absolute(directory)).ok()?;
        Some(directory.join(path.file_name()?))
    };
    let is_same_place = || Some(place(one)? == place(other)?);
    is_same_place() == Some(true) || (identity(one).is_some() && identity(one) == identity(other))
}

/// Whether standard output goes into this very file.
#[must_use]
pub fn is_standard_output(path: &Path) -> bool {
    let output = Path::new("/dev/stdout");
    let is_named_so = Destination::of(path).is_ok_and(|destination| destination == Destination::Stream(Stream::Output));
    !is_named_so && identity(output).is_some() && identity(output) == identity(path)
}

/// Device and number of a plain file.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

/// The root of the workspace that a project is in: the nearest folder, from the project's own up to the top of its
/// repository, whose manifest has a `[workspace]`; the project's own if there is none. So a workspace can have several
/// probes, each with settings in a folder of its own.
#[must_use]
pub fn workspace_of(root: &Path) -> PathBuf {
    for folder in root.ancestors() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        if manifest.parse::<toml::Table>().is_ok_and(|manifest| manifest.contains_key("workspace")) {
            return folder.to_path_buf();
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    root.to_path_buf()
}

/// Cargo's target directory as an absolute path: `CARGO_TARGET_DIR` if that is set, else that of the workspace.
#[must_use]
pub fn target_directory(root: &Path) -> PathBuf {
    let asked = std::env::var_os("CARGO_TARGET_DIR").filter(|directory| !directory.is_empty());
    let target = asked.map_or_else(|| workspace_of(root).join("target"), PathBuf::from);
    std::path::absolute(&target).unwrap_or(target)
}

/// Directory of everything that can be made again, below Cargo's target directory. The path is absolute, because Cargo
/// is run elsewhere.
#[must_use]
pub fn state_directory(root: &Path) -> PathBuf {
    target_directory(root).join("fairbench")
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
    fn a_workspace_is_found_from_any_folder_of_it_and_not_beyond_its_repository() {
        let dir = tempfile::tempdir().unwrap();
        let at = |folder: &str| dir.path().join(folder);
        for folder in ["top/deep/er", "top/other", "top/alone"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let write = |file: &str, text: &str| fs::write(at(file), text).unwrap();
        write("Cargo.toml", "[workspace]\n");
        assert_eq!(workspace_of(&at("top/deep")), at(""), "no repository yet");
        fs::create_dir(at("top/.git")).unwrap();
        assert_eq!(workspace_of(&at("top/deep")), at("top/deep"), "none in the repository");
        write("top/Cargo.toml", "[workspace]\nmembers = [\"deep\"]\n");
        write("top/deep/Cargo.toml", "[package]\nname = \"deep\"\n");
        write("top/alone/Cargo.toml", "[workspace]\n[package]\nname = \"alone\"\n");
        for folder in ["top", "top/deep", "top/deep/er", "top/other"] {
            assert_eq!(workspace_of(&at(folder)), at("top"), "{folder}");
        }
        assert_eq!(workspace_of(&at("top/alone")), at("top/alone"));
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

    #[cfg(unix)]
    mod on_unix {
        use std::io::Read;
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
        use std::process::Command;

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        }

        #[test]
        fn a_link_is_written_through_and_stays_one_also_if_it_leads_nowhere_yet() {
            let dir = tempfile::tempdir().unwrap();
            let (real, link, second) =
                (dir.path().join("deep/real"), dir.path().join("link"), dir.path().join("second"));
            symlink("deep/real", &link).unwrap();
            symlink(&link, &second).unwrap();
            for text in ["one", "two"] {
                write_whole(&second, text).unwrap();
                assert_eq!(fs::read_to_string(&real).unwrap(), text);
                assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
                assert!(fs::symlink_metadata(&second).unwrap().is_symlink());
            }
            let around = dir.path().join("around");
            symlink("around", &around).unwrap();
            assert!(format!("{:#}", write_whole(&around, "x").unwrap_err()).contains("too many links"));
        }

        #[test]
        fn a_pipe_is_written_to_and_stays_one() {
            let dir = tempfile::tempdir().unwrap();
            let pipe = dir.path().join("pipe");
            if !Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
                return;
            }
            let reader = std::thread::spawn({
                let pipe = pipe.clone();
                move || {
                    let mut text = String::new();
                    fs::File::open(pipe).unwrap().read_to_string(&mut text).unwrap();
                    text
                }
            });
            write_whole(&pipe, "through").unwrap();
            assert_eq!(reader.join().unwrap(), "through");
            assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        }

        #[test]
        fn a_device_is_written_to_and_stays_one_also_behind_a_link() {
            let dir = tempfile::tempdir().unwrap();
            let link = dir.path().join("null");
            symlink("/dev/null", &link).unwrap();
            for path in [Path::new("/dev/null"), &link] {
                write_whole(path, "gone").unwrap();
            }
            assert!(fs::symlink_metadata("/dev/null").unwrap().file_type().is_char_device());
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(Destination::of(Path::new("/dev/stdout")).unwrap(), Destination::Stream(Stream::Output));
        }

        #[test]
        fn a_file_keeps_its_permissions_and_a_new_one_has_what_the_umask_leaves() {
            let dir = tempfile::tempdir().unwrap();
            let (own, new, plain) = (dir.path().join("own"), dir.path().join("new"), dir.path().join("plain"));
            fs::write(&own, "").unwrap();
            fs::set_permissions(&own, fs::Permissions::from_mode(0o640)).unwrap();
            write_whole(&own, "x").unwrap();
            assert_eq!(mode(&own), 0o640);
            write_whole(&new, "x").unwrap();
            fs::write(&plain, "x").unwrap();
            assert_eq!(mode(&new), mode(&plain));
        }

        #[test]
        fn one_file_by_two_names_is_known_to_be_one() {
            let dir = tempfile::tempdir().unwrap();
            let path = |name: &str| dir.path().join(name);
            fs::write(path("a"), "").unwrap();
            symlink("a", path("link")).unwrap();
            fs::hard_link(path("a"), path("hard")).unwrap();
            for other in ["a", "./a", "link", "hard"] {
                assert!(is_same_file(&path("a"), &path(other)), "{other}");
            }
            assert!(is_same_file(&path("none"), &path("./none")));
            assert!(!is_same_file(&path("a"), &path("b")));
            assert!(!is_same_file(Path::new("/dev/null"), Path::new("/dev/null")), "it takes everything");
        }
    }
}
