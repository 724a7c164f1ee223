//! Environment variables that say how to measure on this machine, whatever the project at hand.
//!
//! Each is called `FAIRBENCH_…`. The names that they had while this was part of a lab (`PERF_LAB_…`) still work; where
//! both are set, the new name holds.

use std::ffi::OsString;

/// An environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The name that it had before, which still works.
    pub former: &'static str,
}

/// The core that work on one thread is measured on.
pub const CORE: Variable = Variable { name: "FAIRBENCH_CORE", former: "PERF_LAB_CORE" };
/// Seconds that a probe has for an answer.
pub const PROBE_TIMEOUT: Variable =
    Variable { name: "FAIRBENCH_PROBE_TIMEOUT_SECONDS", former: "PERF_LAB_PROBE_TIMEOUT_SECONDS" };
/// The directory of the locks by which several measurements on one machine wait for each other.
pub const QUEUE_DIRECTORY: Variable = Variable { name: "FAIRBENCH_QUEUE_DIR", former: "PERF_LAB_QUEUE_DIR" };

impl Variable {
    /// Returns the name that is set and its value; `None` if neither name is set, or both are empty.
    #[must_use]
    pub fn get(self) -> Option<(&'static str, OsString)> {
        self.among(|name| std::env::var_os(name))
    }

    fn among(self, value: impl Fn(&str) -> Option<OsString>) -> Option<(&'static str, OsString)> {
        [self.name, self.former]
            .into_iter()
            .find_map(|name| Some((name, value(name).filter(|value| !value.is_empty())?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_former_name_works_and_the_new_one_holds() {
        let core = |set: &'static [(&str, &str)]| {
            CORE.among(|name| set.iter().find(|(own, _)| *own == name).map(|(_, value)| value.into()))
        };
        assert_eq!(core(&[]), None);
        assert_eq!(core(&[("FAIRBENCH_CORE", ""), ("PERF_LAB_CORE", "")]), None);
        assert_eq!(core(&[("PERF_LAB_CORE", "1")]), Some(("PERF_LAB_CORE", "1".into())));
        assert_eq!(core(&[("PERF_LAB_CORE", "1"), ("FAIRBENCH_CORE", "2")]), Some(("FAIRBENCH_CORE", "2".into())));
        assert_eq!(core(&[("PERF_LAB_CORE", "1"), ("FAIRBENCH_CORE", "")]), Some(("PERF_LAB_CORE", "1".into())));
    }
}
