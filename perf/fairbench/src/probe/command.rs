//! A command that starts a probe.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use fairbench_probe::protocol::{HEAP_OFFSET_ENV, PAD_ENV, REVISION_ENV};

use tempfile::TempDir;

use super::launch::fixed_addresses;
use crate::compare::layout::Layout;
use crate::compare::runner::MeasureError;

/// The command lines of both sides are filled up to this many bytes on the stack.
const COMMAND_LINE_BYTES: usize = 2048;

/// How to start a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeCommand {
    /// Name of the probe in messages.
    pub label: String,
    /// Path of the program.
    pub program: PathBuf,
    /// Arguments of the program.
    pub args: Vec<OsString>,
    /// Variables that are added to its environment. Nothing makes up for the place they take: for tests of the gate.
    pub env: Vec<(String, String)>,
    /// The revision that it was built from, which it is told so that it can report it; `None` unless it was built here.
    pub revision: Option<String>,
    /// Whether every block starts a copy of the program of its own, so that where its pages lie is drawn anew.
    /// For programs that need nothing beside them.
    pub copied: bool,
    /// Digest of the program, so that nothing else is started in its place; `None` unless it was built here.
    pub digest: Option<String>,
}

/// A program in a file of its own.
///
/// All processes of a file share the same physical pages, and where those lie decides what its code shares a cache set
/// with. Pairs of copies of one program differed by 0.3 % and by 1.5 % on `verify_single`, over many processes and
/// whichever was the base (2-core EPYC, shared, 2026-11). No control sees that, for it runs the base's file. So the
/// file is drawn anew like everything else about a process.
pub struct Copied {
    /// How to start the copy.
    pub command: ProbeCommand,
    /// The directory of the copy, removed when dropped; a running process keeps what it has mapped.
    _directory: TempDir,
}

impl ProbeCommand {
    /// Makes a command for a program without arguments.
    pub fn new(label: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            label: label.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            revision: None,
            copied: false,
            digest: None,
        }
    }

    /// Makes a command for the program that is running. Its file may have been replaced meanwhile: then nothing is
    /// started.
    ///
    /// # Errors
    /// The system does not tell where the program lies.
    pub fn own(label: impl Into<String>) -> anyhow::Result<Self> {
        let running = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe()? };
        static DIGEST: OnceLock<Option<String>> = OnceLock::new();
        let digest = DIGEST.get_or_init(|| Some(blake3::hash(&std::fs::read(running).ok()?).to_hex().to_string()));
        Ok(Self { copied: true, digest: digest.clone(), ..Self::new(label, std::env::current_exe()?) })
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Copies the program to a file of its own. `None` if it is not to be copied, or cannot be: then it is started as
    /// it is.
    ///
    /// # Errors
    /// It is not the program that was built.
    pub fn copy(&self) -> Result<Option<Copied>, MeasureError> {
        let Some(beside) = self.program.parent().filter(|_| self.copied) else { return Ok(None) };
        let bytes = self.verified()?;
        let copy = || -> std::io::Result<Copied> {
            // Beside it, where programs may be run for sure.
            let directory = tempfile::Builder::new().prefix("run-").tempdir_in(beside)?;
            let program = directory.path().join("probe");
            std::fs::write(&program, &bytes)?;
            std::fs::set_permissions(&program, std::fs::metadata(&self.program)?.permissions())?;
            Ok(Copied { command: Self { program, ..self.clone() }, _directory: directory })
        };
        Ok(copy().ok())
    }

    /// Reads the program and checks that it is the one that was built.
    ///
    /// # Errors
    /// The program cannot be read, or its digest is another one.
    pub fn verified(&self) -> Result<Vec<u8>, MeasureError> {
        let bytes = std::fs::read(&self.program).map_err(|error| MeasureError::CouldNotStart {
            probe: self.label.clone(),
            detail: format!("{}: {error}", self.program.display()),
        })?;
        match &self.digest {
            Some(expected) if *blake3::hash(&bytes).to_hex() != **expected => Err(MeasureError::OtherProgram {
                probe: self.label.clone(),
                program: self.program.display().to_string(),
                expected: expected.clone(),
                found: blake3::hash(&bytes).to_hex().to_string(),
            }),
            _ => Ok(bytes),
        }
    }

    /// The command of a process with this layout, without address randomisation where the system allows that.
    pub(crate) fn command(&self, layout: Layout) -> Command {
        let mut command = if fixed_addresses() {
            let mut command = Command::new("setarch");
            command.arg("-R").arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        // What lies above the stack is the environment and the command line. One side's may be longer (its path, say):
        // the padding makes up for that, so that only the layout moves the stack.
        let pad = layout.env_bytes + COMMAND_LINE_BYTES.saturating_sub(self.stack_bytes());
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env(HEAP_OFFSET_ENV, layout.heap_bytes.to_string())
            .env(PAD_ENV, "x".repeat(pad));
        match &self.revision {
            Some(revision) => command.env(REVISION_ENV, revision),
            None => command.env_remove(REVISION_ENV),
        };
        command
    }

    /// Bytes of the command line on the stack, with a pointer for every string: the program's path is there twice.
    fn stack_bytes(&self) -> usize {
        let string = |bytes: usize| bytes + 1 + size_of::<usize>();
        let revision = self.revision.as_ref().map_or(0, |revision| string(REVISION_ENV.len() + 1 + revision.len()));
        let args: usize = self.args.iter().map(|arg| string(arg.len())).sum();
        2 * string(self.program.as_os_str().len()) + args + revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pad_of(command: &Command) -> usize {
        let mut values = command.get_envs().filter(|(name, _)| *name == PAD_ENV);
        values.next().unwrap().1.unwrap().len()
    }

    #[test]
    fn a_longer_path_takes_as_much_of_the_stack_as_a_shorter_one() {
        let layout = Layout { env_bytes: 160, heap_bytes: 32 };
        let short = ProbeCommand::new("short", "/p");
        let long = ProbeCommand::new("long", "/a/much/longer/path/to/p").args(["--work-factor", "1.05"]);
        for probe in [&short, &long] {
            assert_eq!(pad_of(&probe.command(layout)) + probe.stack_bytes(), 160 + COMMAND_LINE_BYTES);
        }
        let moved = Layout { env_bytes: 176, ..layout };
        assert_eq!(pad_of(&short.command(moved)) - pad_of(&short.command(layout)), 16);
    }
}
