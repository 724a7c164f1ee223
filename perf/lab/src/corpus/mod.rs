//! Corpora by name: fixtures, and files that `cargo lab corpus import` made of a service's own tokens.
//!
//! | module | holds |
//! |---|---|
//! | [`shape`] | what is kept of tokens, and the format of the file |
//! | [`import`], [`lines`], [`given`], [`describe`] | from a file of tokens to their shape |
//! | `mint` | from a shape to tokens like them, with nothing of what they said |
//! | [`report`] | a shape, for people |

pub mod describe;
pub mod given;
pub mod import;
pub mod lines;
mod mint;
pub mod report;
pub mod shape;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use ron_auth_fixtures::{Corpus, Fixture};

use self::shape::Shape;

/// The source of a corpus's tokens.
#[derive(Clone, Debug)]
pub enum Source {
    /// A fixture of the lab.
    Fixture(Fixture),
    /// A corpus file. Two of the same path are equal.
    File {
        /// Path that it was read from.
        path: PathBuf,
        /// Shape of the tokens.
        shape: Arc<Shape>,
    },
}

impl Source {
    /// Reads a corpus file.
    ///
    /// # Errors
    /// The errors of [`Shape::read`].
    pub fn file(path: &Path) -> anyhow::Result<Self> {
        Ok(Self::of_shape(path, Shape::read(path)?))
    }

    /// Makes a source of a shape that was read from `path`.
    #[must_use]
    pub fn of_shape(path: &Path, shape: Shape) -> Self {
        Self::File { path: path.to_owned(), shape: Arc::new(shape) }
    }

    /// Makes `count` distinct tokens, the same in every process that asks. (Those of a file may repeat if a token has
    /// nothing in which it could differ.)
    #[must_use]
    pub fn corpus(&self, count: usize) -> Corpus {
        match self {
            Self::Fixture(fixture) => fixture.corpus(count),
            Self::File { shape, .. } => mint::corpus(shape, count),
        }
    }

    /// What sources are compared by.
    fn identity(&self) -> (Option<Fixture>, Option<&Path>) {
        match self {
            Self::Fixture(fixture) => (Some(*fixture), None),
            Self::File { path, .. } => (None, Some(path)),
        }
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Source {}

impl Hash for Source {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl FromStr for Source {
    type Err = anyhow::Error;

    /// Reads the name of a fixture, or the path of a corpus file.
    fn from_str(name: &str) -> anyhow::Result<Self> {
        match name.parse() {
            Ok(fixture) => Ok(Self::Fixture(fixture)),
            Err(_) if Path::new(name).exists() => Self::file(Path::new(name)),
            Err(unknown) => {
                anyhow::bail!("{unknown}, or the path of a corpus file as `perf-lab corpus import` writes it")
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixture(fixture) => fixture.fmt(f),
            Self::File { path, .. } => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
