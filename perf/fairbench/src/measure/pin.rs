//! Where measuring happens: one core for single-threaded cells, every core for the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use core_affinity::CoreId;

use crate::environment;

/// Directory in which Linux describes its cores.
const SYSTEM: &str = "/sys";

/// The measuring core, once it is settled: for the whole process, from the cores that its first thread may use.
static CORE: OnceLock<Option<usize>> = OnceLock::new();

/// Whether this system lets a thread be pinned to a core.
#[must_use]
pub fn can_pin() -> bool {
    core_affinity::get_core_ids().is_some_and(|cores| !cores.is_empty()) && cfg!(not(target_os = "macos"))
}

/// Pins the calling thread to the measuring core; returns whether that was possible.
#[must_use]
pub fn pin_to_measuring_core() -> bool {
    // macOS takes the call as a hint and may ignore it.
    measuring_core().is_some_and(|core| core_affinity::set_for_current(CoreId { id: core }))
}

/// The number of the measuring core; `None` where no thread can be pinned. It is the one that was [chosen](choose),
/// else that of `FAIRBENCH_CORE`, else the last of the fastest ones, of the cores that `taskset` or a container left to
/// this process.
#[must_use]
pub fn measuring_core() -> Option<usize> {
    *CORE.get_or_init(|| {
        let allowed = allowed();
        let asked = asked_by_environment().ok().flatten().map(|(core, _)| core).filter(|core| allowed.contains(core));
        asked.or_else(|| choice(&allowed, SYSTEM))
    })
}

/// Makes this core the measuring core; `None` chooses that of `FAIRBENCH_CORE`, if it is set. To be called before
/// anything is measured.
///
/// # Errors
/// This process may not use that core, or none at all, or something was measured on another one already.
pub fn choose(core: Option<usize>) -> Result<(), String> {
    let (core, of_what) = match core {
        Some(core) => (core, "--core"),
        None => match asked_by_environment()? {
            Some(asked) => asked,
            None => return Ok(()),
        },
    };
    let allowed = allowed();
    if allowed.is_empty() {
        return Err(format!("{of_what} {core}: this system does not let a thread be pinned to a core"));
    }
    if !allowed.contains(&core) {
        let known: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        return Err(format!(
            "{of_what} {core}: no core that this process may use; it may use {} (taskset, cpuset)",
            known.join(", ")
        ));
    }
    match *CORE.get_or_init(|| Some(core)) {
        Some(chosen) if chosen == core => Ok(()),
        _ => Err(format!("{of_what} {core}: another core is in use already")),
    }
}

/// The core that a variable asks for, and the name of the variable.
fn asked_by_environment() -> Result<Option<(usize, &'static str)>, String> {
    let Some((name, value)) = environment::CORE.get() else { return Ok(None) };
    let core = value.to_str().and_then(|value| value.trim().parse().ok());
    core.map(|core| Some((core, name))).ok_or_else(|| format!("{name} is {value:?}; expected the number of a core"))
}

/// The cores that a thread of this process can be pinned to.
fn allowed() -> Vec<usize> {
    if !can_pin() {
        return Vec::new();
    }
    core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect()
}

/// The last of the fastest cores: the first one serves most interrupts, and an efficiency core is not what a service is
/// sized by. Of threads that share a core, the first is taken.
fn choice(allowed: &[usize], system: &str) -> Option<usize> {
    let fastest = fastest(allowed, Path::new(system));
    let last = fastest.iter().copied().max()?;
    let siblings = read_list(&cpu_file(Path::new(system), last, "topology/thread_siblings_list")).unwrap_or_default();
    siblings.into_iter().filter(|sibling| *sibling > 0 && fastest.contains(sibling)).min().or(Some(last))
}

