//! From two resolved sides to a pair: the cases that both can run, and what each side was counted to do.

use std::collections::BTreeMap;
use std::path::Path;

use fairbench_probe::protocol::Hello;

use super::ProgramPair;
use crate::compare::evidence::{Counts, PairCounts};
use crate::compare::runner::{CaseInfo, MeasureError};
use crate::exit::Failure;
use crate::host::Host;
use crate::measure::pin::can_pin;
use crate::missing::Missing;
use crate::probe::count::{self, count};
use crate::probe::launch::fixed_addresses;
use crate::probe::{Pair, ProbeCommand};
use crate::side::Side;
use crate::side::manifest::Likeness;

/// Where sides are matched, and on which host.
#[derive(Clone, Copy, Debug)]
pub struct SidePlace<'p> {
    /// The directory of everything that can be made again.
    pub state: &'p Path,
    /// This machine and this build.
    pub host: &'p Host,
}

/// Two sides that are counted and ready to be timed.
pub struct Matched {
    base: String,
    candidate: String,
    pair: Pair,
    cases: Vec<CaseInfo>,
    known: Vec<String>,
    missing: Vec<Missing>,
    counts: BTreeMap<String, PairCounts>,
    probes: [Hello; 2],
    host: Host,
    notes: Vec<String>,
    likeness: Option<Likeness>,
}

impl Matched {
    /// Finds the cases that both sides can run, narrowed down to `benchmarks` if any are named, and counts them.
    ///
    /// # Errors
    /// Wrong usage: a benchmark that is not on both sides. An interruption.
    pub fn new(base: &Side, candidate: &Side, benchmarks: &[String], at: &SidePlace<'_>) -> Result<Self, Failure> {
        let mut notes = Vec::new();
        let mut known: Vec<String> = base.cases().into_iter().chain(candidate.cases()).map(|case| case.name).collect();
        known.sort_unstable();
        known.dedup();
        let (cases, mut missing) = narrowed(common(&base.cases(), &candidate.cases()), benchmarks)?;
        let cache = at.state.join("counts");
        // Counting does not mind company, so both sides are counted at once; timing comes after.
        let counted = std::thread::scope(|scope| {
            let candidate = scope.spawn(|| count(&candidate.probe, candidate.allocs.as_ref(), &cases, &cache));
            let base = count(&base.probe, base.allocs.as_ref(), &cases, &cache);
            (base, candidate.join().unwrap_or(Err(MeasureError::Interrupted)))
        });
        let (counted_base, counted_candidate) = (counted.0?, counted.1?);
        for (side, counted) in [(base, &counted_base), (candidate, &counted_candidate)] {
            let said = |note: &String| format!("{}: {note}.", side.label);
            notes.extend(counted.notes.iter().map(said).filter(|note| !notes.contains(note)).collect::<Vec<_>>());
        }
        if let Some(path) = counted_candidate.simd_path.as_ref().filter(|path| **path != candidate.hello.simd_path) {
            let timed = &candidate.hello.simd_path;
            notes.push(format!(
                "Instructions were counted on the {path} path (valgrind has no other), timed on {timed}."
            ));
        }
        let counts = pair_up(&cases, &counted_base, &counted_candidate);
        if base.allocs.is_some() && candidate.allocs.is_some() {
            missing.extend(uncounted(&cases, &counts));
        }
        Ok(Self {
            base: base.label.clone(),
            candidate: candidate.label.clone(),
            pair: Pair { base: base.probe.clone(), candidate: candidate.probe.clone() },
            counts,
            cases,
            known,
            missing,
            probes: [base.hello.clone(), candidate.hello.clone()],
            host: at.host.clone(),
            notes,
            likeness: base.likeness(candidate),
        })
    }

