//! The whole life of a service's process.

use std::fmt::Display;
use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{self, Log, Settings};
use crate::logs;
use crate::service::{Drained, Running, Service};

/// Runs a service from its settings to its end: loads the settings with `prefix`, starts the logs, builds the service,
/// prints where it listens, serves until SIGTERM or Ctrl-C, and drains. A second signal ends it at once.
///
/// Exit codes: 0 drained; 1 it could not start, or requests were cut off; 2 the settings are wrong.
pub fn run<T, F, E>(prefix: &str, build: impl FnOnce(T) -> F) -> ExitCode
where
    T: Settings,
    F: Future<Output = Result<Service, E>>,
    E: Display,
{
    let settings: T = match config::load(prefix) {
        Ok(settings) => settings,
        Err(error) => return failed(2, &error),
    };
    let common = settings.common();
    let (workers, log) = (common.server.workers, common.log.clone());
    run_started(workers, &log, async {
        let service = build(settings).await.map_err(|error| error.to_string())?;
        service.start().await.map_err(|error| error.to_string())
    })
}

/// What listens, and can be ended without a loss: a service, or several in one process.
pub trait Listening {
    /// What is printed once it listens.
    fn greeting(&self) -> String;

    /// Ends it, as [`Running::drain`] does.
    fn drain(self) -> impl Future<Output = Drained>;
}

impl Listening for Running {
    fn greeting(&self) -> String {
        Self::greeting(self)
    }

    fn drain(self) -> impl Future<Output = Drained> {
        Self::drain(self)
    }
}

/// As [`run`], for what is started by `start` on so many threads (0 is one for each core), whatever its settings are.
///
/// Exit codes: 0 drained; 1 it could not start, or requests were cut off.
pub fn run_started<L, E>(workers: usize, log: &Log, start: impl Future<Output = Result<L, E>>) -> ExitCode
where
    L: Listening,
    E: Display,
{
    let _log = match logs::start(log) {
        Ok(guard) => guard,
        Err(error) => return failed(1, &error),
    };
    match runtime(workers) {
        Ok(runtime) => runtime.block_on(serve(start)),
        Err(error) => failed(1, &error),
    }
}

async fn serve<L: Listening, E: Display>(start: impl Future<Output = Result<L, E>>) -> ExitCode {
    // First of all: from here on a signal drains, and does not kill.
    let (mut terminate, mut interrupt) = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
        (Err(error), _) | (_, Err(error)) => return failed(1, &error),
    };
    let listening = match start.await {
        Ok(listening) => listening,
        Err(error) => return failed(1, &error),
    };
    // A closed standard output is no reason not to serve.
    let _ = writeln!(io::stdout(), "{}", listening.greeting());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("draining");
    let cut = tokio::select! {
        drained = listening.drain() => drained.cut,
        _ = terminate.recv() => return ExitCode::FAILURE,
        _ = interrupt.recv() => return ExitCode::FAILURE,
    };
    if cut > 0 {
        tracing::warn!(cut, "connections were cut off");
        return ExitCode::FAILURE;
    }
    tracing::info!("drained");
    ExitCode::SUCCESS
}

/// On one core a runtime without other threads: nothing is handed from one to the other.
fn runtime(workers: usize) -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = match if workers == 0 { cores } else { workers } {
        1 => Builder::new_current_thread(),
        workers => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(workers);
            builder
        }
    };
    builder.enable_all().build()
}

fn failed(code: u8, error: &dyn Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(code)
}
