//! What a probe writes, read on threads of its own: a pipe that nobody empties would stop the probe.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Length of the longest line that is read, in bytes. The protocol's longest, the hello, takes a hundredth of it.
const LONGEST_LINE_BYTES: u64 = 1 << 20;

/// A line that was read from standard output; `None` at its end.
pub(super) type OutputLine = Option<Vec<u8>>;

/// The words of a text with single spaces between them.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Sends standard output on line by line, until it ends or nobody listens.
pub(super) fn send_lines(mut output: impl BufRead, lines: &SyncSender<OutputLine>) {
    loop {
        let mut line = Vec::new();
        let read = output.by_ref().take(LONGEST_LINE_BYTES).read_until(b'\n', &mut line);
        let line = (read.is_ok() && !line.is_empty()).then_some(line);
        let done = line.is_none();
        // Nobody listens any more: the client is gone.
        if lines.send(line).is_err() || done {
            return;
        }
    }
}

/// Keeps the last line of standard error that says anything.
#[derive(Debug)]
pub(super) struct LastLine {
    line: Arc<Mutex<Option<String>>>,
    at_end: Receiver<()>,
}

impl LastLine {
    /// Returns the keeper, and the function that has to run on a thread of its own to keep it up to date.
    pub(super) fn new() -> (Self, impl FnOnce(BufReader<Box<dyn Read + Send>>) + Send + 'static) {
        let (line, (ended, at_end)) = (Arc::new(Mutex::new(None)), sync_channel(1));
        let written = Arc::clone(&line);
        let watch = move |mut errors: BufReader<Box<dyn Read + Send>>| {
            let mut bytes = Vec::new();
            while errors.by_ref().take(LONGEST_LINE_BYTES).read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
                let said = one_line(&String::from_utf8_lossy(&bytes));
                if !said.is_empty() {
                    *written.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
                }
                bytes.clear();
            }
            let _ = ended.send(());
        };
        (Self { line, at_end }, watch)
    }

    /// Returns the last line, once standard error is closed or this much time has passed.
    pub(super) fn last(&self, patience: Duration) -> Option<String> {
        let _ = self.at_end.recv_timeout(patience);
        self.line.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
