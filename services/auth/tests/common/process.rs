use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::Client;

/// A real process.
pub struct Process {
    pub child: Child,
    pub public: Client,
    pub admin: Option<Client>,
    log: std::path::PathBuf,
}

/// Free ports, and no time lost at the end.
pub const PORTS: &str = "server.bind = '127.0.0.1:0'\nserver.admin_bind = '127.0.0.1:0'\nserver.drain_grace_ms = 50";
/// Says that this process is svc-passport.
const ROLE: &str = "SVC_AUTH_TEST_PASSPORT";

impl Process {
    /// svc-auth on free ports, with these lines of TOML.
    pub fn auth(folder: &Path, toml: &str) -> Self {
        Self::started(auth_command(&format!("{PORTS}\n{toml}")), folder.join("auth.log"))
    }

    /// svc-auth with these lines of TOML alone, and these variables.
    pub fn auth_with(folder: &Path, toml: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = auth_command(toml);
        command.envs(variables.iter().copied());
        Self::started(command, folder.join("auth.log"))
    }

    /// Starts svc-auth where it should not start; its exit code and what it said.
    pub fn refused(toml: &str) -> (Option<i32>, String) {
        let mut child = auth_command(toml).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        (child.wait().unwrap().code(), text)
    }

    /// svc-passport, with these lines of TOML, at an address.
    pub fn passport(folder: &Path, bind: &str, toml: &str) -> Self {
        let toml = format!("server.bind = '{bind}'\nserver.admin_bind = '127.0.0.1:0'\n{toml}");
        Self::started(passport_command(&toml), folder.join("passport.log"))
    }

    /// What this command starts, once it listens.
    pub fn started(mut command: Command, log: std::path::PathBuf) -> Self {
        let stderr = fs::File::create(&log).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.into_iter().find(|line| line.contains("http://"));
        let Some(line) = line else {
            let _ = child.wait();
            panic!("it did not start: {}", fs::read_to_string(&log).unwrap_or_default());
        };
        let mut addresses = line.split("http://").skip(1).map(|rest| {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            Client { address: rest[..end].parse().unwrap() }
        });
        let public = addresses.next().unwrap();
        Self { child, public, admin: addresses.next(), log }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.public.address)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
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
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// svc-passport with these lines of TOML: this program once more, told by its environment what to be.
pub fn passport_command(toml: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "common::process::a_passport_of_its_own", "--nocapture", "--test-threads=1"])
        .env(ROLE, "yes")
        .env("PASSPORT_CONFIG", toml);
    command
}

/// svc-auth with these lines of TOML.
pub fn auth_command(toml: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc-auth"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("RON_AUTH_") {
            command.env_remove(variable);
        }
    }
    command.env("RON_AUTH_CONFIG", toml);
    command
}

/// svc-passport on a free port.
pub fn passport(folder: &Path) -> Process {
    Process::passport(folder, "127.0.0.1:0", "")
}

/// Whether this process is one that [`Process::passport`] has started.
pub fn is_passport() -> bool {
    std::env::var(ROLE).is_ok()
}

/// Its whole life.
pub fn run_passport() -> ExitCode {
    ron_service::run(svc_passport::CONFIG_PREFIX, svc_passport::service)
}

/// The process that [`Process::passport`] starts; in all others a test that does nothing.
#[test]
fn a_passport_of_its_own() -> ExitCode {
    if is_passport() { run_passport() } else { ExitCode::SUCCESS }
}

/// Waits for something to become true.
pub fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(Instant::now() < end, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
