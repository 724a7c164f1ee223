use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Answer, Client};

/// `ron-services up` on free ports.
pub struct Up {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What was printed up to its last line.
    pub printed: String,
}

/// A folder that its owner alone can look into.
pub fn folder() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap()
}

/// The program without the settings of whoever runs the tests.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ron-services"));
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("RON_AUTH_") || name.starts_with("PASSPORT_") {
            command.env_remove(&variable);
        }
    }
    command
}

/// `up` with a folder, and these arguments.
pub fn up(state: &Path, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(["up", "--state"]).arg(state).args(arguments);
    command
}

/// Starts what should not start: its exit code, and what it said.
pub fn refused(mut command: Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

impl Up {
    pub fn start(state: &Path) -> Self {
        Self::started(up(state, &["--dynamic-ports"]))
    }

    pub fn started(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdout, mut printed) = (BufReader::new(child.stdout.take().unwrap()), String::new());
        while !printed.contains("Ctrl-C") {
            assert_ne!(stdout.read_line(&mut printed).unwrap(), 0, "it did not start; it printed: {printed}");
        }
        let up = Self { child, stdout, printed };
        eventually("both are ready", || {
            [up.passport(), up.auth()].iter().all(|service| service.get("/readyz").status == 200)
        });
        up
    }

    pub fn passport(&self) -> Client {
        self.client("svc-passport listens on ", 0)
    }

    pub fn auth(&self) -> Client {
        self.client("svc-auth listens on ", 0)
    }

    pub fn passport_admin(&self) -> Client {
        self.client("svc-passport listens on ", 1)
    }

    pub fn auth_admin(&self) -> Client {
        self.client("svc-auth listens on ", 1)
    }

    fn client(&self, line: &str, at: usize) -> Client {
        let line = self.printed.lines().find_map(|printed| printed.strip_prefix(line)).unwrap();
        Client::of(line.split(", admin ").nth(at).unwrap())
    }

    /// The envelope of a reader.
    pub fn envelope(&self) -> Value {
        let claims = json!({"sub": "alice", "aud": "ron-auth", "roles": ["reader"]});
        let answer = self.passport().post("/v1/passport/issue", &claims.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// What svc-auth says to whom the envelope is.
    pub fn whoami(&self, envelope: &Value) -> Answer {
        self.auth().post("/v1/auth/whoami", &envelope.to_string())
    }

    /// What svc-auth says to a reader who wants to read it.
    pub fn decision(&self, resource: &str) -> String {
        let question = json!({"envelope": self.envelope(), "action": "read", "resource": resource});
        let answer = self.auth().post("/v1/auth/authorize", &question.to_string());
        answer.json()["decision"].as_str().unwrap().to_owned()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit code.
    pub fn exit(self) -> Option<i32> {
        self.exit_and_rest().0
    }

    /// The exit code, and what was printed since it had started.
    pub fn exit_and_rest(mut self) -> (Option<i32>, String) {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut rest = String::new();
                self.stdout.read_to_string(&mut rest).unwrap();
                return (status.code(), rest);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it did not end");
    }

    /// Ends it as its owner would.
    pub fn end(self) {
        self.signal("INT");
        assert_eq!(self.exit(), Some(0));
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < end, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
