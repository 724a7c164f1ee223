//! Likely reasons for noise, as far as the system tells: other load, a hypervisor, the frequency, few cores.

use std::fs;
use std::thread::available_parallelism;

use crate::measure::pin::{can_pin, measuring_core};
use crate::probe::launch::fixed_addresses;

/// Number of cores that a measurement keeps busy itself: the probe's, and a little for fairbench.
const OWN_CORES: f64 = 1.1;
/// More than this beyond our own is another program's load, in cores.
const OTHER_CORES: f64 = 0.15;
/// Part of the time that a hypervisor may take before it is named.
const STEAL: f64 = 0.005;
/// Change of the clock frequency that is named, as a part of one.
const FREQUENCY_CHANGE: f64 = 0.02;

/// What the system shows at one moment; [`culprits`] needs two of these, from before and after.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemLook {
    ticks: Option<Ticks>,
    load: Option<f64>,
    mhz: Option<f64>,
}

/// Clock ticks of all cores since the start of the system, from the first line of `/proc/stat` (proc(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Ticks {
    all: f64,
    idle: f64,
    steal: f64,
}

impl SystemLook {
    /// Looks at the system now. What the system does not tell is left out.
    #[must_use]
    pub fn now() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            ticks: ticks(&read("/proc/stat")),
            load: read("/proc/loadavg").split_whitespace().next().and_then(|load| load.parse().ok()),
            mhz: measuring_core().and_then(|core| mhz(&read("/proc/cpuinfo"), core)),
        }
    }
}

fn ticks(stat: &str) -> Option<Ticks> {
    let fields = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<f64> = fields.split_whitespace().map_while(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are counted under user already.
    let field = |index: usize| fields.get(index).copied();
    Some(Ticks { all: fields.iter().take(8).sum(), idle: field(3)? + field(4)?, steal: field(7)? })
}

fn mhz(cpuinfo: &str, core: usize) -> Option<f64> {
    let mut of_cores = cpuinfo.lines().filter(|line| line.starts_with("cpu MHz"));
    of_cores.nth(core)?.split_once(':')?.1.trim().parse().ok()
}

/// Likely reasons for noise, each a sentence. `before` and `after` frame a measurement on one core.
#[must_use]
pub fn culprits(before: &SystemLook, after: &SystemLook) -> Vec<String> {
    let cores = available_parallelism().map_or(1, Into::into);
    let mut found = Vec::new();
    if !can_pin() {
        found.push("no pinning: this system does not let a process be bound to a core".to_owned());
    }
    if !fixed_addresses() {
        found.push("address randomisation cannot be switched off here (setarch -R fails)".to_owned());
    }
    found.extend(load(before, after, cores as f64));
    if let (Some(was), Some(is)) = (before.mhz, after.mhz)
        && (is / was - 1.0).abs() > FREQUENCY_CHANGE
    {
        found.push(format!("frequency changes: the measuring core went from {was:.0} to {is:.0} MHz"));
    }
    if let Some(core) = measuring_core() {
        let cpu = format!("/sys/devices/system/cpu/cpu{core}");
        let line = |file: &str| fs::read_to_string(format!("{cpu}/{file}")).ok().map(|text| text.trim().to_owned());
        if let Some(governor) = line("cpufreq/scaling_governor").filter(|governor| governor != "performance") {
            found.push(format!("frequency governor {governor}: \"performance\" changes the frequency least"));
        }
        let siblings = line("topology/thread_siblings_list");
        if let Some(siblings) = siblings.filter(|siblings| siblings.contains([',', '-'])) {
            found.push(format!("CPU {core}, which measures, shares one physical core with others ({siblings})"));
        }
    }
    if cores <= 2 {
        let plural = if cores == 1 { "" } else { "s" };
        found.push(format!("few cores: {cores} core{plural} for the probes, fairbench and everything else"));
    }
    found
}

fn load(before: &SystemLook, after: &SystemLook, cores: f64) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(load) = before.load.filter(|load| *load > 0.5) {
        found.push(format!("other load: {load:.1} programs were running before this one began (/proc/loadavg)"));
    }
    if let (Some(was), Some(is)) = (before.ticks, after.ticks)
        && is.all > was.all
    {
        let part = |of: fn(&Ticks) -> f64| (of(&is) - of(&was)) / (is.all - was.all);
        let busy_cores = (1.0 - part(|ticks| ticks.idle) - part(|ticks| ticks.steal)) * cores;
        if busy_cores > OWN_CORES + OTHER_CORES {
            let others = busy_cores - OWN_CORES;
            found.push(format!("other load: others kept about {others:.1} of {cores} cores busy meanwhile"));
        }
        let steal = part(|ticks| ticks.steal);
        if steal > STEAL {
            found.push(format!("other machines: the hypervisor took {:.1} % of the time (steal)", 100.0 * steal));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(stat: &str, load: f64) -> SystemLook {
        SystemLook { ticks: ticks(stat), load: Some(load), mhz: None }
    }

    #[test]
    fn other_load_and_steal_are_read_from_proc_stat() {
        let before = look("cpu  100 0 100 1000 0 0 0 0 0 0\ncpu0 1 2 3\n", 0.1);
        // 200 ticks on two cores: 30 idle, 10 stolen, the rest busy.
        let after = look("cpu  250 0 110 1030 0 0 0 10 0 0\n", 1.9);
        let found = load(&before, &after, 2.0);
        assert_eq!(
            found,
            [
                "other load: others kept about 0.5 of 2 cores busy meanwhile",
                "other machines: the hypervisor took 5.0 % of the time (steal)"
            ]
        );
        let alone = look("cpu  190 0 110 1100 0 0 0 0 0 0\n", 1.0);
        assert_eq!(load(&before, &alone, 2.0), [] as [String; 0]);
        assert!(load(&look("", 3.0), &after, 2.0)[0].contains("3.0 programs"), "load before");
    }

    #[test]
    fn what_the_system_does_not_tell_is_left_out() {
        assert_eq!(ticks(""), None);
        assert_eq!(ticks("cpu  1 2 3\n"), None);
        assert_eq!(mhz("processor : 0\ncpu MHz\t\t: 2400.000\n", 0), Some(2400.0));
        assert_eq!(mhz("cpu MHz\t\t: 2400.000\n", 1), None);
        // Whatever this machine is: it does not fail.
        let _ = culprits(&SystemLook::default(), &SystemLook::now());
    }
}
