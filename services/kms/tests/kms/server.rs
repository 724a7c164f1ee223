//! A Postgres server of a test's own.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use ron_kms::KmsConfig;
use tempfile::TempDir;

use crate::util::{Folder, skipped};

/// Stopped where it is forgotten.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) url: String,
}

impl Server {
    /// Starts one; `None`, aloud, where there is no Postgres.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("kms-pg-").tempdir_in("/tmp").unwrap();
        // The server runs as somebody else where the test runs as root.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut server = Self { folder, url: String::new() };
        match server.script("start", &[]) {
            (Some(0), url) => server.url = url,
            (Some(77), _) => {
                skipped(test, "Postgres is missing; to get it: scripts/postgres.sh install");
                return None;
            }
            (status, _) => panic!("scripts/postgres.sh start: {status:?}"),
        }
        Some(server)
    }

    pub(crate) fn stop(&self, how: &str) {
        assert_eq!(self.script("stop", &[how]).0, Some(0));
    }

    pub(crate) fn start_again(&self) {
        assert_eq!(self.script("start", &[]).0, Some(0));
    }

    pub(crate) fn config(&self, folder: &Folder) -> KmsConfig {
        KmsConfig::postgres(&self.url, folder.master_key())
    }

    /// Something else that talks to the server.
    pub(crate) async fn execute(&self, sql: &str) {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        connection.abort();
    }

    fn script(&self, command: &str, more: &[&str]) -> (Option<i32>, String) {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres.sh");
        let output = Command::new(script).arg(command).arg(self.folder.path().join("s")).args(more).output().unwrap();
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
        (output.status.code(), String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.script("stop", &["immediate"]);
    }
}
