//! Tripwires: limits that no change may cross, whoever measures.
//!
//! An absolute one belongs to a named host and binds only there. Everywhere else a tripwire is a ratio, to `plain` or
//! to the floor, of the same run. Ratios depend on the machine too, though less: one may bind on hosts of some SIMD
//! paths alone.

pub mod gate;

use std::path::Path;

use anyhow::{anyhow, bail, ensure};
use fairbench::files::read_toml;
use fairbench::host::Host;
use fairbench::missing::Missing;
use fairbench_probe::environment::SIMD_PATHS;
use serde::Deserialize;

use crate::catalogue::Knobs;
use crate::catalogue::available::hindrance;
use crate::run::{ArmKind, ComparisonGroup, Panel};
use crate::sweep::row::CsvRow;

/// The content of the file `tripwires.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tripwires {
    /// Limits on times, each for one host.
    #[serde(default)]
    pub absolute: Vec<Absolute>,
    /// Limits on ratios, for every host.
    #[serde(default)]
    pub ratio: Vec<RatioLimit>,
}

/// A limit on the time of one call, on one host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absolute {
    /// Name of the Criterion benchmark and of the tripwire.
    pub name: String,
    /// Longest time of one call, in microseconds.
    pub limit_us: f64,
    /// The host on which it binds.
    pub host: BoundTo,
    /// The cell of the lab that does the same work.
    pub cell: CellName,
}

/// The host that an absolute tripwire binds on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundTo {
    /// A part of the CPU's model name.
    pub cpu: String,
    /// Number of threads of the rayon pool.
    pub rayon_threads: usize,
}

/// A cell measured on one thread at default knobs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellName {
    /// Name of the variant.
    pub variant: String,
    /// Name of the fixture.
    pub fixture: String,
    /// Number of tokens per call.
    pub batch: usize,
}

/// A limit on a ratio.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatioLimit {
    /// Name of the tripwire.
    pub name: String,
    /// The cell that is measured.
    pub cell: CellName,
    /// The SIMD paths of the hosts that it binds on; `None` for every host.
    pub simd_paths: Option<Vec<String>>,
    /// Least value of time of `plain` / time of the cell.
    pub speedup_over_plain_at_least: Option<f64>,
    /// Largest value of time of the cell / time of `plain`. It is for `classic`, a yardstick that must not get slow.
    pub ratio_to_plain_at_most: Option<f64>,
    /// Largest value of time of the cell / time of the floor.
    pub ratio_to_floor_at_most: Option<f64>,
}

/// The state of a tripwire.
#[derive(Clone, Debug, PartialEq)]
pub enum TripwireState {
    /// The limit is kept, or not shown to be crossed.
    Holds,
    /// The limit is crossed, beyond the noise.
    Broken,
    /// The limit does not bind here.
    Elsewhere,
    /// The sweep did not measure its cell.
    NotMeasured,
}

/// A tripwire with its state.
#[derive(Clone, Debug)]
pub struct JudgedTripwire {
    /// Name of the tripwire.
    pub name: String,
    /// The limit, in words.
    pub limit: String,
    /// What was measured, in words.
    pub measured: String,
    /// State of the tripwire.
    pub state: TripwireState,
}

impl BoundTo {
    /// Whether `host` is the one.
    #[must_use]
    pub fn is(&self, host: &Host) -> bool {
        host.cpu.contains(&self.cpu) && host.rayon_threads == self.rayon_threads
    }
}

