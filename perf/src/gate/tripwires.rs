//! Tripwires at the gate: the limits of `tripwires.toml`, measured in this very program, which is the working tree's.

use std::path::Path;

use ron_auth_fixtures::Fixture;
use ron_auth_variants::Variant;

use super::outcome::Tripwire;
use crate::cell::{Cell, Group, Knobs, Purpose, REFERENCE};
use crate::exit::Failure;
use crate::host::Host;
use crate::sweep::check::{Corpora, check_all};
use crate::sweep::plan::Mode;
use crate::sweep::time::{effort_for, time_group};
use crate::tripwire::{CellName, State, Tripwires};

/// Measures the cells of all tripwires that bind here, a second or so for each kind of token and batch, and judges them.
/// A debug build measures nothing, since nothing binds there.
///
/// # Errors
/// A file that cannot be read; a variant that decides wrongly (exit 1).
pub fn judge(
    root: &Path,
    interrupted: &(dyn Fn() -> bool + Sync),
    progress: &mut (dyn FnMut(f64) + Send),
) -> Result<Vec<Tripwire>, Failure> {
    let tripwires = Tripwires::read(&root.join("baselines/tripwires.toml"))?;
    let host = Host::detect(root);
    if host.build != "release" {
        return Ok(Vec::new());
    }
    let reference = ron_auth_variants::find(REFERENCE).map_err(Failure::usage)?;
    let groups = groups(&tripwires, &host);
    let mut corpora = Corpora::default();
    check_all(&groups, &reference, &mut corpora, &mut || {})?;
    let mut rows = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let corpus = corpora.of(group.fixture, group.batch);
        let effort = effort_for(Mode::Smoke, group, None);
        let mut done = |part: f64| progress((index as f64 + part) / groups.len() as f64);
        rows.extend(time_group(index, group, &reference, &corpus, effort, interrupted, &mut done)?);
        if interrupted() {
            return Err(Failure::interrupted());
        }
    }
    let judged = tripwires.judge(&host, &rows).into_iter().filter(|judged| judged.state != State::Elsewhere);
    Ok(judged
        .map(|judged| Tripwire {
            name: judged.name,
            limit: judged.limit,
            measured: judged.measured,
            broken: judged.state == State::Broken,
        })
        .collect())
}

/// One group for each kind of token and batch, with the variants that tripwires name.
fn groups(tripwires: &Tripwires, host: &Host) -> Vec<Group> {
    let binding = tripwires.absolute.iter().filter(|absolute| absolute.binds(host)).map(|absolute| &absolute.cell);
    let mut groups: Vec<Group> = Vec::new();
    for cell in tripwires.ratio.iter().map(|ratio| &ratio.cell).chain(binding) {
        // Both were checked when the file was read.
        let Some((variant, fixture)) = resolved(cell) else { continue };
        let known = groups.iter().position(|group| group.fixture == fixture && group.batch == cell.batch);
        let cell = Cell { variant, fixture, batch: cell.batch, knobs: Knobs::defaults(1) };
        match known.and_then(|index| groups.get_mut(index)) {
            Some(group) if group.cells.iter().any(|known| known.variant.name == variant.name) => {}
            Some(group) => group.cells.push(cell),
            None => groups.push(Group {
                purpose: Purpose::Variants,
                fixture,
                batch: cell.batch,
                threads: 1,
                cells: vec![cell],
            }),
        }
    }
    groups
}

fn resolved(cell: &CellName) -> Option<(Variant, Fixture)> {
    Some((ron_auth_variants::find(&cell.variant).ok()?, cell.fixture.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::test_data::host;

    #[test]
    fn every_cell_of_a_ratio_tripwire_is_measured_once() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../baselines/tripwires.toml"));
        let tripwires = Tripwires::read(path).unwrap();
        let groups = groups(&tripwires, &host());
        for ratio in &tripwires.ratio {
            let holds = |cell: &&Cell| {
                cell.variant.name == ratio.cell.variant
                    && cell.fixture.name() == ratio.cell.fixture
                    && cell.batch == ratio.cell.batch
            };
            assert_eq!(groups.iter().flat_map(|group| &group.cells).filter(holds).count(), 1, "{}", ratio.name);
        }
        assert!(groups.iter().all(Group::is_single_threaded));
    }

    #[test]
    fn a_debug_build_measures_nothing() {
        if cfg!(debug_assertions) {
            let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
            assert_eq!(judge(root, &|| false, &mut |_| {}).unwrap(), []);
        }
    }
}
