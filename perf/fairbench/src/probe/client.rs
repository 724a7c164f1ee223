//! One running probe: started, asked, waited for no longer than is sensible, and stopped.

use std::io::{BufReader, Write};
use std::process::{ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use fairbench_probe::memory::Memory;
use fairbench_probe::protocol::{Hello, OLDEST_VERSION, Request, Response, VERSION};
use fairbench_probe::serve::Tally;

use super::child::ProcessGroup;
use super::command::ProbeCommand;
use super::launch::spawn;
use super::streams::{LastLine, OutputLine, one_line, send_lines};
use crate::compare::layout::Layout;
use crate::compare::runner::{CaseInfo, MeasureError, Ran};
use crate::environment;
use crate::interrupt;

/// Time that a probe has for an answer, unless `FAIRBENCH_PROBE_TIMEOUT_SECONDS` says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait for the last line that a probe wrote to standard error before it ended.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// What a message quotes of a wrong answer, in characters.
const QUOTED_CHARS: usize = 120;

/// A probe that has said hello. Killed, with whatever it started, when dropped.
#[derive(Debug)]
pub struct Client {
    label: String,
    // Dropped in this order: the process first, so that the threads that read from it come to an end.
    group: ProcessGroup,
    stdin: ChildStdin,
    lines: Receiver<OutputLine>,
    errors: LastLine,
    patience: Duration,
    hello: Hello,
}

impl Client {
    /// Starts a probe and waits for its hello.
    ///
    /// # Errors
    /// The probe does not start, ends, says nothing in time, or says something else than a hello of this protocol.
    pub fn start(command: &ProbeCommand, layout: Layout, pin: bool) -> Result<Self, MeasureError> {
        Self::start_as(&command.label, command.command(layout), pin)
    }

    /// Does what [`start`](Self::start) does, for a command that wraps a probe.
    pub(crate) fn start_as(label: &str, mut command: std::process::Command, pin: bool) -> Result<Self, MeasureError> {
        let patience = patience().map_err(|error| could_not_start(label, &error))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = spawn(label, &mut command, pin)?;
        let (stdin, stdout, stderr) = (group.child.stdin.take(), group.child.stdout.take(), group.child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(could_not_start(label, &"it has no standard streams"));
        };
        let (sender, lines) = sync_channel(4);
        let reader = |work: Box<dyn FnOnce() + Send>| {
            // A thread that cannot be started leaves the channel empty: the wait below then ends with "no answer".
            let _ = std::thread::Builder::new().stack_size(128 * 1024).spawn(work);
        };
        reader(Box::new(move || send_lines(BufReader::new(stdout), &sender)));
        let (errors, write_errors) = LastLine::new();
        reader(Box::new(move || write_errors(BufReader::new(Box::new(stderr)))));

        // Filled in below; nobody sees it before.
        let hello = Hello {
            protocol: VERSION,
            probe: String::new(),
            features: Vec::new(),
            simd_path: String::new(),
            rustc: String::new(),
            revision: None,
            threads: 1,
            cases: Vec::new(),
        };
        let mut client = Self { label: label.to_owned(), group, stdin, lines, errors, patience, hello };
        client.hello = client.receive_hello()?;
        Ok(client)
    }

    /// What the probe says about itself.
    #[must_use]
    pub const fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Has the probe prove its answers on a case right. Returns the number of answers.
    ///
    /// # Errors
    /// A wrong answer, or none that makes sense.
    pub fn check(&mut self, case: &str) -> Result<u64, MeasureError> {
        let request = Request::Check { case: case.to_owned() };
        match self.ask(&request)? {
            Response::Checked { case: answered, answers } if answered == case => Ok(answers),
            Response::Wrong { detail, .. } => Err(MeasureError::WrongAnswer {
                probe: self.label.clone(),
                case: case.to_owned(),
                detail: one_line(&detail),
            }),
            other => Err(self.unexpected(&request, other)),
        }
    }

    /// Does what [`check`](Self::check) does; the case must also be the same work as on the other side.
    ///
    /// # Errors
    /// The errors of [`check`](Self::check), and a case of another size.
    pub fn check_as(&mut self, case: &CaseInfo) -> Result<(), MeasureError> {
        if let Some(own) = self.hello.cases.iter().find(|own| own.name == case.name)
            && own.items_per_iteration != case.items_per_iteration
        {
            return Err(MeasureError::Nonsense {
                probe: self.label.clone(),
                said: format!("{} of {} items", own.name, own.items_per_iteration),
                expected: format!("{} items, as on the other side", case.items_per_iteration),
            });
        }
        self.check(&case.name).map(drop)
    }

    /// Runs a case and returns how long that took. A time of 0 ns is an answer: a coarse clock may not tell less.
    ///
    /// # Errors
    /// The probe ended, did not answer in time, or answered something else.
    pub fn run(&mut self, case: &str, iterations: u64) -> Result<Ran, MeasureError> {
        let request = Request::Run { case: case.to_owned(), iterations };
        match self.ask(&request)? {
            Response::Ran { case: answered, iterations: done, elapsed_ns, spent }
                if answered == case && done == iterations =>
            {
                Ok(Ran { elapsed_ns: elapsed_ns as f64, spent })
            }
            other => Err(self.unexpected(&request, other)),
        }
    }

    /// Runs a case under a counting allocator; returns what it allocated, in all.
    ///
    /// # Errors
    /// The errors of [`run`](Self::run); a probe that cannot count refuses.
    pub fn count(&mut self, case: &str, iterations: u64) -> Result<Tally, MeasureError> {
        let request = Request::Count { case: case.to_owned(), iterations };
        match self.ask(&request)? {
            Response::Counted { case: answered, iterations: done, allocations, bytes }
                if answered == case && done == iterations =>
            {
                Ok(Tally { allocations, bytes })
            }
            other => Err(self.unexpected(&request, other)),
        }
    }

    /// Asks how much memory the process takes; `None` if the probe does not know this request, as it need not.
    ///
    /// # Errors
    /// The errors of [`run`](Self::run).
    pub fn memory(&mut self) -> Result<Option<Memory>, MeasureError> {
        let request = Request::Memory {};
        match self.ask(&request)? {
            Response::Memory(memory) => Ok(Some(memory)),
            Response::Error { .. } => Ok(None),
            other => Err(self.unexpected(&request, other)),
        }
    }

    /// Lets the probe end by itself, as tools that write at the end need it.
    ///
    /// # Errors
    /// It does not end in time, or not with 0.
    pub fn quit(mut self) -> Result<(), MeasureError> {
        let request = Request::Quit {};
        self.send(&request)?;
        match self.group.wait_at_most(self.patience) {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(_)) => Err(self.ended(&asked(&request))),
            Ok(None) | Err(_) => Err(self.timed_out(&asked(&request))),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Response, MeasureError> {
        self.send(request)?;
        let line = self.receive(&asked(request))?;
        serde_json::from_slice(&line).map_err(|_| self.nonsense(&line, expected(request)))
    }

    fn send(&mut self, request: &Request) -> Result<(), MeasureError> {
        let mut line = serde_json::to_vec(request).unwrap_or_default();
        line.push(b'\n');
        // A pipe that nobody reads from any more: the probe has ended.
        self.stdin.write_all(&line).map_err(|_| self.ended(&asked(request)))
    }

    fn receive_hello(&mut self) -> Result<Hello, MeasureError> {
        let asked = "say hello";
        let line = self.receive(asked).map_err(|error| match error {
            // How env, setarch and shells say that there is no such program, or none that can be run.
            MeasureError::Crashed { probe, status, last_line, .. }
                if status == "exit code 126" || status == "exit code 127" =>
            {
                MeasureError::CouldNotStart { probe, detail: last_line }
            }
            other => other,
        })?;
        let expected = "a hello: {\"hello\":{\"protocol\":2,…}}";
        let nonsense = || self.nonsense(&line, expected.to_owned());
        let value: serde_json::Value = serde_json::from_slice(&line).map_err(|_| nonsense())?;
        // The version first: another version's hello may have any shape.
        let theirs = value.get("hello").and_then(|hello| hello.get("protocol")).and_then(serde_json::Value::as_u64);
        match (theirs, serde_json::from_value(value)) {
            (Some(OLDEST_VERSION..=VERSION), Ok(Response::Hello(hello))) => Ok(hello),
            (Some(theirs), _) if !(OLDEST_VERSION..=VERSION).contains(&theirs) => Err(MeasureError::OtherVersion {
                probe: self.label.clone(),
                theirs,
                oldest: OLDEST_VERSION,
                ours: VERSION,
            }),
            _ => Err(nonsense()),
        }
    }

    fn receive(&mut self, asked: &str) -> Result<Vec<u8>, MeasureError> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.lines.recv_timeout(interrupt::GLANCE) {
                Ok(Some(line)) => return Ok(line),
                Ok(None) | Err(RecvTimeoutError::Disconnected) => return Err(self.ended(asked)),
                Err(RecvTimeoutError::Timeout) if interrupt::requested() => return Err(MeasureError::Interrupted),
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                Err(RecvTimeoutError::Timeout) => return Err(self.timed_out(asked)),
            }
        }
    }

    /// The error for a probe that closed its output: it has ended, or is about to.
    fn ended(&mut self, asked: &str) -> MeasureError {
        if interrupt::requested() {
            return MeasureError::Interrupted;
        }
        let status = match self.group.wait_at_most(LAST_WORDS) {
            Ok(Some(status)) => describe(status),
            Ok(None) => "its output closed, still running".to_owned(),
            Err(error) => error.to_string(),
        };
        self.group.kill();
        MeasureError::Crashed {
            probe: self.label.clone(),
            asked: asked.to_owned(),
            status,
            last_line: self.errors.last(LAST_WORDS).unwrap_or_else(|| "nothing on standard error".to_owned()),
        }
    }

    fn timed_out(&mut self, asked: &str) -> MeasureError {
        self.group.kill();
        let (probe, asked) = (self.label.clone(), asked.to_owned());
        MeasureError::TimedOut { probe, asked, seconds: self.patience.as_secs_f64() }
    }

    fn unexpected(&self, request: &Request, response: Response) -> MeasureError {
        let said = match response {
            Response::Error { message } => {
                let (probe, message) = (self.label.clone(), one_line(&message));
                return MeasureError::Refused { probe, asked: asked(request), message };
            }
            other => serde_json::to_vec(&other).unwrap_or_default(),
        };
        self.nonsense(&said, expected(request))
    }

    fn nonsense(&self, said: &[u8], expected: String) -> MeasureError {
        let said = String::from_utf8_lossy(said);
        let mut quoted: String = said.trim_end().chars().take(QUOTED_CHARS).collect();
        if quoted.len() < said.trim_end().len() {
            quoted.push('…');
        }
        MeasureError::Nonsense { probe: self.label.clone(), said: quoted, expected }
    }
}