impl CellName {
    fn find<'r>(&self, rows: &'r [CsvRow]) -> Option<&'r CsvRow> {
        rows.iter().find(|row| {
            row.is_default_variant()
                && row.threads == 1
                && row.variant == self.variant
                && row.fixture == self.fixture
                && row.batch_tokens == self.batch
        })
    }

    /// Says that a cell was not measured and, if it could not be, why.
    fn not_available(&self) -> String {
        hindrance(&self.variant).map_or_else(|| "n/a".to_owned(), |reason| format!("n/a: {reason}"))
    }

    fn is_in(&self, group: &ComparisonGroup) -> bool {
        group.arms.iter().any(|arm| {
            arm.kind == ArmKind::Variant
                && arm.variant == self.variant
                && (&arm.point.corpus, arm.point.batch) == (&self.fixture, self.batch)
                && arm.point.knobs == Knobs::defaults(1)
        })
    }

    fn check(&self, path: &Path, tripwire: &str) -> anyhow::Result<()> {
        let place = |error: String| anyhow!("{}: tripwire {tripwire:?}: {error}", path.display());
        ron_auth_catalogue::find(&self.variant).map_err(|error| place(error.to_string()))?;
        self.fixture.parse::<ron_auth_fixtures::Fixture>().map_err(|error| place(error.to_string()))?;
        Ok(())
    }
}

impl Tripwires {
    /// Reads the tripwires from their file.
    ///
    /// # Errors
    /// The file is missing, unreadable or says something else than its comments describe.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let tripwires: Self = read_toml(path, "tripwires as baselines/tripwires.toml describes them")?;
        for absolute in &tripwires.absolute {
            absolute.cell.check(path, &absolute.name)?;
        }
        for ratio in &tripwires.ratio {
            ratio.cell.check(path, &ratio.name)?;
            let limits =
                [ratio.speedup_over_plain_at_least, ratio.ratio_to_plain_at_most, ratio.ratio_to_floor_at_most];
            ensure!(
                limits.iter().flatten().count() == 1,
                "{}: tripwire {:?}: expected exactly one of speedup_over_plain_at_least, ratio_to_plain_at_most and \
                 ratio_to_floor_at_most",
                path.display(),
                ratio.name
            );
            let unknown = ratio.simd_paths.iter().flatten().find(|path| !SIMD_PATHS.contains(&path.as_str()));
            if let Some(unknown) = unknown {
                let (path, name) = (path.display(), &ratio.name);
                let known = SIMD_PATHS.join(", ");
                bail!("{path}: tripwire {name:?}: simd_paths has {unknown:?}; expected any of {known}");
            }
        }
        Ok(tripwires)
    }

    /// Names of the tripwires that bind on this host, in this build.
    #[must_use]
    pub fn binding(&self, host: &Host) -> Vec<&str> {
        if host.build != "release" {
            return Vec::new();
        }
        let ratios = self.ratio.iter().filter(|ratio| ratio.binds(host)).map(|ratio| ratio.name.as_str());
        let absolute = self.absolute.iter().filter(|absolute| absolute.binds(host));
        ratios.chain(absolute.map(|absolute| absolute.name.as_str())).collect()
    }

    /// Whether a sweep of these panels would measure the cell of the tripwire of this name.
    #[must_use]
    pub fn is_planned(&self, name: &str, panels: &[Panel]) -> bool {
        let ratios = self.ratio.iter().map(|ratio| (&ratio.name, &ratio.cell));
        let absolute = self.absolute.iter().map(|absolute| (&absolute.name, &absolute.cell));
        let mut cells = ratios.chain(absolute).filter(|(own, _)| *own == name);
        cells.any(|(_, cell)| panels.iter().flat_map(|panel| &panel.groups).any(|group| cell.is_in(group)))
    }

    /// The most that this cell may take of `plain`'s time on this host, by the strictest limit that binds there.
    #[must_use]
    pub fn most_of_plain(&self, host: &Host, cell: &CellName) -> Option<f64> {
        let binding = self.ratio.iter().filter(|ratio| ratio.cell == *cell && ratio.binds(host));
        binding.filter_map(|ratio| ratio.ratio_to_plain_at_most).reduce(f64::min)
    }

    /// Names of all tripwires.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let ratios = self.ratio.iter().map(|ratio| ratio.name.clone());
        ratios.chain(self.absolute.iter().map(|absolute| absolute.name.clone())).collect()
    }

    /// Judges the rows of a sweep. In a debug build nothing binds, since its numbers mean nothing.
    #[must_use]
    pub fn judge(&self, host: &Host, rows: &[CsvRow]) -> Vec<JudgedTripwire> {
        let mut judged: Vec<JudgedTripwire> = self.ratio.iter().map(|ratio| ratio.judge(host, rows)).collect();
        judged.extend(self.absolute.iter().map(|absolute| absolute.judge(host, rows)));
        if host.build != "release" {
            judged.iter_mut().for_each(|judged| judged.state = TripwireState::Elsewhere);
        }
        judged
    }
}

