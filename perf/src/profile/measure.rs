//! The profiles of a run: every variant on every corpus.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ron_auth_variants::Variant;

use super::sample::{Sampled, sample};
use super::stages::stages;
use crate::cell::Knobs;
use crate::corpus::Source;
use crate::files::write_whole;
use crate::measure::pin::on_one_core;
use crate::run::record::{Point, Profile};
use crate::workload::{Workload, tokens_per_pass};

/// Samples each variant on each corpus for `seconds`, in this process, on one core, pinned where the system allows it;
/// default knobs, one thread. The stacks go into `directory`, one file each. `interrupted` ends it after the profile
/// that is complete; `progress` hears the part done, 0 to 1, after every profile.
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

/// A variant and tokens to profile it on: default knobs, one thread.
#[must_use]
pub fn workload(variant: &Variant, source: &Source, batch: usize) -> Workload {
    Workload::new(variant, Arc::new(source.corpus(tokens_per_pass(batch))), batch, Knobs::defaults(1))
}

/// As [`sample`], on one core, pinned where the system allows it.
///
/// # Errors
/// As there; and the sampled thread could not be started.
pub fn sample_on_one_core(
    workload: &Workload,
    duration: Duration,
    interrupted: &(dyn Fn() -> bool + Sync),
) -> anyhow::Result<Sampled> {
    on_one_core(|| sample(workload, duration, &interrupted))?.1
}

/// `flame-VARIANT-CORPUS` and an ending. What a file's name should not hold, such as the slashes of a path, becomes a
/// hyphen.
#[must_use]
pub fn file_name(variant: &Variant, source: &Source, ending: &str) -> String {
    let name = format!("flame-{}-{source}{ending}", variant.name);
    name.replace(|character: char| !(character.is_alphanumeric() || "+-_.".contains(character)), "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Folded;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_run_has_a_profile_of_each_variant_on_each_corpus_with_its_stacks_in_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let variants = ["plain", "+simd-b64+lanes"].map(|name| ron_auth_variants::find(name).unwrap());
        let sources = ["light".parse().unwrap()];
        let mut heard = Vec::new();
        let profiles =
            measure(&variants, &sources, 4, 0.4, directory.path(), &|| false, &mut |part| heard.push(part)).unwrap();
        assert_eq!(heard, [0.5, 1.0]);
        assert_eq!(profiles[1].folded, "flame-+simd-b64+lanes-light-b4.folded");
        for profile in &profiles {
            assert_eq!(profile.point.to_string(), "light, batch 4, 1 thread");
            assert!(profile.seconds > 0.05, "{profile:?}");
            let folded: Folded =
                std::fs::read_to_string(directory.path().join(&profile.folded)).unwrap().parse().unwrap();
            assert_eq!(profile.stages, stages(&folded));
            // Unoptimised, the names are all there: little may be left unnamed.
            let named: u64 =
                profile.stages.iter().filter(|stage| stage.stage != "other").map(|stage| stage.samples).sum();
            assert!(named * 10 > folded.samples() * 6, "{:?}", profile.stages);
            for stage in ["base64", "decode", "mac"] {
                assert!(profile.stages.iter().any(|found| found.stage == stage), "{stage}: {:?}", profile.stages);
            }
        }
    }

    #[test]
    fn an_interrupted_profile_is_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let variants = [ron_auth_variants::find("prod").unwrap()];
        let sources = ["light".parse().unwrap()];
        let profiles = measure(&variants, &sources, 1, 60.0, directory.path(), &|| true, &mut |_| {}).unwrap();
        assert_eq!(profiles, []);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
