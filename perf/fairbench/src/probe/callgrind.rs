//! Callgrind: whether it is installed, what it cannot do, and what its reports say.

use std::process::{Command, Stdio};

use anyhow::bail;

/// Why a program that valgrind ended with an illegal instruction could not be counted.
pub const UNKNOWN_INSTRUCTION: &str = "valgrind met an instruction that it does not know (it has no AVX-512): the \
                                       program was built for this very processor; build it without `-C target-cpu` \
                                       and `-C target-feature` to have its instructions counted";

/// Checks that valgrind is installed.
///
/// # Errors
/// Valgrind is not installed; the message says how to get it.
pub fn available() -> anyhow::Result<()> {
    let found = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => Ok(()),
        _ => bail!("valgrind is missing (apt-get install valgrind)"),
    }
}

/// The total of a callgrind report.
#[must_use]
pub fn total_of(report: &str) -> Option<u64> {
    let line = report.lines().rev().find_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_from_a_callgrind_report() {
        assert_eq!(total_of("version: 1\nevents: Ir\nfn=(1) main\n1 2\n\ntotals: 123456\n"), Some(123_456));
        assert_eq!(total_of("events: Ir\n"), None);
    }
}
