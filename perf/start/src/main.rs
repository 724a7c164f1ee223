//! `cargo lab …`: builds the lab and runs it with these arguments.
//!
//! The lab takes minutes to build on a fresh machine. `cargo run` says either nothing meanwhile (`--quiet`) or, each
//! time, two lines about a build in which nothing was done. This says what is built and how far it is while there is
//! something to build, and nothing otherwise. It all goes to standard error; the lab then takes this program's place.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use self::progress::Told;

mod progress;

/// Arguments by which Cargo builds the lab.
const LAB: [&str; 6] = ["--release", "--package", "perf-lab", "--bin", "perf-lab", "--manifest-path"];
/// Where Cargo puts intermediate files, and a place for them that Cargo fills in: below its own home, one for each
/// checkout.
const BUILD_DIRECTORY: &str = "CARGO_BUILD_BUILD_DIR";
const ELSEWHERE: &str = "{cargo-cache-home}/perf-lab/{workspace-path-hash}";
/// The same directory for a home that has white space too.
const ELSEWHERE_STILL: &str = "/var/tmp/perf-lab/{workspace-path-hash}";
/// Exit code of what could not be done, as of every command of the lab …
const COULD_NOT: u8 = 3;
/// … and what `git bisect run` takes for "skip this one", where the arguments ask for that.
const CANNOT_TELL: u8 = 125;
/// Time between two looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// Time between two lines about the same build where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Path of the manifest of the workspace that `cargo lab` was called in. It need not be the one that this was compiled
/// in: two checkouts that share a target directory share this program.
fn manifest() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).join("../../Cargo.toml")
}

fn main() -> ExitCode {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let started = build(cargo_command(&cargo)).and_then(|built| {
        if !built {
            eprintln!("perf-lab: the lab could not be built; cargo's messages are above");
            return Ok(could_not());
        }
        let mut lab = cargo_command(&cargo);
        lab.args(["run", "--quiet"]).args(LAB).arg(manifest()).arg("--").args(env::args_os().skip(1));
        run(lab)
    });
    started.unwrap_or_else(|error| {
        eprintln!("perf-lab: {} could not be started: {error}; is it on the PATH?", cargo.display());
        could_not()
    })
}

/// Makes a Cargo command that builds elsewhere if it cannot build in its target directory: the build script of jemalloc
/// takes no path with white space. The finished program lies in the target directory all the same.
fn cargo_command(cargo: &OsStr) -> Command {
    let mut command = Command::new(cargo);
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| manifest().into());
    let target = env::current_dir().unwrap_or_default().join(target);
    if env::var_os(BUILD_DIRECTORY).is_none() && !takes_a_build_script(&target) {
        let home = env::var_os("CARGO_HOME").or_else(|| env::var_os("HOME")).unwrap_or_default();
        let fits = takes_a_build_script(Path::new(&home));
        command.env(BUILD_DIRECTORY, if fits { ELSEWHERE } else { ELSEWHERE_STILL });
    }
    command
}

fn could_not() -> ExitCode {
    let is_bisecting = env::args_os().any(|argument| argument == "--bisect");
    ExitCode::from(if is_bisecting { CANNOT_TELL } else { COULD_NOT })
}

fn takes_a_build_script(target: &Path) -> bool {
    target.to_str().is_some_and(|path| !path.contains(char::is_whitespace))
}

/// Builds the lab and returns whether that went well.
fn build(mut cargo: Command) -> io::Result<bool> {
    let begun = Instant::now();
    // Cargo shows how far it is on terminals only, unless told otherwise; what it shows is passed on in our own words.
    cargo.arg("build").args(LAB).arg(manifest()).stdout(Stdio::null()).stderr(Stdio::piped());
    cargo.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "160");
    let mut cargo = cargo.env("CARGO_TERM_COLOR", "never").env_remove("CARGO_TERM_QUIET").spawn()?;
    let (teller, told) = mpsc::channel();
    let listening = cargo.stderr.take().map(|said| thread::spawn(move || listen(said, &teller)));
    let mut screen = Screen::new(begun);
    loop {
        match told.recv_timeout(TICK) {
            Ok(line) => screen.show(progress::told(&line)),
            // A linker says nothing for minutes: then the time goes on at least.
            Err(RecvTimeoutError::Timeout) => screen.tick(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Some(listening) = listening {
        let _ = listening.join();
    }
    let built = cargo.wait()?.success();
    screen.end(built);
    Ok(built)
}

/// Passes on what Cargo says, line by line; its progress lines end in carriage returns.
fn listen(mut said: ChildStderr, teller: &Sender<String>) {
    let (mut bytes, mut pending) = ([0; 4096], Vec::new());
    while let Ok(count @ 1..) = said.read(&mut bytes) {
        pending.extend(bytes.iter().take(count));
        while let Some(end) = pending.iter().position(|byte| [b'\r', b'\n'].contains(byte)) {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let _ = teller.send(String::from_utf8_lossy(&line).into_owned());
        }
    }
    let _ = teller.send(String::from_utf8_lossy(&pending).into_owned());
}

/// Standard error: a line that changes on a terminal, a line now and then elsewhere.
struct Screen {
    is_terminal: bool,
    begun: Instant,
    last_line: Option<Instant>,
    /// What Cargo is doing; `None` until it does something that takes time, and then nothing is shown.
    work: Option<String>,
    /// How far the build is.
    so_far: String,
}

impl Screen {
    fn new(begun: Instant) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { is_terminal, begun, last_line: None, work: None, so_far: String::new() }
    }

    fn show(&mut self, told: Told<'_>) {
        match told {
            Told::Nothing => {}
            Told::Work(what) => {
                self.work = Some(what);
                self.tick();
            }
            Told::Progress(so_far) => {
                self.so_far = so_far;
                self.tick();
            }
            Told::Aloud(words) => {
                self.clear();
                eprintln!("{words}");
            }
        }
    }

    fn tick(&mut self) {
        let Some(work) = &self.work else { return };
        let line = format!("building the lab: {}{work}, {} s", self.so_far, self.begun.elapsed().as_secs());
        if self.is_terminal {
            self.clear();
            eprint!("{}", progress::shortened(&line, columns()));
            // What is not shown now is shown with the next line.
            let _ = io::stderr().flush();
        } else if self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            eprintln!("{line}");
        }
    }

    fn clear(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[2K");
        }
    }

    fn end(&self, built: bool) {
        if self.work.is_some() {
            self.clear();
            let how = if built { "built in" } else { "not built, after" };
            eprintln!("the lab: {how} {} s", self.begun.elapsed().as_secs());
        }
    }
}

/// Number of columns of the terminal, or a number that any terminal has.
fn columns() -> usize {
    env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(80)
}

#[cfg(unix)]
fn run(mut lab: Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(lab.exec())
}

#[cfg(not(unix))]
fn run(mut lab: Command) -> io::Result<ExitCode> {
    let status = lab.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or_else(could_not, ExitCode::from))
}
