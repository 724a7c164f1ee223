//! `fairbench.toml`, found from the working directory upwards.
//!
//! | section | says |
//! |---|---|
//! | `[probe]` | what is built to be compared: [`ProbeRecipe`] |
//! | `[gate]` | by which levels, how sure, in how much time: [`GateConfig`] |
//! | `[baseline]` | what benchmarks are related to: [`Baselines`] |
//! | `[selftest]` | what the gate is tested with: [`Selftest`] |

mod gate;
mod recipe;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::Deserialize;

use crate::files::{read_text, read_toml};

pub use gate::{GateConfig, Override};
pub use recipe::ProbeRecipe;

/// Name of the file with the settings.
pub const FILE: &str = "fairbench.toml";
const EXPECTED: &str = "settings as the head of fairbench.toml describes them";

/// The settings of a project.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is built to be compared. If it is `None`, only finished programs can be compared.
    #[serde(default)]
    pub probe: Option<ProbeRecipe>,
    /// How the gate judges.
    #[serde(default)]
    pub gate: GateConfig,
    /// What benchmarks are related to.
    #[serde(default)]
    pub baseline: Baselines,
    /// What the gate is tested with.
    #[serde(default)]
    pub selftest: Selftest,
}

/// The section `[baseline]` of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baselines {
    /// The side that times are related to, such as a probe of the least work that each case can be.
    #[serde(default)]
    pub floor: Option<String>,
}

/// The section `[selftest]` of the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selftest {
    /// Features of the probe that all trials are about.
    #[serde(default)]
    pub features: Option<Vec<String>>,
    /// Features of the same probe with a function more that nobody calls, which moves all code.
    #[serde(default)]
    pub unused_function_features: Option<Vec<String>>,
    /// The Criterion benches that are compared with the gate.
    #[serde(default)]
    pub criterion: Option<CriterionBenches>,
    /// The patches of `selftest --source`.
    #[serde(default)]
    pub source: Option<SourcePatches>,
}

/// The section `[selftest.criterion]` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CriterionBenches {
    /// Name of the package.
    pub package: String,
    /// Name of the bench target.
    pub bench: String,
    /// Features that it is built with.
    #[serde(default)]
    pub features: Vec<String>,
    /// Those of its benchmarks that the gate judges as well.
    pub benchmarks: Vec<String>,
}

/// The section `[selftest.source]` of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePatches {
    /// The folder with the patches, from the root of the project: `must-catch` and `must-not-alarm` are in it.
    pub patches: String,
    /// What else is left out of the tree under test, since it may change while a run is under way.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// A source file that no patch touches: a comment at its end makes a revision that nobody has built.
    pub untouched: String,
}

/// The folder of the nearest settings, from the working directory upwards.
#[must_use]
pub fn root() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().find(|folder| folder.join(FILE).is_file()).map(Path::to_path_buf)
}

impl Settings {
    /// Reads the settings from a file.
    ///
    /// # Errors
    /// The file is missing or unreadable, has an unknown key, or a value out of its range: with file and line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let settings: Self = read_toml(path, EXPECTED)?;
        checked(&settings.gate, path)?;
        Ok(settings)
    }
}

/// Reads how the gate judges from a file: the section `[gate]` of one like `fairbench.toml`, or a file that holds only
/// these settings.
///
/// # Errors
/// The errors of [`Settings::read`].
pub fn read_gate(path: &Path) -> anyhow::Result<GateConfig> {
    let text = read_text(path, EXPECTED)?;
    let sections = ["probe", "gate", "baseline", "selftest"];
    let has_sections =
        text.parse::<toml::Table>().is_ok_and(|table| sections.iter().any(|name| table.contains_key(*name)));
    if has_sections {
        return Ok(Settings::read(path)?.gate);
    }
    let gate: GateConfig = read_toml(path, EXPECTED)?;
    checked(&gate, path)?;
    Ok(gate)
}

/// Checks the values, and names the line of the file in which one is out of its range.
fn checked(gate: &GateConfig, path: &Path) -> anyhow::Result<()> {
    gate.check().map_err(|error| {
        let message = error.to_string();
        let key = message.split(' ').next().unwrap_or_default();
        let text = read_text(path, EXPECTED).unwrap_or_default();
        let line = text.lines().position(|line| line.split('=').next().is_some_and(|name| name.trim() == key));
        match line {
            Some(line) => anyhow!("{}:{}: {message}", path.display(), line + 1),
            None => anyhow!("{}: {message}", path.display()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Settings> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        std::fs::write(&path, text).unwrap();
        Settings::read(&path)
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(read("").unwrap(), Settings::default());
    }

    #[test]
    fn what_is_built_is_a_package_and_what_else_it_says() {
        let recipe = read("[probe]\npackage = \"p\"\n").unwrap().probe.unwrap();
        assert_eq!((recipe.program(), recipe.folder()), ("p", None));
        let text = "[probe]\npackage = \"p\"\nprogram = \"q\"\nharness = [\"a/p\", \"a/kit\"]\n";
        let recipe = read(text).unwrap().probe.unwrap();
        assert_eq!((recipe.program(), recipe.folder()), ("q", Some("a/p")));
    }

    #[test]
    fn an_unknown_key_and_an_impossible_value_are_named_with_file_and_line() {
        let message = |text: &str| read(text).unwrap_err().to_string();
        let unknown = message("[probe]\npackage = \"p\"\npackages = 1\n");
        assert!(unknown.contains("fairbench.toml:3: unknown field `packages`"), "{unknown}");
        let unknown = message("[gates]\n");
        assert!(unknown.contains("fairbench.toml:1: unknown field `gates`"), "{unknown}");
        let impossible = message("[gate]\nwarn_percent = 5.0\nfail_percent = 4.0\n");
        assert!(impossible.ends_with("fairbench.toml:3: fail_percent is 4; expected 5 to 1000"), "{impossible}");
    }

    #[test]
    fn a_file_with_the_settings_of_the_gate_alone_is_read_as_well() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gate.toml");
        for text in ["warn_percent = 3.0\n", "[gate]\nwarn_percent = 3.0\n"] {
            std::fs::write(&path, text).unwrap();
            assert!((read_gate(&path).unwrap().warn_percent - 3.0).abs() < 1e-12);
        }
        std::fs::write(&path, "\nwarn = 3.0\n").unwrap();
        assert!(read_gate(&path).unwrap_err().to_string().contains("gate.toml:2: unknown field `warn`"));
    }
}
