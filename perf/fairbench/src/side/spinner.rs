//! What is shown while something takes long whose length is not known: on a terminal a line that changes, elsewhere a
//! line now and then.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use crate::progress::{clear, redraw};

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);
/// Time between two looks at the progress.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A line that shows what is going on.
pub(super) struct Spinner {
    what: String,
    on_terminal: bool,
    began: Instant,
    looked: Instant,
    printed: Instant,
}

impl Spinner {
    /// Shows at once what is going on.
    pub(super) fn new(what: &str) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        if on_terminal {
            redraw(&format!("{what} …"));
        } else {
            eprintln!("{what} …");
        }
        let now = Instant::now();
        Self { what: what.to_owned(), on_terminal, began: now, looked: now, printed: now }
    }

    /// Shows the progress. It may be called at any rate; `progress` is called only now and then.
    pub(super) fn say(&mut self, progress: impl FnOnce() -> String) {
        if self.looked.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked = Instant::now();
        if self.on_terminal {
            redraw(&format!("{} … {} s  {}", self.what, self.began.elapsed().as_secs(), progress()));
        } else if self.printed.elapsed() >= LINE_EVERY {
            self.printed = Instant::now();
            eprintln!("{}: {}", self.what, progress());
        }
    }

    /// Clears the line.
    pub(super) fn finish(&self) {
        if self.on_terminal {
            clear();
            eprintln!("{}: done in {} s", self.what, self.began.elapsed().as_secs());
        }
    }
}
