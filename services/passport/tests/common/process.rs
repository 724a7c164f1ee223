use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Client;

/// The real binary, with a folder of its own.
pub struct Process {
    pub child: Child,
    pub folder: TempDir,
    public: Client,
    admin: Option<Client>,
}

/// Writes the example's secret to a file that only its owner reads.
pub fn seed_file(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("seed");
    let text: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Settings that keep keys in a folder, with more about the store.
pub fn store(folder: &Path, more: &str) -> String {
    let path = folder.display();
    let store = format!("keys.store = {{ sqlite = {{ path = '{path}/keys.db'{more} }} }}");
    format!("{store}\nkeys.master_key = {{ file_or_new = '{path}/master.key' }}")
}

/// Free ports, and no time lost at the end.
pub const PORTS: &str = "server.bind = '127.0.0.1:0'\nserver.admin_bind = '127.0.0.1:0'\nserver.drain_grace_ms = 50";

impl Process {
    /// With the key of the worked examples, on free ports, and these lines of TOML.
    pub fn with_example_key(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let seed = seed_file(folder.path());
        let keys = format!("keys.seed = {{ file = '{}' }}", seed.display());
        Self::start(folder, &format!("{PORTS}\n{keys}\n{toml}"), &[])
    }

    /// With keys that live in the folder.
    pub fn with_store(folder: TempDir, toml: &str) -> Self {
        let store = store(folder.path(), "");
        Self::start(folder, &format!("{PORTS}\n{store}\n{toml}"), &[])
    }

    pub fn start(folder: TempDir, toml: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = command(toml).envs(environment.iter().copied()).stderr(log(&folder)).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut addresses = line.split("http://").skip(1).map(|rest| {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            Client { address: rest[..end].parse().unwrap() }
        });
        let Some(public) = addresses.next() else {
            let _ = child.wait();
            let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            panic!("it did not start: {line:?} {log}");
        };
        let admin = addresses.next();
        Self { child, folder, public, admin }
    }

    /// Starts it where it should not start; its exit code and what it said.
    pub fn refused(toml: &str) -> (Option<i32>, String) {
        let mut child = command(toml).stderr(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        (child.wait().unwrap().code(), text)
    }

    pub fn client(&self) -> Client {
        self.public.clone()
    }

    pub fn admin(&self) -> Client {
        self.admin.clone().unwrap()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    pub fn exit(&mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the service did not end");
    }

    /// Starts it with keys that live in the folder, and ends it after a time in which it may not even listen yet.
    pub fn killed_while_it_starts(folder: TempDir, after: Duration) -> TempDir {
        let toml = format!("{PORTS}\n{}", store(folder.path(), ""));
        let mut child = command(&toml).stderr(log(&folder)).spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
        folder
    }

    /// Ends it, and gives its folder for the next one.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

fn command(toml: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc-passport"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("PASSPORT_") {
            command.env_remove(variable);
        }
    }
    command.env("PASSPORT_CONFIG", toml).stdout(Stdio::piped());
    command
}

fn log(folder: &TempDir) -> Stdio {
    fs::File::create(folder.path().join("log")).unwrap().into()
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for something to become true.
pub fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < end, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
