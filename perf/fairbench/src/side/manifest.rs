//! The record beside a finished program: what it was built from, how, and with what result.
//!
//! It lies outside the program, since a mark within would make programs differ whose code is the same. Before a program
//! is started it is held against its record, and the record against what was asked for.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::circumstances::{Circumstances, value_of};
use super::code;
use super::program::Program;
use crate::files::{read_json, write_whole};

/// Name and version of the format of a record.
const FORMAT: &str = "perf-lab build v1";
/// Name of the record's file, beside its programs.
pub(super) const FILE: &str = "manifest.json";

/// The record of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name and version of the format: [`FORMAT`].
    format: String,
    /// Digest of the tree and of all circumstances, which together are what was asked for.
    pub key: String,
    /// Digest of the files that it was built from.
    pub tree: String,
    /// The commit that was built, with `-dirty` appended for a working tree with changes; `None` without git.
    pub revision: Option<String>,
    /// Circumstances of the build.
    pub circumstances: Circumstances,
    /// Variables that code or build scripts of the tree read while it was built, with digests of their values.
    watched: BTreeMap<String, String>,
    /// The programs that were built, by the name of the file.
    pub programs: BTreeMap<String, Program>,
    /// Files that went into the programs, each with a digest of its code.
    sources: BTreeMap<String, String>,
}

/// Two sides that were built, held against each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Likeness {
    /// Whether both programs load the same sections.
    pub equal_programs: bool,
    /// Files whose code differs, of those that went into either program.
    pub differing_sources: Vec<String>,
    /// Circumstances in which the builds of the sides differ.
    pub built_differently: Vec<String>,
    /// Digests of what the programs of base and candidate load, if they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programs: Option<[String; 2]>,
}

/// The digest of a request for this tree, built in these circumstances.
pub(super) fn key(tree: &str, circumstances: &Circumstances) -> String {
    blake3::hash(format!("{FORMAT}\n{tree}\n{}", circumstances.digest()).as_bytes()).to_hex().to_string()
}

impl Manifest {
    /// Makes the record of programs that have just been built in `root`.
    ///
    /// # Errors
    /// A program or a source cannot be read.
    pub(super) fn new(
        tree: String,
        revision: Option<String>,
        circumstances: Circumstances,
        programs: BTreeMap<String, Program>,
        root: &Path,
        sources: &[String],
        watched: impl IntoIterator<Item = String>,
    ) -> anyhow::Result<Self> {
        let source = |name: &String| -> anyhow::Result<(String, String)> {
            let path = root.join(name);
            let content = std::fs::read(&path).with_context(|| path.display().to_string())?;
            Ok((name.clone(), code::digest(name, &content)))
        };
        Ok(Self {
            format: FORMAT.to_owned(),
            key: key(&tree, &circumstances),
            tree,
            revision,
            circumstances,
            watched: watched.into_iter().map(|name| (name.clone(), value_of(name.as_ref()))).collect(),
            programs,
            sources: sources.iter().map(source).collect::<Result<_, _>>()?,
        })
    }

    /// Reads the record in a directory; `None` if there is none, or one of another version of fairbench.
    ///
    /// # Errors
    /// The file is not a record.
    pub(super) fn read(directory: &Path) -> anyhow::Result<Option<Self>> {
        let path = directory.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let value: serde_json::Value = read_json(&path, "the record of a build")?;
        if value.get("format").and_then(serde_json::Value::as_str) != Some(FORMAT) {
            return Ok(None);
        }
        let manifest = serde_json::from_value(value)
            .with_context(|| format!("{}: expected the record of a build; `clean` drops it", path.display()))?;
        Ok(Some(manifest))
    }

    /// Writes the record beside its programs.
    pub(super) fn write(&self, directory: &Path) -> anyhow::Result<()> {
        write_whole(&directory.join(FILE), serde_json::to_vec_pretty(self)?)
    }

    /// Whether the variables that the build read have the same values now.
    pub(super) fn is_of_this_environment(&self) -> bool {
        self.watched.iter().all(|(name, value)| value_of(name.as_ref()) == *value)
    }

    /// A digest of the variables that the build read, with their values.
    pub(super) fn digest_of_watched(&self) -> String {
        let mut identity = blake3::Hasher::new();
        for (name, value) in &self.watched {
            identity.update(name.as_bytes()).update(&[0]).update(value.as_bytes()).update(&[0]);
        }
        identity.finalize().to_hex().to_string()
    }

    /// Compares two records, by the program of this name.
    #[must_use]
    pub fn likeness(&self, other: &Self, program: &str) -> Likeness {
        let loaded = |manifest: &Self| manifest.programs.get(program).map(|program| program.loaded.clone());
        let names = self.sources.keys().chain(other.sources.keys().filter(|name| !self.sources.contains_key(*name)));
        let differs = |name: &&String| self.sources.get(*name) != other.sources.get(*name);
        Likeness {
            equal_programs: loaded(self).is_some() && loaded(self) == loaded(other),
            differing_sources: names.filter(differs).cloned().collect(),
            built_differently: self.circumstances.differing_from(&other.circumstances),
            programs: loaded(self).zip(loaded(other)).map(<[String; 2]>::from),
        }
    }
}
