//! Memory of a process that makes one point ready and verifies it.

use fairbench::compare::layout::Layout;
use fairbench::probe::Client;

use super::plan::SweepPlan;
use crate::catalogue::{CLASSIC, Knobs, REFERENCE};
use crate::own::own_program;
use crate::run::record::MemoryRecord;
use crate::run::{Panel, Point, Record};
use crate::sweep::points::{case, file_of};

/// Number of iterations after which scratch memory has grown to its size.
const ITERATIONS: u64 = 4;

/// The cells whose memory the plan wants: its variants, `plain` and `classic`, on each corpus at its largest batch, on
/// one thread.
#[must_use]
pub fn wanted(plan: &SweepPlan, panels: &[Panel]) -> Vec<(String, Point)> {
    let mut points: Vec<Point> = Vec::new();
    let arms = panels.iter().flat_map(|panel| panel.groups.iter().flat_map(|group| &group.arms));
    for point in arms.map(|arm| &arm.point).filter(|point| point.knobs == Knobs::defaults(1)) {
        match points.iter_mut().find(|known| known.corpus == point.corpus) {
            Some(known) => known.batch = known.batch.max(point.batch),
            None => points.push(point.clone()),
        }
    }
    let mut names: Vec<&str> = plan.memory.iter().map(|variant| variant.name).collect();
    if !names.is_empty() {
        names.retain(|name| *name != REFERENCE && *name != CLASSIC);
        names.splice(0..0, [REFERENCE, CLASSIC]);
    }
    names.iter().flat_map(|name| points.iter().map(move |point| ((*name).to_owned(), point.clone()))).collect()
}

/// Measures one cell after the other, each in a process of its own. What could not be measured is noted.
pub fn measure(wanted: &[(String, Point)], interrupted: &dyn Fn() -> bool, progress: &mut dyn FnMut()) -> Vec<Record> {
    let mut records = Vec::new();
    for (variant, point) in wanted {
        if interrupted() {
            break;
        }
        match of(variant, point) {
            Ok(Some(memory)) => records.push(Record::Memory(memory)),
            Ok(None) => {}
            Err(error) => {
                records.push(Record::Note(format!("Memory n/a: {error:#}.")));
                break;
            }
        }
        progress();
    }
    records
}

/// Memory of one cell; `None` if the system does not tell.
fn of(variant: &str, point: &Point) -> anyhow::Result<Option<MemoryRecord>> {
    let points = file_of(&[point])?;
    let command = own_program(variant)?.args(["probe", "--variant", variant, "--points"]).args([points.path()]);
    let mut client = Client::start(&command, Layout::default(), true)?;
    let case = case(point);
    client.check_as(&case)?;
    client.run(&case.name, ITERATIONS)?;
    let memory = client.memory()?;
    client.quit()?;
    Ok(memory.and_then(|memory| {
        Some(MemoryRecord {
            variant: variant.to_owned(),
            point: point.clone(),
            peak_resident_bytes: memory.peak_resident_bytes?,
            jemalloc_allocated_bytes: memory.jemalloc_allocated_bytes,
            jemalloc_active_bytes: memory.jemalloc_active_bytes,
            jemalloc_resident_bytes: memory.jemalloc_resident_bytes,
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::plan::BuiltIn;

    #[test]
    fn plain_and_the_plans_variants_are_measured_at_the_largest_batch_of_each_corpus() {
        let mut plan = SweepPlan::built_in(BuiltIn::Quick, 2).unwrap();
        plan.memory.retain(|variant| variant.name == "prod");
        let wanted = wanted(&plan, &plan.panels());
        // plain, classic and prod.
        assert_eq!(wanted.len(), 3 * 5);
        for (_, point) in &wanted {
            // Scattered tokens are measured in smaller batches only.
            let largest = if point.corpus.starts_with("scattered") { 64 } else { 1024 };
            assert_eq!((point.batch, point.knobs), (largest, Knobs::defaults(1)), "{}", point.corpus);
        }
        plan.memory.clear();
        assert!(super::wanted(&plan, &plan.panels()).is_empty());
    }
}
