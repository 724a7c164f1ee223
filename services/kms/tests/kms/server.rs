//! A Postgres server of a test's own. For the tests of services that keep keys in one, too.
#![allow(dead_code, clippy::panic, clippy::unwrap_used, reason = "each test program uses a part, and may fail loudly")]

use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
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
    /// On 127.0.0.1; 0: none.
    pub(crate) port: u16,
}

impl Server {
    /// Starts one; `None`, aloud, where there is no Postgres.
    pub(crate) fn start(test: &str) -> Option<Self> {
        Self::start_at(test, 0, None)
    }

    /// Starts one that speaks TLS on a port, with what lies in this folder.
    pub(crate) fn start_tls(test: &str, tls: &Path) -> Option<Self> {
        Self::start_at(test, free_port(), Some(tls))
    }

    fn start_at(test: &str, port: u16, tls: Option<&Path>) -> Option<Self> {
        let own = tempfile::Builder::new().prefix("kms-pg-").tempdir_in("/tmp").unwrap();
        // The server runs as somebody else where the test runs as root.
        std::fs::set_permissions(own.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let server = Self { folder: own.path().join("s"), own: Some(own), url: String::new(), port };
        server.first_started(tls, test)
    }

    /// As [`Server::start`], with all that is its own in this folder, which others can reach.
    pub(crate) fn start_in(folder: &Path, test: &str) -> Option<Self> {
        Self { folder: folder.to_owned(), own: None, url: String::new(), port: 0 }.first_started(None, test)
    }

    fn first_started(mut self, tls: Option<&Path>, test: &str) -> Option<Self> {
        let (code, url) = self.started(tls);
        match code {
            Some(0) => {
                self.url = url;
                Some(self)
            }
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
        assert_eq!(self.started(None).0, Some(0));
    }

    /// Stops it and starts it again, with TLS if there is a folder for it.
    pub(crate) fn restart(&self, tls: Option<&Path>) {
        self.stop("fast");
        assert_eq!(self.started(tls).0, Some(0));
    }

    /// How many lines of the server's log have this in them.
    pub(crate) fn logged(&self, text: &str) -> usize {
        let log = std::fs::read_to_string(self.path("server.log")).unwrap();
        log.lines().filter(|line| line.contains(text)).count()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn started(&self, tls: Option<&Path>) -> (Option<i32>, String) {
        let port = self.port.to_string();
        match (self.port, tls.and_then(Path::to_str)) {
            (0, _) => script("start", &self.folder, &[]),
            (_, None) => script("start", &self.folder, &["--port", &port]),
            (_, Some(tls)) => script("start", &self.folder, &["--port", &port, "--tls", tls]),
        }
    }
}

/// One that nobody listens on, and below those that the system gives to whoever connects: it stays free while a server
/// is restarted.
fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| 20_000 + (RandomState::new().hash_one(0) % 10_000) as u16);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
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
