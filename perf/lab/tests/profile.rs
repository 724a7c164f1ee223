//! Profiles of a sweep, in a process of their own: a profiler interrupts whatever runs.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::process::Command;

use common::{code, err};
use perf_lab::profile::{Folded, stages};
use perf_lab::run::Run;

const PLAN: &str = "blocks = [6, 6]\nturn_us = 20\nrounds = 1\n\n[profile]\nvariants = [\"plain\", \"simd-b64+lanes\"]\n\
                    corpora = [\"light\"]\nbatch = 4\nseconds = 2.0\n\n[[section]]\nname = \"variants\"\n\
                    variants = [\"prod\"]\ncorpora = [\"light\"]\nbatches = [4]\n";

#[test]
fn a_run_has_a_profile_of_each_variant_on_each_corpus_with_its_stacks_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let (plan, out) = (dir.path().join("plan.toml"), dir.path().join("run"));
    fs::write(&plan, PLAN).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_perf-lab"));
    command.env_remove("CARGO").arg("sweep").arg("--plan").arg(plan).arg("--out").arg(&out);
    let output = command.arg("--baselines").arg(dir.path()).output().unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));

    let run = Run::read(&out).unwrap();
    assert_eq!(run.profiles.len(), 2, "{:?}", run.notes);
    assert_eq!(run.profiles[1].folded, "flame-+simd-b64+lanes-light-b4.folded");
    for profile in &run.profiles {
        assert_eq!(profile.point.to_string(), "light, batch 4, 1 thread");
        assert!(profile.seconds > 0.05, "{profile:?}");
        let folded: Folded = fs::read_to_string(out.join(&profile.folded)).unwrap().parse().unwrap();
        assert_eq!(profile.stages, stages(&folded));
        // Unoptimised, the names are all there: little may be left unnamed.
        let named: u64 = profile.stages.iter().filter(|stage| stage.stage != "other").map(|stage| stage.samples).sum();
        assert!(named * 10 > folded.samples() * 6, "{:?}", profile.stages);
        for stage in ["base64", "decode", "mac"] {
            assert!(profile.stages.iter().any(|found| found.stage == stage), "{stage}: {:?}", profile.stages);
        }
    }
}
