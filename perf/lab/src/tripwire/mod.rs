//! Tripwires: limits that no change may cross, whoever measures.
//!
//! An absolute one belongs to a named host and binds only there. Everywhere else a tripwire is a ratio, to `plain` or
//! to the floor, of the same run.

pub mod gate;

use std::path::Path;

use anyhow::{anyhow, ensure};
use fairbench::files::read_toml;
use fairbench::host::Host;
use fairbench::missing::Missing;
use serde::Deserialize;

use crate::catalogue::Knobs;
use crate::catalogue::available::hindrance;
use crate::run::{Contest, Kind, Panel};
use crate::sweep::row::Row;

/// The file `tripwires.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tripwires {
    /// Limits on times, each for one host.
    #[serde(default)]
    pub absolute: Vec<Absolute>,
    /// Limits on ratios, for every host.
    #[serde(default)]
    pub ratio: Vec<Ratio>,
}

/// A limit on the time of one call, on one host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absolute {
    /// Name of the Criterion benchmark, and of the tripwire.
    pub name: String,
    /// Longest time of one call, in microseconds.
    pub limit_us: f64,
    /// Where it binds.
    pub host: BoundTo,
    /// The cell of the lab that does the same work.
    pub cell: CellName,
}

/// The host that an absolute tripwire binds on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundTo {
    /// Part of the CPU's model name.
    pub cpu: String,
    /// Threads of the rayon pool.
    pub rayon_threads: usize,
}

/// A cell measured on one thread at default knobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellName {
    /// Variant.
    pub variant: String,
    /// Fixture.
    pub fixture: String,
    /// Tokens per call.
    pub batch: usize,
}

/// A limit on a ratio.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Name of the tripwire.
    pub name: String,
    /// What is measured.
    pub cell: CellName,
    /// Time of `plain` / time of the cell is at least this.
    pub speedup_over_plain_at_least: Option<f64>,
    /// Time of the cell / time of `plain` is at most this. For `classic`: the yardstick must not get slow.
    pub ratio_to_plain_at_most: Option<f64>,
    /// Time of the cell / time of the floor is at most this.
    pub ratio_to_floor_at_most: Option<f64>,
}

/// How a tripwire stands.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// The limit is kept, or not shown to be crossed.
    Holds,
    /// The limit is crossed, beyond the noise.
    Broken,
    /// Does not bind here.
    Elsewhere,
    /// The sweep did not measure its cell.
    NotMeasured,
}

/// A tripwire, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// The limit, in words.
    pub limit: String,
    /// What was measured, in words.
    pub measured: String,
    /// What follows.
    pub state: State,
}

impl BoundTo {
    /// Whether this is the host.
    #[must_use]
    pub fn is(&self, host: &Host) -> bool {
        host.cpu.contains(&self.cpu) && host.rayon_threads == self.rayon_threads
    }
}

impl CellName {
    fn find<'r>(&self, rows: &'r [Row]) -> Option<&'r Row> {
        rows.iter().find(|row| {
            row.is_default_variant()
                && row.threads == 1
                && row.variant == self.variant
                && row.fixture == self.fixture
                && row.batch_tokens == self.batch
        })
    }

    /// For a cell that was not measured: why it could not be, if it could not.
    fn not_available(&self) -> String {
        hindrance(&self.variant).map_or_else(|| "n/a".to_owned(), |reason| format!("n/a: {reason}"))
    }

    fn is_in(&self, contest: &Contest) -> bool {
        contest.seats.iter().any(|seat| {
            seat.kind == Kind::Variant
                && seat.variant == self.variant
                && (&seat.point.corpus, seat.point.batch) == (&self.fixture, self.batch)
                && seat.point.knobs == Knobs::defaults(1)
        })
    }

    fn check(&self, path: &Path, tripwire: &str) -> anyhow::Result<()> {
        let place = |error: String| anyhow!("{}: tripwire {tripwire:?}: {error}", path.display());
        ron_auth_variants::find(&self.variant).map_err(|error| place(error.to_string()))?;
        self.fixture.parse::<ron_auth_fixtures::Fixture>().map_err(|error| place(error.to_string()))?;
        Ok(())
    }
}

