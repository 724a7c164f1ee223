//! Why a bundle was not taken, and why a request was not decided.

use std::fmt;

use serde::Serialize;

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Line, from 1 on.
    pub line: usize,
    /// Column in bytes, from 1 on. JSON is read forward only: the place is where the reader stood when it noticed,
    /// which is behind a value that it found wrong.
    pub column: usize,
}

impl Position {
    /// The place of a byte of `text`. An offset beyond the end is the end.
    pub(crate) fn of_byte(text: &[u8], offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        Self { line, column: 1 + before.len() - line_start }
    }
}

/// Why bytes are not a bundle that can be used. Nothing of such a bundle takes effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleError {
    /// Where it was noticed. `None` if it is about the whole: its size, or the number of its rules.
    pub position: Option<Position>,
    /// What is wrong, and what is expected, in one line.
    pub reason: String,
}

impl BundleError {
    pub(crate) fn whole(reason: impl Into<String>) -> Self {
        Self { position: None, reason: reason.into() }
    }

    pub(crate) fn at(position: Position, reason: impl Into<String>) -> Self {
        Self { position: Some(position), reason: reason.into() }
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(Position { line, column }) => write!(f, "line {line}, column {column}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for BundleError {}

/// Why a request was not decided. It is neither a permit nor a deny; a caller that has to choose denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A text of the request is too long to be judged.
    #[error("the request's {what} has {found} bytes; at most {most} are judged")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// Its length in bytes.
        found: usize,
        /// The most that is judged, in bytes.
        most: usize,
    },
    /// A list of the request is too long to be judged.
    #[error("the request has {found} {what}; at most {most} are judged")]
    TooMany {
        /// Which list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The most that is judged.
        most: usize,
    },
}
