//! What is shown while something takes long whose length is not known: on a terminal a line that moves, elsewhere a
//! line now and then.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);
/// Between two looks at how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The line.
pub(super) struct Spinner {
    what: String,
    bar: Option<ProgressBar>,
    looked: Instant,
    printed: Instant,
}

impl Spinner {
    /// Says at once what is going on.
    pub(super) fn new(what: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(ProgressBar::new_spinner);
        match &bar {
            Some(bar) => {
                if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} … {elapsed}  {wide_msg}") {
                    bar.set_style(style);
                }
                bar.set_prefix(what.to_owned());
                bar.enable_steady_tick(LOOK_EVERY);
            }
            None => eprintln!("{what} …"),
        }
        Self { what: what.to_owned(), bar, looked: Instant::now(), printed: Instant::now() }
    }

    /// Says how far it is. Called as often as one likes; `progress` only now and then.
    pub(super) fn say(&mut self, progress: impl FnOnce() -> String) {
        if self.looked.elapsed() < LOOK_EVERY {
            return;
        }
        self.looked = Instant::now();
        match &self.bar {
            Some(bar) => bar.set_message(progress()),
            None if self.printed.elapsed() >= LINE_EVERY => {
                self.printed = Instant::now();
                eprintln!("{}: {}", self.what, progress());
            }
            None => {}
        }
    }

    /// It is over.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            eprintln!("{}: done in {} s", self.what, bar.elapsed().as_secs());
        }
    }
}
