//! The output of a command as JSON, with everything that has to be known about it, in a file of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use fairbench::files::{read_json, write_whole};
use fairbench::host::Host;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PAGES;

/// Name and version of the format of the file.
const FORMAT: &str = "perf-lab result v1";

/// The result of one command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartData {
    format: String,
    /// The command, as it is typed.
    pub command: String,
    /// Time when it was measured, UTC, RFC 3339.
    pub measured_utc: String,
    /// Exit code of the command; other numbers than 0 mean what its help says.
    pub exit_code: i32,
    /// The host that it ran on, with compiler and revision.
    pub host: Host,
    /// The JSON that it printed.
    pub result: Value,
}

impl PartData {
    /// Makes the data of a command that has ended now.
    #[must_use]
    pub fn new(command: String, measured_utc: String, exit_code: i32, host: Host, result: Value) -> Self {
        Self { format: FORMAT.to_owned(), command, measured_utc, exit_code, host, result }
    }

    /// Reads the data from a file.
    ///
    /// # Errors
    /// The file is missing, unreadable or of another format.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let read: Self = read_json(path, "what cargo lab results --measure wrote")?;
        ensure!(read.format == FORMAT, "{}: format {:?}; expected {FORMAT:?}", path.display(), read.format);
        Ok(read)
    }

    /// Writes the data as a part of a host's page.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, root: &Path, host: &str, part: &str) -> anyhow::Result<PathBuf> {
        let path = path_of(root, host, part);
        let mut json = serde_json::to_string_pretty(self).context("could not write JSON")?;
        json.push('\n');
        write_whole(&path, json)?;
        Ok(path)
    }
}

/// Folder of the data of a host.
#[must_use]
pub(super) fn folder(root: &Path, host: &str) -> PathBuf {
    root.join(PAGES).join("data").join(host)
}

/// Path of the data of a part of a host's page.
#[must_use]
pub fn path_of(root: &Path, host: &str, part: &str) -> PathBuf {
    folder(root, host).join(format!("{part}.json"))
}
