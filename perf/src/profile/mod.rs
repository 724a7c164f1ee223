//! Where the time goes: sampled stacks, flamegraphs, differences of two, and the share of each stage.

/// A flamegraph of folded stacks (lines `a;b;c COUNT`).
///
/// # Errors
/// No samples, or lines that are no stacks.
pub fn flamegraph(_folded: &str, _title: &str) -> anyhow::Result<String> {
    anyhow::bail!("not yet")
}

/// A difference flamegraph: frames as in `after`, coloured by how their share changed against `before`.
///
/// # Errors
/// As [`flamegraph`].
pub fn difference(_before: &str, _after: &str, _title: &str) -> anyhow::Result<String> {
    anyhow::bail!("not yet")
}
