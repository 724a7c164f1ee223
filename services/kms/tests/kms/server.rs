//! A Postgres server of a test's own. For the tests of services that keep keys in one, too.
#![allow(dead_code, clippy::panic, clippy::unwrap_used, reason = "each test program uses a part, and may fail loudly")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Stopped where it is forgotten.
pub(crate) struct Server {
    folder: PathBuf,
    /// Removed when the server was stopped.
    own: Option<TempDir>,
    pub(crate) url: String,
}

impl Server {
    /// Starts one; `None`, aloud, where there is no Postgres.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let own = tempfile::Builder::new().prefix("kms-pg-").tempdir_in("/tmp").unwrap();
        // The server runs as somebody else where the test runs as root.
        std::fs::set_permissions(own.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut server = Self::start_in(&own.path().join("s"), test)?;
        server.own = Some(own);
        Some(server)
    }

    /// As [`Server::start`], with all that is its own in this folder, which others can reach.
    pub(crate) fn start_in(folder: &Path, test: &str) -> Option<Self> {
        let (code, url) = script("start", folder, &[]);
        match code {
            Some(0) => Some(Self { folder: folder.to_owned(), own: None, url }),
            Some(77) => {
                skipped(test, "Postgres is missing; to get it: scripts/postgres.sh install");
                None
            }
            status => panic!("scripts/postgres.sh start: {status:?}"),
        }
    }

    pub(crate) fn stop(&self, how: &str) {
        assert_eq!(script("stop", &self.folder, &[how]).0, Some(0));
    }

    pub(crate) fn start_again(&self) {
        assert_eq!(script("start", &self.folder, &[]).0, Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        script("stop", &self.folder, &["immediate"]);
    }
}

fn script(command: &str, folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres.sh");
    let output = Command::new(script).arg(command).arg(folder).args(more).output().unwrap();
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    }
    (output.status.code(), String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// Says why a test was not done, past the harness, which keeps what tests print to itself.
pub(crate) fn skipped(test: &str, why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {test}: {why}");
}
