//! The patches of the self-test: a header of a few lines, then what `git diff` printed.
//!
//! ```text
//! What: One more BLAKE3 hash of 32 bytes for each token.
//! Benchmark: verify_single
//! By: cpu
//! Costs: 8 to 15 %
//! Needs: avx512
//!
//! diff --git a/verifier/core/src/engine/stages.rs …
//! ```
//!
//! A line that begins with a blank goes on with the one before it. `What` is in every patch, `Benchmark`, `By` and
//! `Costs` in every one that must be caught, `Needs` where only some hosts feel it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::files::read_text;
use crate::host::Host;

const SUFFIX: &str = ".patch";

/// What a gate has to say about a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// The gate ends with a regression.
    MustCatch,
    /// The gate says nothing.
    MustNotAlarm,
}

impl Expectation {
    /// Both expectations.
    pub const ALL: [Self; 2] = [Self::MustCatch, Self::MustNotAlarm];

    /// Name of the folder of such patches, and of the expectation in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MustCatch => "must-catch",
            Self::MustNotAlarm => "must-not-alarm",
        }
    }
}

/// The quantity in which a cost is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Number of instructions, as counted by callgrind.
    Instructions,
    /// The time that the gate decides by: CPU time for one thread, wall time for several.
    Time,
    /// Wall time of one thread.
    Wall,
}

impl Measure {
    const ALL: [Self; 3] = [Self::Instructions, Self::Time, Self::Wall];

    /// The word for it in headers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Time => "time",
            Self::Wall => "wall",
        }
    }
}

/// What a patch that must be caught costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Name of the gated benchmark that gets slower.
    pub benchmark: String,
    /// The quantity in which it is measured.
    pub by: Measure,
    /// Least cost in percent.
    pub least_percent: f64,
    /// Largest cost in percent.
    pub most_percent: f64,
}

/// What a host must have for a patch to be felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The sixteen lanes of AVX-512.
    Avx512,
    /// More than one core.
    Cores,
}

impl Need {
    const ALL: [Self; 2] = [Self::Avx512, Self::Cores];

    /// The word for it in headers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Cores => "cores",
        }
    }

    /// Whether `host` has what is needed.
    #[must_use]
    pub fn is_met(self, host: &Host) -> bool {
        match self {
            Self::Avx512 => host.simd_path == "avx512",
            Self::Cores => host.cores > 1,
        }
    }
}

/// A patch with what its header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// Name of its file without the extension.
    pub name: String,
    /// What a gate has to say about it.
    pub kind: Expectation,
    /// What the patch does, as text for people.
    pub what: String,
    /// What the patch costs; `None` if it must cost nothing.
    pub cost: Option<Cost>,
    /// What a host must have for the patch to be felt.
    pub needs: Vec<Need>,
    /// Path of the patch.
    pub path: PathBuf,
    /// Digest of the whole file, by which trials of this text are recognised.
    pub digest: String,
}

impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{SUFFIX}", self.kind.name(), self.name)
    }
}

impl Patch {
    /// Reads a patch from its text.
    ///
    /// # Errors
    /// The header does not say what it must; the message names the line.
    pub fn parse(kind: Expectation, path: &Path, text: &str) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(SUFFIX).unwrap_or(&name).to_owned();
        let fields = Fields::read(text).map_err(|error| anyhow!("{}:{error}", path.display()))?;
        let header = || -> anyhow::Result<_> {
            let what = fields.required("What")?.to_owned();
            let cost = match kind {
                Expectation::MustCatch => Some(cost(&fields)?),
                Expectation::MustNotAlarm => {
                    let odd = ["Benchmark", "By", "Costs"].into_iter().find(|key| fields.get(key).is_some());
                    ensure!(odd.is_none(), "{} is for patches that must be caught", odd.unwrap_or_default());
                    None
                }
            };
            let needs = fields.get("Needs").map_or(Ok(Vec::new()), needs)?;
            Ok((what, cost, needs))
        };
        let (what, cost, needs) = header().with_context(|| path.display().to_string())?;
        let digest = blake3::hash(text.as_bytes()).to_hex().chars().take(16).collect();
        Ok(Self { name, kind, what, cost, needs, path: path.to_owned(), digest })
    }

    /// The first need that `host` does not meet; `None` if it meets all.
    #[must_use]
    pub fn unmet(&self, host: &Host) -> Option<Need> {
        self.needs.iter().copied().find(|need| !need.is_met(host))
    }
}

