//! From two resolved sides to a contest: what both can do, and what each was counted to do.

use std::collections::BTreeMap;
use std::path::Path;

use perf_probe::protocol::Hello;

use super::Contest;
use crate::compare::evidence::{Counts, PairCounts};
use crate::compare::runner::{CaseInfo, MeasureError};
use crate::exit::Failure;
use crate::host::Host;
use crate::measure::pin::can_pin;
use crate::probe::count::{self, count};
use crate::probe::launch::fixed_addresses;
use crate::probe::{Pair, ProbeCommand};
use crate::side::manifest::Likeness;
use crate::side::{Side, lab_directory};

/// Two sides, counted and ready to be timed.
pub struct Matched {
    base: String,
    candidate: String,
    pair: Pair,
    cases: Vec<CaseInfo>,
    counts: BTreeMap<String, PairCounts>,
    probes: [Hello; 2],
    host: Host,
    notes: Vec<String>,
    likeness: Option<Likeness>,
}

impl Matched {
    /// Finds what both sides can do, narrowed down to `benchmarks` if any are named, and counts it.
    ///
    /// # Errors
    /// Usage: a benchmark that there is not on both sides. An interruption.
    pub fn new(base: &Side, candidate: &Side, benchmarks: &[String], root: &Path) -> Result<Self, Failure> {
        let mut notes = Vec::new();
        let cases = narrowed(common(&base.cases(), &candidate.cases(), &mut notes), benchmarks)?;
        let cache = lab_directory(root).join("counts");
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
        Ok(Self {
            base: base.label.clone(),
            candidate: candidate.label.clone(),
            pair: Pair { base: base.probe.clone(), candidate: candidate.probe.clone() },
            counts: pair_up(&cases, &counted_base, &counted_candidate),
            cases,
            probes: [base.hello.clone(), candidate.hello.clone()],
            host: Host::detect(root),
            notes,
            likeness: base.likeness(candidate),
        })
    }

    /// Ready to be judged.
    #[must_use]
    pub fn contest(&self) -> Contest<'_> {
        Contest {
            base: self.base.clone(),
            candidate: self.candidate.clone(),
            launcher: &self.pair,
            cases: self.cases.clone(),
            counts: self.counts.clone(),
            pinned: can_pin(),
            fixed_addresses: fixed_addresses(),
            host: Some(self.host.clone()),
            probes: Some(self.probes.clone()),
            notes: self.notes.clone(),
            likeness: self.likeness.clone(),
        }
    }

    /// What both sides can do, as far as it is to be measured.
    #[must_use]
    pub fn cases(&self) -> &[CaseInfo] {
        &self.cases
    }

    /// Starts the candidate in another way that counts alike: a nuisance of the self-test.
    pub(crate) fn replace_candidate(&mut self, candidate: ProbeCommand) {
        self.pair.candidate = candidate;
    }

    /// Leaves out what runs on several threads.
    pub fn keep_single_threaded(&mut self) {
        self.cases.retain(CaseInfo::is_single_threaded);
    }
}

/// What both can do alike, in the order of the base.
fn common(base: &[CaseInfo], candidate: &[CaseInfo], notes: &mut Vec<String>) -> Vec<CaseInfo> {
    let only = |here: &[CaseInfo], there: &[CaseInfo], side: &str| {
        let missing = |case: &&CaseInfo| there.iter().all(|other| other.name != case.name);
        let names: Vec<&str> = here.iter().filter(missing).map(|case| case.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("Only the {side} has {}: not compared.", names.join(", ")))
    };
    notes.extend(only(base, candidate, "base"));
    notes.extend(only(candidate, base, "candidate"));
    let mut common = Vec::new();
    for case in base {
        match candidate.iter().find(|other| other.name == case.name) {
            Some(other) if other.threads == case.threads => common.push(case.clone()),
            Some(other) => notes.push(format!(
                "{} is on {} threads in the base and on {} in the candidate: not compared.",
                case.name, case.threads, other.threads
            )),
            None => {}
        }
    }
    common
}

fn narrowed(common: Vec<CaseInfo>, benchmarks: &[String]) -> Result<Vec<CaseInfo>, Failure> {
    if let Some(unknown) = benchmarks.iter().find(|name| common.iter().all(|case| case.name != **name)) {
        let names: Vec<&str> = common.iter().map(|case| case.name.as_str()).collect();
        return Err(Failure::usage(format!(
            "no benchmark of both sides is called {unknown:?}; they are {}",
            names.join(", ")
        )));
    }
    let wanted = |case: &CaseInfo| benchmarks.is_empty() || benchmarks.contains(&case.name);
    Ok(common.into_iter().filter(wanted).collect())
}

fn pair_up(cases: &[CaseInfo], base: &count::Counts, candidate: &count::Counts) -> BTreeMap<String, PairCounts> {
    let of = |counted: &count::Counts, name: &str| {
        let counted = counted.cases.get(name).copied().unwrap_or_default();
        Counts {
            instructions: counted.instructions_per_token,
            allocations: counted.allocations_per_token,
            allocated_bytes: counted.allocated_bytes_per_token,
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

    #[test]
    fn only_what_both_sides_do_alike_is_compared_and_the_rest_is_said() {
        let mut notes = Vec::new();
        let found = common(
            &[case("a", 1), case("b", 1), case("c", 4)],
            &[case("d", 1), case("c", 2), case("a", 1)],
            &mut notes,
        );
        assert_eq!(found, [case("a", 1)]);
        assert_eq!(
            notes,
            [
                "Only the base has b: not compared.",
                "Only the candidate has d: not compared.",
                "c is on 4 threads in the base and on 2 in the candidate: not compared."
            ]
        );
    }

    #[test]
    fn an_unknown_benchmark_is_answered_with_the_known_ones() {
        let cases = || vec![case("a", 1), case("b", 1)];
        assert_eq!(narrowed(cases(), &["b".to_owned()]).unwrap(), [case("b", 1)]);
        assert_eq!(narrowed(cases(), &[]).unwrap().len(), 2);
        let failure = narrowed(cases(), &["x".to_owned()]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert_eq!(failure.to_string(), "no benchmark of both sides is called \"x\"; they are a, b");
    }
}
