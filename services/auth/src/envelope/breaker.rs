//! Lets calls through as long as they do not fail in a row.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After so many failures in a row nothing is let through for a while; then one call, whose outcome decides.
pub(super) struct Breaker {
    most_failures: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
    is_probing: bool,
}

/// Leave to make one call. Dropped without a word, it says nothing.
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    is_probe: bool,
}

impl Breaker {
    pub(super) fn new(most_failures: u32, pause: Duration) -> Self {
        Self { most_failures, pause, state: Mutex::default() }
    }

    /// Leave to make a call now, if there is.
    pub(super) fn pass(&self) -> Option<Pass<'_>> {
        let mut state = self.state();
        let is_probe = state.closed_until.is_some();
        if let Some(until) = state.closed_until {
            if Instant::now() < until || state.is_probing {
                return None;
            }
            state.is_probing = true;
        }
        Some(Pass { breaker: self, is_probe })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The call was answered.
    pub(super) fn worked(self) {
        *self.breaker.state() = State::default();
    }

    /// It was not.
    pub(super) fn failed(self) {
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.breaker.most_failures {
            state.closed_until = Some(Instant::now() + self.breaker.pause);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // A call that began before it was closed, and ends while another one is let through to see, is not that one.
        if self.is_probe {
            self.breaker.state().is_probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_close_it_and_one_call_opens_it_again() {
        let breaker = Breaker::new(2, Duration::from_millis(30));
        breaker.pass().unwrap().failed();
        breaker.pass().unwrap().worked();
        breaker.pass().unwrap().failed();
        breaker.pass().unwrap().failed();
        assert!(breaker.pass().is_none());
        std::thread::sleep(Duration::from_millis(35));
        let probe = breaker.pass().unwrap();
        assert!(breaker.pass().is_none(), "one at a time");
        probe.failed();
        assert!(breaker.pass().is_none(), "it failed, so it is closed for longer");
        std::thread::sleep(Duration::from_millis(35));
        drop(breaker.pass().unwrap());
        breaker.pass().unwrap().worked();
        let (one, two) = (breaker.pass(), breaker.pass());
        assert!(one.is_some() && two.is_some());
    }

    #[test]
    fn a_call_from_before_is_not_the_one_that_sees() {
        let breaker = Breaker::new(1, Duration::ZERO);
        let before = breaker.pass().unwrap();
        breaker.pass().unwrap().failed();
        let probe = breaker.pass().unwrap();
        before.failed();
        assert!(breaker.pass().is_none(), "one at a time");
        drop(probe);
        assert!(breaker.pass().is_some());
    }
}