/// The cores of the fastest kind, by what the kernel tells: Intel's list of performance cores, Arm's capacities, or the
/// highest frequencies (a tenth less still counts: some cores of one kind may go a little higher than others). All
/// cores if the kernel tells nothing.
fn fastest(allowed: &[usize], system: &Path) -> Vec<usize> {
    if let Some(performance) = read_list(&system.join("devices/cpu_core/cpus")) {
        let found: Vec<usize> = allowed.iter().copied().filter(|core| performance.contains(core)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    for (file, share) in [("cpu_capacity", 1.0), ("cpufreq/cpuinfo_max_freq", 0.9)] {
        let value = |core: &usize| fs::read_to_string(cpu_file(system, *core, file)).ok()?.trim().parse::<f64>().ok();
        let Some(values) = allowed.iter().map(value).collect::<Option<Vec<f64>>>() else { continue };
        let most = values.iter().copied().fold(0.0, f64::max);
        let is_fast = |(core, value): (&usize, f64)| (value >= share * most).then_some(*core);
        return allowed.iter().zip(values).filter_map(is_fast).collect();
    }
    allowed.to_vec()
}

fn cpu_file(system: &Path, core: usize, file: &str) -> PathBuf {
    system.join(format!("devices/system/cpu/cpu{core}")).join(file)
}

/// Reads a list as the kernel writes it, such as `0-3,8`.
fn read_list(path: &Path) -> Option<Vec<usize>> {
    let text = fs::read_to_string(path).ok()?;
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.trim().parse::<usize>().ok()?..=to.trim().parse::<usize>().ok()?)
    };
    let ranges = text.trim().split(',').map(range).collect::<Option<Vec<_>>>()?;
    Some(ranges.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system as the kernel describes it, from names and contents of files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let system = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = system.path().join("devices").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        system
    }

    fn chosen(allowed: &[usize], files: &[(&str, &str)]) -> Option<usize> {
        choice(allowed, system(files).path().to_str().unwrap())
    }

    #[test]
    fn a_performance_core_is_chosen_where_the_last_one_is_an_efficiency_core() {
        let hybrid = [("cpu_core/cpus", "0-7\n"), ("cpu_atom/cpus", "8-15\n")];
        let all: Vec<usize> = (0..16).collect();
        assert_eq!(chosen(&all, &hybrid), Some(7));
        assert_eq!(chosen(&[8, 9], &hybrid), Some(9), "taskset left efficiency cores only");
        assert_eq!(chosen(&[2, 3, 12], &hybrid), Some(3));
    }

    #[test]
    fn where_capacities_or_frequencies_differ_the_largest_count() {
        let arm = ["512\n", "1024\n", "1024\n", "512\n"];
        let names: Vec<String> = (0..4).map(|core| format!("system/cpu/cpu{core}/cpu_capacity")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(arm).collect();
        assert_eq!(chosen(&[0, 1, 2, 3], &files), Some(2));
        let hertz = ["5000000", "5100000", "4900000", "3800000"];
        let names: Vec<String> = (0..4).map(|core| format!("system/cpu/cpu{core}/cpufreq/cpuinfo_max_freq")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(hertz).collect();
        assert_eq!(chosen(&[0, 1, 2, 3], &files), Some(2), "a favoured core is of the same kind");
    }

    #[test]
    fn of_two_threads_of_a_core_the_first_is_chosen_but_not_that_of_the_interrupts() {
        assert_eq!(chosen(&[0, 1, 2, 3], &[("system/cpu/cpu3/topology/thread_siblings_list", "1,3\n")]), Some(1));
        assert_eq!(chosen(&[0, 1], &[("system/cpu/cpu1/topology/thread_siblings_list", "0-1\n")]), Some(1));
        assert_eq!(chosen(&[2, 3], &[("system/cpu/cpu3/topology/thread_siblings_list", "1,3\n")]), Some(3));
    }

    #[test]
    fn a_system_that_tells_nothing_leaves_the_last_core() {
        assert_eq!(chosen(&[0, 1, 2], &[]), Some(2));
        assert_eq!(chosen(&[], &[]), None);
    }

    #[test]
    fn a_core_that_is_not_there_is_refused_with_those_that_are() {
        let error = choose(Some(9999)).unwrap_err();
        assert!(error.starts_with("--core 9999: ") && !error.contains('\n'), "{error}");
    }
}
