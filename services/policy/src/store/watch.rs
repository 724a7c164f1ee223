//! A thread that looks at the file from time to time.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{LoadError, PolicyStore, Reloaded};

/// A thread that polls a store. Dropping this ends it.
#[derive(Debug)]
pub struct Watch {
    /// Dropped to end the thread.
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PolicyStore {
    /// Starts a thread that [polls](Self::poll) every `interval` and tells `report` what became of it. A change takes
    /// effect after two intervals at most. A host with a timer of its own calls `poll` itself.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn watch(
        self: &Arc<Self>,
        interval: Duration,
        mut report: impl FnMut(&Result<Reloaded, LoadError>) + Send + 'static,
    ) -> io::Result<Watch> {
        let (stop, stopped) = mpsc::sync_channel::<()>(0);
        let store = Arc::clone(self);
        let look = move || {
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                report(&store.poll());
            }
        };
        let thread = thread::Builder::new().name("policy-watch".to_owned()).spawn(look)?;
        Ok(Watch { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A report that panicked ended the thread already.
            let _ = thread.join();
        }
    }
}