/// The tripwires that bind here and were not measured.
#[must_use]
pub fn unmeasured(judged: &[JudgedTripwire]) -> Vec<Missing> {
    let unmeasured = judged.iter().filter(|judged| judged.state == TripwireState::NotMeasured);
    let missing = |judged: &JudgedTripwire| {
        let what = format!("the tripwire {:?} ({}) binds here and was not measured", judged.name, judged.limit);
        Missing::new(&judged.name, what)
    };
    unmeasured.map(missing).collect()
}

impl RatioLimit {
    /// Whether the limit binds on this host.
    #[must_use]
    pub fn binds(&self, host: &Host) -> bool {
        self.simd_paths.as_ref().is_none_or(|paths| paths.contains(&host.simd_path))
    }

    fn judge(&self, host: &Host, rows: &[CsvRow]) -> JudgedTripwire {
        let row = self.cell.find(rows);
        // A limit is crossed when the whole interval lies beyond it: noise alone breaks no tripwire.
        let (limit, measured) = match (self.speedup_over_plain_at_least, self.ratio_to_plain_at_most) {
            (Some(least), _) => (
                format!("at least {least} times as fast as plain"),
                row.map(|row| row.to_plain().inverse()).map(|speedup| (speedup, speedup.upper < least)),
            ),
            (None, Some(most)) => (
                format!("at most {most} of plain's time"),
                row.map(CsvRow::to_plain).map(|ratio| (ratio, ratio.lower > most)),
            ),
            (None, None) => {
                let most = self.ratio_to_floor_at_most.unwrap_or(f64::INFINITY);
                (
                    format!("at most {most} times the floor"),
                    row.and_then(CsvRow::to_floor).map(|ratio| (ratio, ratio.lower > most)),
                )
            }
        };
        JudgedTripwire {
            name: self.name.clone(),
            limit: match &self.simd_paths {
                None => limit,
                Some(paths) => format!("{limit}, with {}", paths.join(" or ")),
            },
            measured: measured.map_or_else(
                || self.cell.not_available(),
                |(ratio, _)| format!("{:.2} ({:.2}–{:.2})", ratio.estimate, ratio.lower, ratio.upper),
            ),
            state: match measured {
                _ if !self.binds(host) => TripwireState::Elsewhere,
                None => TripwireState::NotMeasured,
                Some((_, true)) => TripwireState::Broken,
                Some((_, false)) => TripwireState::Holds,
            },
        }
    }
}

impl Absolute {
    /// Whether the limit binds on this host.
    #[must_use]
    pub fn binds(&self, host: &Host) -> bool {
        self.host.is(host)
    }

    fn judge(&self, host: &Host, rows: &[CsvRow]) -> JudgedTripwire {
        let call_us = self.cell.find(rows).map(|row| row.time_median_ns_per_token * self.cell.batch as f64 / 1e3);
        JudgedTripwire {
            name: self.name.clone(),
            limit: format!(
                "at most {} µs on {} with {} threads",
                self.limit_us, self.host.cpu, self.host.rayon_threads
            ),
            measured: call_us.map_or_else(|| self.cell.not_available(), |us| format!("{us:.2} µs")),
            state: match call_us {
                _ if !self.binds(host) => TripwireState::Elsewhere,
                None => TripwireState::NotMeasured,
                Some(us) if us > self.limit_us => TripwireState::Broken,
                Some(_) => TripwireState::Holds,
            },
        }
    }
}

#[cfg(test)]
mod tests;