    /// The pair, ready to be judged.
    #[must_use]
    pub fn pair(&self) -> ProgramPair<'_> {
        ProgramPair {
            base: self.base.clone(),
            candidate: self.candidate.clone(),
            launcher: &self.pair,
            cases: self.cases.clone(),
            known: self.known.clone(),
            missing: self.missing.clone(),
            counts: self.counts.clone(),
            pinned: can_pin(),
            fixed_addresses: fixed_addresses(),
            host: Some(self.host.clone()),
            probes: Some(self.probes.clone()),
            notes: self.notes.clone(),
            likeness: self.likeness.clone(),
        }
    }

    /// Names of all benchmarks that either side has.
    #[must_use]
    pub fn known(&self) -> &[String] {
        &self.known
    }

    /// The cases that both sides can run and that are to be measured.
    #[must_use]
    pub fn cases(&self) -> &[CaseInfo] {
        &self.cases
    }

    /// Replaces the way the candidate is started by one that counts alike: a nuisance of the self-test.
    pub(crate) fn replace_candidate(&mut self, candidate: ProbeCommand) {
        self.pair.candidate = candidate;
    }

    /// Leaves out cases on several threads.
    pub fn keep_single_threaded(&mut self) {
        self.cases.retain(CaseInfo::is_single_threaded);
    }
}

/// The cases that both sides can run alike, in the order of the base, and those that they cannot.
fn common(base: &[CaseInfo], candidate: &[CaseInfo]) -> (Vec<CaseInfo>, Vec<Missing>) {
    let find = |cases: &[CaseInfo], name: &str| cases.iter().find(|case| case.name == name).cloned();
    let mut common = Vec::new();
    let mut missing = Vec::new();
    for case in base {
        let Some(other) = find(candidate, &case.name) else {
            missing.push(Missing::new(&case.name, format!("only the base has {}; it was not compared", case.name)));
            continue;
        };
        let differs = [
            ("on", "threads", case.threads as u64, other.threads as u64),
            ("of", "items", case.items_per_iteration, other.items_per_iteration),
        ];
        match differs.into_iter().find(|(.., here, there)| here != there) {
            None => common.push(case.clone()),
            Some((how, of_what, here, there)) => missing.push(Missing::new(
                &case.name,
                format!(
                    "{} is {how} {here} {of_what} in the base and {how} {there} in the candidate; it was not compared",
                    case.name
                ),
            )),
        }
    }
    for case in candidate.iter().filter(|case| find(base, &case.name).is_none()) {
        missing.push(Missing::new(&case.name, format!("only the candidate has {}; it was not compared", case.name)));
    }
    (common, missing)
}

/// Keeps those of the common and the missing cases that are asked for; all, if no benchmark is named.
fn narrowed(
    (mut common, mut missing): (Vec<CaseInfo>, Vec<Missing>),
    benchmarks: &[String],
) -> Result<(Vec<CaseInfo>, Vec<Missing>), Failure> {
    let is_there = |name: &String| {
        common.iter().any(|case| case.name == *name) || missing.iter().any(|missing| missing.name == *name)
    };
    if let Some(unknown) = benchmarks.iter().find(|name| !is_there(name)) {
        let names: Vec<&str> = common.iter().map(|case| case.name.as_str()).collect();
        return Err(Failure::usage(format!(
            "no benchmark that both sides have is called {unknown:?}; there are {}",
            names.join(", ")
        )));
    }
    let wanted = |name: &String| benchmarks.is_empty() || benchmarks.contains(name);
    common.retain(|case| wanted(&case.name));
    missing.retain(|missing| wanted(&missing.name));
    Ok((common, missing))
}

/// Counts that only one side has although the other should have them too. A program without a counting twin is not
/// ours, and is compared by time alone.
fn uncounted(cases: &[CaseInfo], counts: &BTreeMap<String, PairCounts>) -> Vec<Missing> {
    let sides = |of: fn(&Counts) -> Option<f64>, what: &str| {
        let lacking = |base: bool| {
            let is_lacking = |case: &&CaseInfo| {
                let Some(PairCounts { base: here, candidate: there }) = counts.get(&case.name) else { return false };
                let (here, there) = (of(here).is_some(), of(there).is_some());
                if base { there && !here } else { here && !there }
            };
            let names: Vec<&str> = cases.iter().filter(is_lacking).map(|case| case.name.as_str()).collect();
            (!names.is_empty()).then(|| {
                let side = if base { "base" } else { "candidate" };
                Missing::new(what, format!("{what} of the {side} could not be counted on {}", names.join(", ")))
            })
        };
        [lacking(true), lacking(false)].into_iter().flatten().collect::<Vec<_>>()
    };
    [sides(|counts| counts.instructions, "instructions"), sides(|counts| counts.allocations, "allocations")].concat()
}