/// Reads all patches of a project from this folder of it, sorted by name within each kind, in turns of one that must be
/// caught and one that must not alarm: a run that ends early has then tried as many of both.
///
/// # Errors
/// A folder or file cannot be read, a header does not say what it must, or two patches have the same name.
pub fn read_all(root: &Path, folder: &str) -> anyhow::Result<Vec<Patch>> {
    let [catch, alarm] = Expectation::ALL.map(|kind| read_kind(&root.join(folder), kind));
    let (mut catch, mut alarm) = (catch?.into_iter(), alarm?.into_iter());
    let mut patches = Vec::new();
    loop {
        let before = patches.len();
        patches.extend(catch.next());
        patches.extend(alarm.next());
        if patches.len() == before {
            break;
        }
    }
    let twin = patches
        .iter()
        .enumerate()
        .find(|(at, patch): &(usize, &Patch)| patches.iter().take(*at).any(|other: &Patch| other.name == patch.name));
    if let Some((_, patch)) = twin {
        bail!("{patch}: there is another patch of that name; give it one of its own");
    }
    Ok(patches)
}

fn read_kind(patches: &Path, kind: Expectation) -> anyhow::Result<Vec<Patch>> {
    let folder = patches.join(kind.name());
    let failed = || format!("could not read {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        if path.to_string_lossy().ends_with(SUFFIX) {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    let read = |path: &PathBuf| Patch::parse(kind, path, &read_text(path, "a patch")?);
    paths.iter().map(read).collect()
}

/// Names and values of a header's fields, in order.
struct Fields(Vec<(String, String)>);

impl Fields {
    const KNOWN: [&str; 5] = ["What", "Benchmark", "By", "Costs", "Needs"];

    /// Reads all lines before the diff. An error begins with the number of its line.
    fn read(text: &str) -> Result<Self, String> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if line.starts_with("diff --git ") {
                return Ok(Self(fields));
            }
            let known = |key: &str| fields.iter().any(|(known, _)| known == key);
            match line.split_once(": ") {
                _ if line.is_empty() => {}
                _ if line.starts_with(' ') => match fields.last_mut() {
                    Some((_, value)) => {
                        value.push(' ');
                        value.push_str(line.trim());
                    }
                    None => return Err(format!("{number}: there is no line that this goes on with")),
                },
                Some((key, _)) if known(key) => return Err(format!("{number}: {key} is there twice")),
                Some((key, value)) if Self::KNOWN.contains(&key) => {
                    fields.push((key.to_owned(), value.trim().to_owned()));
                }
                _ => return Err(format!("{number}: {line:?}; expected one of {}", Self::KNOWN.join(", "))),
            }
        }
        Err("1: no line begins with \"diff --git\"; expected a header, then what git diff prints".to_owned())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    fn required(&self, key: &str) -> anyhow::Result<&str> {
        self.get(key).filter(|value| !value.is_empty()).with_context(|| format!("the header has no {key}"))
    }
}

fn cost(fields: &Fields) -> anyhow::Result<Cost> {
    let by = fields.required("By")?;
    let by = Measure::ALL
        .into_iter()
        .find(|measure| measure.name() == by)
        .with_context(|| format!("By is {by:?}; expected one of {}", Measure::ALL.map(Measure::name).join(", ")))?;
    let costs = fields.required("Costs")?;
    let range = costs.strip_suffix('%').and_then(|range| range.split_once(" to "));
    let range = range.and_then(|(least, most)| Some((least.trim().parse().ok()?, most.trim().parse().ok()?)));
    let Some((least_percent, most_percent)) = range.filter(|(least, most): &(f64, f64)| least <= most) else {
        bail!("Costs is {costs:?}; expected a range such as 8 to 15 %");
    };
    Ok(Cost { benchmark: fields.required("Benchmark")?.to_owned(), by, least_percent, most_percent })
}

