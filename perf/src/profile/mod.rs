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

/// Samples these variants on these corpora, one after the other on one core.
///
/// # Errors
/// The system cannot be profiled; a file cannot be written.
pub fn measure(
    _variants: &[ron_auth_variants::Variant],
    _corpora: &[crate::corpus::Source],
    _batch: usize,
    _seconds: f64,
    _directory: &std::path::Path,
    _interrupted: &dyn Fn() -> bool,
    _progress: &mut dyn FnMut(),
) -> anyhow::Result<Vec<crate::run::record::Profile>> {
    anyhow::bail!("not yet")
}
