//! The profiles of a run: every variant on every corpus.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fairbench::files::write_whole;
use ron_auth_catalogue::Variant;

use super::sample::{Sampled, sample};
use super::stages::stages;
use crate::catalogue::Knobs;
use crate::catalogue::workload::{Workload, tokens_per_pass};
use crate::corpus::Source;
use crate::own::pool::on_one_core;
use crate::run::record::{Point, Profile};

/// Samples each variant on each corpus for `seconds`, in this process and on one core, pinned where the system allows
/// it, with default knobs and one thread. The stacks go into `directory`, one file each. `interrupted` ends it after
/// the profile that is complete; `progress` is called after every profile with the part that is done, from 0 to 1.
///
/// # Errors
/// A system that cannot be profiled, no samples, or a file that cannot be written.
pub fn measure(
    variants: &[Variant],
    sources: &[Source],
    batch: usize,
    seconds: f64,
    directory: &Path,
    interrupted: &(dyn Fn() -> bool + Sync),
    progress: &mut dyn FnMut(f64),
) -> anyhow::Result<Vec<Profile>> {
    let mut profiles = Vec::new();
    for source in sources {
        for variant in variants {
            let workload = workload(variant, source, batch);
            let sampled = sample_on_one_core(&workload, Duration::try_from_secs_f64(seconds)?, interrupted)?;
            if interrupted() {
                return Ok(profiles);
            }
            let folded = file_name(variant, source, &format!("-b{batch}.folded"));
            write_whole(&directory.join(&folded), sampled.folded.to_string())?;
            profiles.push(Profile {
                variant: variant.name.to_owned(),
                point: Point { corpus: source.to_string(), batch, knobs: Knobs::defaults(1) },
                seconds: sampled.cpu_seconds,
                stages: stages(&sampled.folded),
                folded,
            });
            progress(profiles.len() as f64 / (variants.len() * sources.len()) as f64);
        }
    }
    Ok(profiles)
}

/// A variant with tokens to profile it on, at default knobs and on one thread.
#[must_use]
pub fn workload(variant: &Variant, source: &Source, batch: usize) -> Workload {
    Workload::new(variant, Arc::new(source.corpus(tokens_per_pass(batch))), batch, Knobs::defaults(1))
}

/// Does what [`sample`] does, on one core, pinned where the system allows it.
///
/// # Errors
/// The errors of [`sample`]; the sampled thread could not be started.
pub fn sample_on_one_core(
    workload: &Workload,
    duration: Duration,
    interrupted: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<Sampled> {
    on_one_core(|| sample(workload, duration, &interrupted))?.1
}

/// The file name `flame-VARIANT-CORPUS` with this ending. What a file's name should not hold, such as the slashes of a
/// path, becomes a hyphen.
#[must_use]
pub fn file_name(variant: &Variant, source: &Source, ending: &str) -> String {
    let name = format!("flame-{}-{source}{ending}", variant.name);
    name.replace(|character: char| !(character.is_alphanumeric() || "+-_.".contains(character)), "-")
}
