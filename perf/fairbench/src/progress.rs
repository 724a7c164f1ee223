//! Progress bars on standard error: on a terminal a line that changes, with the time left; elsewhere a line now and
//! then.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);
/// Time between two changes of the line where there is a terminal.
const CHANGE_EVERY: Duration = Duration::from_millis(100);
/// Width of the bar in characters.
const BAR: usize = 30;
/// Fewest per cent from which the time left can be estimated.
const FEWEST_PERCENT: u64 = 5;

/// A bar for the progress of one stage.
#[derive(Debug)]
pub struct ProgressBar {
    stage: &'static str,
    total: u64,
    on_terminal: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: u64,
    message: String,
    began: Instant,
    /// Time at which something was shown last.
    shown: Instant,
}

impl ProgressBar {
    /// Begins a stage of `total` steps.
    #[must_use]
    pub fn new(stage: &'static str, total: u64) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        if on_terminal {
            redraw(&format!("{stage} …"));
        } else {
            eprintln!("{stage} …");
        }
        let now = Instant::now();
        let state = State { done: 0, message: String::new(), began: now, shown: now };
        Self { stage, total: total.max(1), on_terminal, state: Mutex::new(state) }
    }

    /// Sets what is shown as being worked on.
    pub fn say(&self, what: &str) {
        let mut state = self.state();
        what.clone_into(&mut state.message);
        self.show(state);
    }

    /// Prints a line that stays, above the bar.
    pub fn tell(&self, what: &str) {
        if self.on_terminal {
            clear();
        }
        eprintln!("{what}");
    }

    /// Adds `steps` to those that are done.
    pub fn advance(&self, steps: u64) {
        let mut state = self.state();
        state.done = state.done.saturating_add(steps);
        self.show(state);
    }

    /// Sets the number of steps that are done in all.
    pub fn set(&self, steps: u64) {
        let mut state = self.state();
        state.done = steps;
        self.show(state);
    }

    /// Ends the stage.
    pub fn finish(&self) {
        if self.on_terminal {
            clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, mut state: MutexGuard<'_, State>) {
        if state.shown.elapsed() < if self.on_terminal { CHANGE_EVERY } else { LINE_EVERY } {
            return;
        }
        state.shown = Instant::now();
        let line = line(self.stage, self.total, &state, state.began.elapsed(), self.on_terminal);
        if self.on_terminal { redraw(&line) } else { eprintln!("{line}") }
    }
}

fn line(stage: &str, total: u64, state: &State, elapsed: Duration, on_terminal: bool) -> String {
    let done = state.done.min(total);
    let percent = 100 * done / total;
    let left = elapsed.mul_f64((total - done) as f64 / done.max(1) as f64).as_secs();
    let left = match percent {
        0..FEWEST_PERCENT => String::new(),
        _ => format!(", about {} left", humantime::format_duration(Duration::from_secs(left))),
    };
    let message = &state.message;
    let colon = if message.is_empty() { "" } else { ": " };
    if !on_terminal {
        return format!("{stage}: {percent} %{left}{colon}{message}");
    }
    let full = BAR * percent as usize / 100;
    format!("{stage} [{}{}] {percent} %{left}{colon}{message}", "=".repeat(full), " ".repeat(BAR - full))
}

/// Replaces the last line of the terminal, as far as the new one fits.
pub(crate) fn redraw(line: &str) {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(80_usize);
    let fits: String = line.chars().take(columns.saturating_sub(1)).collect();
    eprint!("\r\x1b[2K{fits}");
    // What is not shown now is shown with the next line.
    let _ = std::io::stderr().flush();
}

/// Clears the last line of the terminal.
pub(crate) fn clear() {
    redraw("");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_for_how_long_once_that_can_be_told() {
        let at = |done: u64, message: &str, on_terminal: bool| {
            let now = Instant::now();
            let state = State { done, message: message.to_owned(), began: now, shown: now };
            line("measuring", 200, &state, Duration::from_secs(30), on_terminal)
        };
        assert_eq!(at(2, "", false), "measuring: 1 %");
        assert_eq!(at(50, "verify", false), "measuring: 25 %, about 1m 30s left: verify");
        assert_eq!(at(400, "", false), "measuring: 100 %, about 0s left");
        assert_eq!(
            at(100, "x", true),
            format!("measuring [{}{}] 50 %, about 30s left: x", "=".repeat(15), " ".repeat(15))
        );
    }
}
