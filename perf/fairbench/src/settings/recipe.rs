//! The recipe by which a project's probe is built.

use serde::{Deserialize, Serialize};

/// The section `[probe]` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeRecipe {
    /// The package whose program is the probe.
    pub package: String,
    /// Name of the program; `None` if it is called as the package is.
    #[serde(default)]
    program: Option<String>,
    /// Name of its twin under a counting allocator; `None` if there is none.
    #[serde(default)]
    pub counting_program: Option<String>,
    /// Features in place of the package's default ones.
    #[serde(default)]
    pub features: Option<Vec<String>>,
    /// Folders, from the root of the workspace, that are put into the tree of every revision: so all are run by the
    /// same harness, and revisions from before there was one can be compared. The first is that of the package.
    #[serde(default)]
    pub harness: Vec<String>,
}

impl ProbeRecipe {
    /// Name of the program.
    #[must_use]
    pub fn program(&self) -> &str {
        self.program.as_deref().unwrap_or(&self.package)
    }

    /// Folder of the package; `None` if it is not part of a harness.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.harness.first().map(String::as_str)
    }
}
