//! Folded stacks: one line for each stack, frames from the outermost in, `a;b;c COUNT`. Every flamegraph tool reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, ensure};

/// Stacks with the number of samples of each, sorted by their text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    counts: BTreeMap<String, u64>,
}

impl Folded {
    /// Adds samples of one stack, with frames from the outermost in. A frame's name must not hold a `;`.
    pub fn add(&mut self, frames: &[impl AsRef<str>], samples: u64) {
        let frames: Vec<String> = frames.iter().map(|frame| frame.as_ref().replace(';', ":")).collect();
        *self.counts.entry(frames.join(";")).or_default() += samples;
    }

    /// Number of samples of all stacks.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.counts.values().sum()
    }

    /// All stacks, with frames from the outermost in, and their samples.
    pub fn stacks(&self) -> impl Iterator<Item = (Vec<&str>, u64)> {
        self.counts.iter().map(|(stack, &samples)| (stack.split(';').collect(), samples))
    }
}

impl fmt::Display for Folded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.iter().try_for_each(|(stack, samples)| writeln!(f, "{stack} {samples}"))
    }
}

impl FromStr for Folded {
    type Err = anyhow::Error;

    /// Reads lines of the form `a;b;c COUNT`; empty lines are ignored.
    ///
    /// # Errors
    /// The number of the first line that is not a stack; no samples at all.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut folded = Self::default();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (stack, samples) = line
                .trim()
                .rsplit_once(' ')
                .and_then(|(stack, samples)| Some((stack, samples.parse::<u64>().ok()?)))
                .with_context(|| format!("folded stacks, line {}: expected frames;… COUNT", index + 1))?;
            *folded.counts.entry(stack.to_owned()).or_default() += samples;
        }
        ensure!(folded.samples() > 0, "folded stacks: no samples; sample for longer (--seconds)");
        Ok(folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut folded = Folded::default();
        folded.add(&["main", "<[u8; 4] as Trait>::f"], 2);
        folded.add(&["main"], 1);
        folded.add(&["main"], 4);
        assert_eq!(folded.to_string(), "main 5\nmain;<[u8: 4] as Trait>::f 2\n");
        assert_eq!(folded.to_string().parse::<Folded>().unwrap(), folded);
        assert_eq!(folded.samples(), 7);
        assert_eq!(folded.stacks().last().unwrap(), (vec!["main", "<[u8: 4] as Trait>::f"], 2));
    }

    #[test]
    fn a_line_that_is_no_stack_is_named_by_its_number() {
        for wrong in ["a;b 3\n\nc;d\n", "a 1\n\nb -2", "a 1\n\nb 1.5"] {
            let error = wrong.parse::<Folded>().unwrap_err().to_string();
            assert_eq!(error, "folded stacks, line 3: expected frames;… COUNT");
        }
        for empty in ["", "\n", "a;b 0\n"] {
            assert!(empty.parse::<Folded>().unwrap_err().to_string().contains("no samples"));
        }
    }
}