fn needs(list: &str) -> anyhow::Result<Vec<Need>> {
    let need = |name: &str| {
        Need::ALL
            .into_iter()
            .find(|need| need.name() == name)
            .with_context(|| format!("Needs has {name:?}; expected any of {}", Need::ALL.map(Need::name).join(", ")))
    };
    list.split(',').map(|name| need(name.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests::laptop as host;

    const HEADER: &str =
        "What: One more hash\n  for each token.\nBenchmark: verify_single\nBy: time\nCosts: 8 to 15 %\n";
    const DIFF: &str = "\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

    fn parse(kind: Expectation, header: &str) -> anyhow::Result<Patch> {
        Patch::parse(kind, Path::new("some/where/extra-hash.patch"), &format!("{header}{DIFF}"))
    }

    #[test]
    fn a_header_says_what_a_patch_does_and_costs() {
        let patch = parse(Expectation::MustCatch, &format!("{HEADER}Needs: avx512, cores\n")).unwrap();
        assert_eq!((patch.name.as_str(), patch.what.as_str()), ("extra-hash", "One more hash for each token."));
        let cost = patch.cost.clone().unwrap();
        assert_eq!((cost.benchmark.as_str(), cost.by), ("verify_single", Measure::Time));
        assert_eq!((cost.least_percent, cost.most_percent), (8.0, 15.0));
        assert_eq!(patch.needs, [Need::Avx512, Need::Cores]);
        assert_eq!(patch.to_string(), "must-catch/extra-hash.patch");
        let other = Patch::parse(Expectation::MustCatch, &patch.path, &format!("{HEADER}{DIFF} ")).unwrap();
        assert_ne!(other.digest, patch.digest);
    }

    #[test]
    fn what_a_host_lacks_is_named() {
        let patch = parse(Expectation::MustCatch, &format!("{HEADER}Needs: cores, avx512\n")).unwrap();
        let here = |simd_path: &str| Host { cores: 2, simd_path: simd_path.to_owned(), ..host() };
        assert_eq!(patch.unmet(&here("avx512")), None);
        assert_eq!(patch.unmet(&here("avx2")), Some(Need::Avx512));
        assert_eq!(patch.unmet(&Host { cores: 1, ..here("avx2") }), Some(Need::Cores));
    }

    #[test]
    fn what_is_wrong_with_a_header_is_said_with_its_file() {
        let message = |kind, header: &str| format!("{:#}", parse(kind, header).unwrap_err());
        let place = "some/where/extra-hash.patch";
        assert_eq!(message(Expectation::MustNotAlarm, ""), format!("{place}: the header has no What"));
        assert_eq!(
            message(Expectation::MustCatch, "What: x\nPrice: 8\n"),
            format!("{place}:2: \"Price: 8\"; expected one of What, Benchmark, By, Costs, Needs")
        );
        assert_eq!(message(Expectation::MustCatch, "What: x\nWhat: y\n"), format!("{place}:2: What is there twice"));
        for (from, to, expected) in [
            ("By: time", "By: sight", "By is \"sight\"; expected one of instructions, time, wall"),
            ("8 to 15 %", "15 to 8 %", "Costs is \"15 to 8 %\"; expected a range such as 8 to 15 %"),
            ("8 to 15 %", "much", "Costs is \"much\"; expected a range such as 8 to 15 %"),
            ("Benchmark: verify_single\n", "", "the header has no Benchmark"),
            ("By: time", "By: time\nNeeds: luck", "Needs has \"luck\"; expected any of avx512, cores"),
        ] {
            assert_eq!(message(Expectation::MustCatch, &HEADER.replace(from, to)), format!("{place}: {expected}"));
        }
        assert_eq!(
            message(Expectation::MustNotAlarm, HEADER),
            format!("{place}: Benchmark is for patches that must be caught")
        );
        let error = Patch::parse(Expectation::MustNotAlarm, Path::new(place), "What: x\n").unwrap_err().to_string();
        assert!(error.starts_with(&format!("{place}:1: no line begins with")), "{error}");
    }
}
