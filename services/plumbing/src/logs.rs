//! Structured logs, written by a thread of their own.
//!
//! A line that finds no room in the buffer is dropped and counted (`log_lines_dropped_total`): a slow disk or terminal
//! never slows a request. Nothing that a client sent is logged but its request id, with amnesia not even that
//! ([`Service::amnesia`](crate::Service::amnesia)), and nothing secret at all.

use std::io;
use std::sync::OnceLock;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

use crate::config::{Log, LogFormat};

static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// Writes what is left when it is dropped.
#[derive(Debug)]
pub struct LogGuard(#[expect(dead_code, reason = "held for its drop")] WorkerGuard);

/// Lines of this process that were dropped.
pub(crate) fn dropped_lines() -> u64 {
    DROPPED.get().map_or(0, |counter| counter.dropped_lines() as u64)
}

pub(crate) fn filter(level: &str) -> Result<Targets, ParseError> {
    level.parse()
}

/// Starts the logs of this process, to standard error, and has a panic logged by its place alone: what it says may hold
/// anything.
///
/// # Errors
/// Logs were started before.
pub fn start(log: &Log) -> Result<LogGuard, TryInitError> {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(log.buffered_lines)
        .thread_name("log")
        .finish(io::stderr());
    let dropped = writer.error_counter();
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    let lines = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    // A bad level was refused when the settings were read.
    let levels = filter(&log.level).unwrap_or_default();
    tracing_subscriber::registry().with(lines.with_filter(levels)).try_init()?;
    let _ = DROPPED.set(dropped);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(place, "panic");
    }));
    Ok(LogGuard(guard))
}
