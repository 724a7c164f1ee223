//! All the room that a program is given to write in, and a look at all that is there.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

use super::Marks;

/// A home, a working directory and a place for temporary files, all in one folder.
pub struct Room {
    folder: TempDir,
}

/// What was looked at, and the marks that were there.
#[derive(Debug, Default)]
pub struct Look {
    pub traces: Vec<String>,
    pub files: Vec<PathBuf>,
    /// Rows of tables.
    pub rows: usize,
}

impl Room {
    /// With a prefix of its name. Servers that run as somebody else may reach what is in it.
    pub fn new(prefix: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        for name in ["home", "work", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Has the program write here, and everything that it may be told to log.
    pub fn confine<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        for variable in ["TMPDIR", "TMP", "TEMP"] {
            command.env(variable, self.path("tmp"));
        }
        for variable in ["XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"] {
            command.env_remove(variable);
        }
        command.env("HOME", self.path("home")).env("RUST_LOG", "trace").current_dir(self.path("work"))
    }

    /// Looks for marks in each file, byte for byte, and in each table of each database of SQLite.
    pub fn look(&self, marks: &Marks) -> Look {
        let mut look = Look { files: files(self.folder.path()), ..Look::default() };
        for file in look.files.clone() {
            // One may be removed meanwhile.
            let Ok(bytes) = fs::read(&file) else { continue };
            look.note(marks, &file.display().to_string(), &bytes);
            if bytes.starts_with(b"SQLite format 3\0") {
                self.look_at_tables(marks, &file, &mut look);
            }
        }
        look
    }

    /// A copy with its write-ahead log is opened: who opens a database may change its files.
    fn look_at_tables(&self, marks: &Marks, database: &Path, look: &mut Look) {
        let copies = tempfile::tempdir().unwrap();
        let copy = copies.path().join("copy");
        for suffix in ["", "-wal", "-journal"] {
            let with_suffix = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            if with_suffix(database).exists() {
                fs::copy(with_suffix(database), with_suffix(&copy)).unwrap();
            }
        }
        let connection = Connection::open(copy).unwrap();
        let mut tables = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
        let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for table in tables {
            let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    let place = format!("{}: {table}, column {column}", database.display());
                    match row.get_ref(column).unwrap() {
                        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => look.note(marks, &place, bytes),
                        ValueRef::Integer(number) => look.note(marks, &place, number.to_string().as_bytes()),
                        ValueRef::Null | ValueRef::Real(_) => {}
                    }
                }
                look.rows += 1;
            }
        }
    }

    /// Files that a process has open to write, and that are not in here. Only Linux tells.
    pub fn written_elsewhere(&self, process: u32) -> Vec<PathBuf> {
        let process = PathBuf::from(format!("/proc/{process}"));
        if !cfg!(target_os = "linux") {
            return Vec::new();
        }
        let fds = fs::read_dir(process.join("fd")).unwrap().map(Result::unwrap);
        let mut elsewhere = Vec::new();
        for fd in fds {
            // One may be closed meanwhile.
            let Ok(path) = fs::read_link(fd.path()) else { continue };
            let Ok(info) = fs::read_to_string(process.join("fdinfo").join(fd.file_name())) else { continue };
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim().to_owned();
            let is_read_only = u32::from_str_radix(&flags, 8).unwrap() & 3 == 0;
            let kinds = ["pipe:", "socket:", "anon_inode:"];
            let is_no_file = kinds.iter().any(|kind| path.to_string_lossy().starts_with(kind));
            if !is_read_only && !is_no_file && !path.starts_with(self.folder.path()) {
                elsewhere.push(path);
            }
        }
        elsewhere
    }
}

impl Look {
    /// Looks for marks in a text that comes from this place.
    pub fn note(&mut self, marks: &Marks, place: &str, text: &[u8]) {
        self.traces.extend(marks.found_in(text).into_iter().map(|found| format!("{place}: {found}")));
    }
}

/// The files in a folder and in all that are in it, links and sockets not followed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            all.extend(files(&entry.path()));
        } else if kind.is_file() {
            all.push(entry.path());
        }
    }
    all
}
