//! Corpora by name: fixtures, and files that `cargo lab corpus import` made of a service's own tokens.

use std::fmt;
use std::str::FromStr;

use ron_auth_fixtures::{Corpus, Fixture};

/// Where the tokens of a corpus come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A fixture.
    Fixture(Fixture),
}

impl Source {
    /// `count` distinct tokens, the same in every process that asks.
    #[must_use]
    pub fn corpus(&self, count: usize) -> Corpus {
        match self {
            Self::Fixture(fixture) => fixture.corpus(count),
        }
    }
}

impl FromStr for Source {
    type Err = anyhow::Error;

    /// The name of a fixture, or the path of a corpus file.
    fn from_str(name: &str) -> anyhow::Result<Self> {
        Ok(Self::Fixture(name.parse()?))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixture(fixture) => fixture.fmt(f),
        }
    }
}