pub(crate) fn could_not_start(label: &str, error: &impl std::fmt::Display) -> MeasureError {
    MeasureError::CouldNotStart { probe: label.to_owned(), detail: one_line(&error.to_string()) }
}

/// Time to wait for an answer: the default, or what the environment says.
///
/// # Errors
/// The environment says something else than a time, in one line.
fn patience() -> Result<Duration, String> {
    let Some((name, value)) = environment::PROBE_TIMEOUT.get() else { return Ok(PATIENCE) };
    let seconds = value.to_str().and_then(|value| value.trim().parse::<f64>().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|asked| !asked.is_zero())
        .ok_or_else(|| format!("{name} is {value:?}; expected a number of seconds above 0, such as 30"))
}

fn asked(request: &Request) -> String {
    match request {
        Request::Check { case } => format!("check {case}"),
        Request::Run { case, iterations } => format!("run {case} for {iterations} iterations"),
        Request::Count { case, iterations } => format!("count {case} for {iterations} iterations"),
        Request::Memory {} => "say how much memory it takes".to_owned(),
        Request::Quit {} => "quit".to_owned(),
    }
}

fn expected(request: &Request) -> String {
    match request {
        Request::Check { case } => format!("\"checked\" or \"wrong\" for {case}"),
        Request::Run { case, iterations } => format!("\"ran\" for {case}, {iterations} iterations"),
        Request::Count { case, iterations } => format!("\"counted\" for {case}, {iterations} iterations"),
        Request::Memory {} => "\"memory\"".to_owned(),
        Request::Quit {} => "nothing".to_owned(),
    }
}

/// An exit status in words.
fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    status.code().map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"))
}
