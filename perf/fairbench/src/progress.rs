//! Progress on standard error: a bar with the time left on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// One stage's progress.
pub struct Progress {
    stage: &'static str,
    bar: ProgressBar,
    /// When the last line was printed; `None` on a terminal.
    last_line: Option<Mutex<Instant>>,
}

impl Progress {
    /// A stage of `total` steps.
    #[must_use]
    pub fn new(stage: &'static str, total: u64) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let bar = if on_terminal { ProgressBar::new(total) } else { ProgressBar::hidden() };
        bar.set_length(total);
        if let Ok(style) = ProgressStyle::with_template("{prefix:>22} [{wide_bar}] {percent:>3}%  {eta} left  {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(stage);
        if on_terminal {
            bar.enable_steady_tick(Duration::from_millis(500));
        } else {
            eprintln!("{stage} …");
        }
        Self { stage, bar, last_line: (!on_terminal).then(|| Mutex::new(Instant::now())) }
    }

    /// Says what is being worked on.
    pub fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.line();
    }

    /// Says something that is to stay, above the bar.
    pub fn tell(&self, what: &str) {
        self.bar.suspend(|| eprintln!("{what}"));
    }

    /// `steps` more are done.
    pub fn advance(&self, steps: u64) {
        self.bar.inc(steps);
        self.line();
    }

    /// This many are done in all.
    pub fn set(&self, steps: u64) {
        self.bar.set_position(steps);
        self.line();
    }

    /// The stage is over.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self) {
        let Some(last) = self.last_line.as_ref().and_then(|last| last.lock().ok()) else { return };
        if last.elapsed() >= LINE_EVERY {
            let mut last = last;
            *last = Instant::now();
            let percent = 100 * self.bar.position() / self.bar.length().unwrap_or(1).max(1);
            let left = humantime::format_duration(Duration::from_secs(self.bar.eta().as_secs()));
            // Out of the first few steps no estimate can be made.
            let left = if percent < 5 { String::new() } else { format!(", about {left} left") };
            let message = self.bar.message();
            let colon = if message.is_empty() { "" } else { ": " };
            eprintln!("{}: {percent} %{left}{colon}{message}", self.stage);
        }
    }
}
