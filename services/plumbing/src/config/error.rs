//! What is wrong with a configuration, in one line for people.

use std::fmt;

/// A configuration that is refused. Its text is one line: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ConfigError {
    place: String,
    reason: String,
}

impl ConfigError {
    pub(super) fn new(place: impl fmt::Display, reason: &str) -> Self {
        // The parser explains some errors in several lines.
        let reason = reason.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        Self { place: place.to_string(), reason }
    }

    pub(super) fn unreadable(path: &str, variable: &str, error: &std::io::Error) -> Self {
        Self::new(path, &format!("cannot be read ({error}); set {variable} to a readable TOML file, or unset it"))
    }

    /// Where the fault is: file or variable, with the line where there is one.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// A value that can be read and that no service could work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impossible {
    pub(super) key: &'static str,
    pub(super) reason: String,
}

impl Impossible {
    /// Blames `key`, written with dots, such as `limits.max_batch`. The reason says what is expected.
    pub fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self { key, reason: reason.into() }
    }
}