impl Tripwires {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that is missing, unreadable or says something else than its comments describe.
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
        }
        Ok(tripwires)
    }

    /// Names of those that bind on this host, in this build.
    #[must_use]
    pub fn binding(&self, host: &Host) -> Vec<&str> {
        if host.build != "release" {
            return Vec::new();
        }
        let ratios = self.ratio.iter().map(|ratio| ratio.name.as_str());
        let absolute = self.absolute.iter().filter(|absolute| absolute.binds(host));
        ratios.chain(absolute.map(|absolute| absolute.name.as_str())).collect()
    }

    /// Whether a sweep of these panels would measure what the tripwire of this name is about.
    #[must_use]
    pub fn is_planned(&self, name: &str, panels: &[Panel]) -> bool {
        let ratios = self.ratio.iter().map(|ratio| (&ratio.name, &ratio.cell));
        let absolute = self.absolute.iter().map(|absolute| (&absolute.name, &absolute.cell));
        let mut cells = ratios.chain(absolute).filter(|(own, _)| *own == name);
        cells.any(|(_, cell)| panels.iter().flat_map(|panel| &panel.contests).any(|contest| cell.is_in(contest)))
    }

    /// Names of all.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let ratios = self.ratio.iter().map(|ratio| ratio.name.clone());
        ratios.chain(self.absolute.iter().map(|absolute| absolute.name.clone())).collect()
    }

    /// Judges a sweep. A debug build's numbers mean nothing, so nothing binds there.
    #[must_use]
    pub fn judge(&self, host: &Host, rows: &[Row]) -> Vec<Judged> {
        let mut judged: Vec<Judged> = self.ratio.iter().map(|ratio| ratio.judge(rows)).collect();
        judged.extend(self.absolute.iter().map(|absolute| absolute.judge(host, rows)));
        if host.build != "release" {
            judged.iter_mut().for_each(|judged| judged.state = State::Elsewhere);
        }
        judged
    }
}

/// Those that bind here and were not measured.
#[must_use]
pub fn unmeasured(judged: &[Judged]) -> Vec<Missing> {
    let unmeasured = judged.iter().filter(|judged| judged.state == State::NotMeasured);
    let missing = |judged: &Judged| {
        let what = format!("the tripwire {:?} ({}) binds here and was not measured", judged.name, judged.limit);
        Missing::new(&judged.name, what)
    };
    unmeasured.map(missing).collect()
}

