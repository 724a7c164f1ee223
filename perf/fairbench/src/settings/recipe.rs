//! What is built of a project to be compared.

use serde::{Deserialize, Serialize};

/// The section `[probe]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeRecipe {
    /// The package whose program is the probe.
    pub package: String,
    /// The program; called as the package is, if this says nothing.
    #[serde(default)]
    program: Option<String>,
    /// Its twin under an allocator that counts, if there is one.
    #[serde(default)]
    pub counting_program: Option<String>,
    /// Features in place of the package's default ones.
    #[serde(default)]
    pub features: Option<Vec<String>>,
    /// Folders, from the root of the project, that are put into the tree of every revision: so all are run by the same
    /// harness, and revisions from before there was one can be compared. The first is that of the package.
    #[serde(default)]
    pub harness: Vec<String>,
}

impl ProbeRecipe {
    /// The program.
    #[must_use]
    pub fn program(&self) -> &str {
        self.program.as_deref().unwrap_or(&self.package)
    }

    /// The folder of the package, if it is part of a harness.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.harness.first().map(String::as_str)
    }
}