fn pair_up(
    cases: &[CaseInfo],
    base: &count::SideCounts,
    candidate: &count::SideCounts,
) -> BTreeMap<String, PairCounts> {
    let of = |counted: &count::SideCounts, name: &str| {
        let counted = counted.cases.get(name).copied().unwrap_or_default();
        Counts {
            instructions: counted.instructions_per_item,
            allocations: counted.allocations_per_item,
            allocated_bytes: counted.allocated_bytes_per_item,
        }
    };
    let pair = |case: &CaseInfo| {
        let counts = PairCounts { base: of(base, &case.name), candidate: of(candidate, &case.name) };
        (case.name.clone(), counts)
    };
    cases.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::simulated::case;
    use crate::exit::Exit;

    fn found(base: &[CaseInfo], candidate: &[CaseInfo]) -> (Vec<CaseInfo>, Vec<String>) {
        let (common, missing) = common(base, candidate);
        (common, missing.into_iter().map(|missing| format!("{}: {}", missing.name, missing.what)).collect())
    }

    #[test]
    fn what_is_not_on_both_sides_alike_is_missing_and_said() {
        let (common, missing) =
            found(&[case("a", 1), case("b", 1), case("c", 4)], &[case("d", 1), case("c", 2), case("a", 1)]);
        assert_eq!(common, [case("a", 1)]);
        assert_eq!(
            missing,
            [
                "b: only the base has b; it was not compared",
                "c: c is on 4 threads in the base and on 2 in the candidate; it was not compared",
                "d: only the candidate has d; it was not compared",
            ]
        );
    }

    #[test]
    fn a_benchmark_of_other_size_is_not_the_same_one() {
        let other = CaseInfo { items_per_iteration: 7, ..case("a", 1) };
        let (common, missing) = found(&[case("a", 1)], &[other]);
        assert!(common.is_empty());
        assert!(missing[0].contains(" items in the base and of 7 in the candidate"), "{missing:?}");
    }

    #[test]
    fn an_unknown_benchmark_is_answered_with_the_known_ones() {
        let cases = || (vec![case("a", 1), case("b", 1)], vec![Missing::new("new", "only the candidate has new")]);
        assert_eq!(narrowed(cases(), &["b".to_owned()]).unwrap(), (vec![case("b", 1)], Vec::new()));
        assert_eq!(narrowed(cases(), &[]).unwrap(), cases());
        let failure = narrowed(cases(), &["x".to_owned()]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert_eq!(failure.to_string(), "no benchmark that both sides have is called \"x\"; there are a, b");
    }

    #[test]
    fn a_benchmark_of_one_side_is_missing_if_it_is_asked_for() {
        let cases = || (vec![case("a", 1)], vec![Missing::new("new", "only the candidate has new")]);
        let (common, missing) = narrowed(cases(), &["new".to_owned()]).unwrap();
        assert!(common.is_empty() && missing.len() == 1);
        assert!(narrowed(cases(), &["a".to_owned()]).unwrap().1.is_empty());
    }

    #[test]
    fn what_was_counted_on_one_side_only_is_missing_on_the_other() {
        let of = |instructions, allocations| Counts { instructions, allocations, allocated_bytes: None };
        let counted = |base, candidate| [("a".to_owned(), PairCounts { base, candidate })].into();
        let missing = |counts| {
            let missing = uncounted(&[case("a", 1)], &counts);
            missing.into_iter().map(|missing| missing.what).collect::<Vec<_>>()
        };
        assert!(missing(counted(of(Some(1.0), Some(1.0)), of(Some(2.0), Some(2.0)))).is_empty());
        assert!(missing(counted(of(None, Some(1.0)), of(None, Some(2.0)))).is_empty(), "no valgrind here");
        assert_eq!(
            missing(counted(of(None, Some(1.0)), of(Some(1.0), None))),
            [
                "instructions of the base could not be counted on a",
                "allocations of the candidate could not be counted on a"
            ]
        );
    }
}