impl Ratio {
    fn judge(&self, rows: &[Row]) -> Judged {
        let row = self.cell.find(rows);
        // A limit is crossed when the whole interval lies beyond it: noise alone breaks no tripwire.
        let (limit, measured) = match (self.speedup_over_plain_at_least, self.ratio_to_plain_at_most) {
            (Some(least), _) => (
                format!("at least {least} times as fast as plain"),
                row.map(|row| row.to_plain().inverse()).map(|speedup| (speedup, speedup.upper < least)),
            ),
            (None, Some(most)) => (
                format!("at most {most} of plain's time"),
                row.map(Row::to_plain).map(|ratio| (ratio, ratio.lower > most)),
            ),
            (None, None) => {
                let most = self.ratio_to_floor_at_most.unwrap_or(f64::INFINITY);
                (
                    format!("at most {most} times the floor"),
                    row.and_then(Row::to_floor).map(|ratio| (ratio, ratio.lower > most)),
                )
            }
        };
        Judged {
            name: self.name.clone(),
            limit,
            measured: measured.map_or_else(
                || self.cell.not_available(),
                |(ratio, _)| format!("{:.2} ({:.2}–{:.2})", ratio.estimate, ratio.lower, ratio.upper),
            ),
            state: match measured {
                None => State::NotMeasured,
                Some((_, true)) => State::Broken,
                Some((_, false)) => State::Holds,
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

    fn judge(&self, host: &Host, rows: &[Row]) -> Judged {
        let call_us = self.cell.find(rows).map(|row| row.time_median_ns_per_token * self.cell.batch as f64 / 1e3);
        Judged {
            name: self.name.clone(),
            limit: format!(
                "at most {} µs on {} with {} threads",
                self.limit_us, self.host.cpu, self.host.rayon_threads
            ),
            measured: call_us.map_or_else(|| self.cell.not_available(), |us| format!("{us:.2} µs")),
            state: match call_us {
                _ if !self.binds(host) => State::Elsewhere,
                None => State::NotMeasured,
                Some(us) if us > self.limit_us => State::Broken,
                Some(_) => State::Holds,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data::{host, rows};

    const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../baselines/tripwires.toml");

    fn parse(text: &str) -> anyhow::Result<Tripwires> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tripwires.toml");
        std::fs::write(&path, text).unwrap();
        Tripwires::read(&path)
    }

    fn ratio_tripwire(limit: &str) -> Judged {
        let text = format!(
            "[[ratio]]\nname = \"r\"\ncell = {{ variant = \"prod\", fixture = \"light\", batch = 1 }}\n{limit}\n"
        );
        parse(&text).unwrap().judge(&host(), &rows()).remove(0)
    }

    #[test]
    fn the_established_tripwires_bind_on_their_laptop_only() {
        let tripwires = Tripwires::read(Path::new(SHIPPED)).unwrap();
        let limits: Vec<(&str, f64)> = tripwires.absolute.iter().map(|t| (t.name.as_str(), t.limit_us)).collect();
        assert_eq!(
            limits,
            [
                ("verify_single", 3.7),
                ("verify_many_64", 132.0),
                ("verify_single_heavy", 16.2),
                ("verify_many_64_heavy", 370.0)
            ]
        );
        let laptop = Host { cpu: "Intel(R) Core(TM) i5-8257U CPU @ 1.40GHz".to_owned(), rayon_threads: 4, ..host() };
        for tripwire in &tripwires.absolute {
            assert!(tripwire.binds(&laptop));
            assert!(!tripwire.binds(&Host { rayon_threads: 8, ..laptop.clone() }));
            assert!(!tripwire.binds(&host()));
        }
    }

    #[test]
    fn a_ratio_beyond_its_limit_is_broken_only_if_the_whole_interval_is() {
        // The test data's prod on light, batch 1: 4.9 to 5.1 times as fast as plain, 1.9 to 2.1 times the floor.
        assert_eq!(ratio_tripwire("speedup_over_plain_at_least = 4.5").state, State::Holds);
        assert_eq!(ratio_tripwire("speedup_over_plain_at_least = 5.05").state, State::Holds);
        assert_eq!(ratio_tripwire("speedup_over_plain_at_least = 5.5").state, State::Broken);
        assert_eq!(ratio_tripwire("ratio_to_plain_at_most = 0.197").state, State::Holds);
        assert_eq!(ratio_tripwire("ratio_to_plain_at_most = 0.19").state, State::Broken);
        assert_eq!(ratio_tripwire("ratio_to_floor_at_most = 2.5").state, State::Holds);
        assert_eq!(ratio_tripwire("ratio_to_floor_at_most = 1.5").state, State::Broken);
    }

    #[test]
    fn nothing_binds_in_a_debug_build_and_what_was_not_measured_is_said() {
        let text = "[[ratio]]\nname = \"r\"\ncell = { variant = \"prod\", fixture = \"heavy\", batch = 8 }\n\
                    ratio_to_floor_at_most = 0.1\n";
        let tripwires = parse(text).unwrap();
        assert_eq!(tripwires.judge(&host(), &[]).remove(0).state, State::NotMeasured);
        let debug = Host { build: "debug".to_owned(), ..host() };
        assert_eq!(tripwires.judge(&debug, &rows()).remove(0).state, State::Elsewhere);
    }

    #[test]
    fn an_absolute_limit_is_for_a_call_not_for_a_token() {
        let text = "[[absolute]]\nname = \"a\"\nlimit_us = 10\nhost = { cpu = \"Test\", rayon_threads = 2 }\n\
                    cell = { variant = \"prod\", fixture = \"light\", batch = 64 }\n";
        // 1000 ns per token make 64 µs per call.
        let judged = parse(text).unwrap().judge(&host(), &rows()).remove(0);
        assert_eq!((judged.state, judged.measured.as_str()), (State::Broken, "64.00 µs"));
    }

    #[test]
    fn a_tripwire_is_planned_if_its_very_cell_is() {
        use crate::run::simulated::{self, Truth};
        let panels = simulated::run(&Truth::default(), 6).header.panels;
        let planned = |cell: &str| {
            let text = format!("[[ratio]]\nname = \"r\"\ncell = {{ {cell} }}\nratio_to_floor_at_most = 1\n");
            parse(&text).unwrap().is_planned("r", &panels)
        };
        assert!(planned("variant = \"prod\", fixture = \"light\", batch = 64"));
        assert!(!planned("variant = \"prod\", fixture = \"light\", batch = 63"));
        assert!(!planned("variant = \"prod\", fixture = \"heavy\", batch = 64"));
    }

    #[test]
    fn what_is_wrong_with_a_tripwire_is_named() {
        let message = |text| parse(text).unwrap_err().to_string();
        assert!(
            message("[[ratio]]\nname = 3\n").contains("tripwires.toml:2: "),
            "{}",
            message("[[ratio]]\nname = 3\n")
        );
        assert!(message("[[ratioo]]\n").contains("unknown field `ratioo`"));
        let cell = "cell = { variant = \"prodd\", fixture = \"light\", batch = 1 }\n";
        let unknown = format!("[[ratio]]\nname = \"r\"\n{cell}ratio_to_floor_at_most = 1\n");
        assert!(message(&unknown).contains("the variants are plain"), "{}", message(&unknown));
        let neither = format!("[[ratio]]\nname = \"r\"\n{}", cell.replace("prodd", "prod"));
        assert!(message(&neither).contains("exactly one of"));
        let both = format!("{neither}ratio_to_plain_at_most = 1\nspeedup_over_plain_at_least = 1\n");
        assert!(message(&both).contains("exactly one of"));
    }

    #[test]
    fn classic_is_held_to_its_bounds_on_every_host() {
        let tripwires = Tripwires::read(Path::new(SHIPPED)).unwrap();
        let of_classic = |ratio: &&Ratio| ratio.cell.variant == crate::catalogue::CLASSIC;
        let bounds: Vec<(&str, usize, Option<f64>)> = tripwires
            .ratio
            .iter()
            .filter(of_classic)
            .map(|ratio| (ratio.cell.fixture.as_str(), ratio.cell.batch, ratio.ratio_to_plain_at_most))
            .collect();
        let expected =
            [("light", 1, Some(0.66)), ("light", 64, Some(0.70)), ("heavy", 1, Some(0.75)), ("heavy", 64, Some(0.75))];
        assert_eq!(bounds, expected);
        let judged = tripwires.judge(&host(), &rows());
        let light = judged.iter().find(|judged| judged.name.starts_with("classic single light")).unwrap();
        assert_eq!((light.state.clone(), light.measured.as_str()), (State::Holds, "0.65 (0.64–0.66)"));
    }
}
