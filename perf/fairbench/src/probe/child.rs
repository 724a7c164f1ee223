//! A child process that ends together with everything that it started.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// A child process with a process group of its own. The whole group is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    pub(crate) child: Child,
}

impl ProcessGroup {
    /// Starts a command in a process group of its own: Ctrl-C at the terminal reaches fairbench alone, which then
    /// decides.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            command.process_group(0);
        }
        Ok(Self { child: command.spawn()? })
    }

    /// Waits at most this long until the child has ended by itself; `None` if it has not.
    pub(crate) fn wait_at_most(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills the child and whatever it started.
    pub(crate) fn kill(&mut self) {
        // Before it is waited for: the number of a process that is gone may be another's.
        #[cfg(unix)]
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}
