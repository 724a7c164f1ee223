//! `perf-lab vectors FILE…`: does every variant decide as the deployment that minted these tokens?

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args as ClapArgs;
use fairbench::exit::{CommandResult, Exit};

use super::print;
use crate::assurance::vectors::Vectors;

/// Replay vector files on every variant, through verify_token and the batch functions
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Files with recorded decisions, in the format of testdata/v1/decisions.json
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Number of differences that are printed for each variant, at most
    #[arg(long, default_value_t = 5)]
    show: usize,
}

/// Runs `vectors`. Exit 1 on any difference.
///
/// # Errors
/// A file is missing, unreadable or of another format.
pub fn run(args: &Args) -> CommandResult {
    let files: Vec<Vectors> = args.files.iter().map(|path| Vectors::read(path)).collect::<anyhow::Result<_>>()?;
    if let Some((path, _)) = args.files.iter().zip(&files).find(|(_, vectors)| vectors.cases.is_empty()) {
        return Err(anyhow!("{}: has no cases, so nothing was checked; expected at least one", path.display()).into());
    }
    let (mut passed, mut failed) = (0, 0);
    let variants = ron_auth_catalogue::catalogue();
    let width = variants.iter().map(|variant| variant.name.len()).max().unwrap_or_default();
    for variant in &variants {
        let verifier = variant.build();
        let mut cases = 0;
        let mut mismatches = Vec::new();
        for vectors in &files {
            let config = vectors.config();
            cases += vectors.cases.len();
            mismatches
                .extend((0..vectors.cases.len()).filter_map(|case| vectors.replay(&*verifier, &config, case).err()));
        }
        let name = variant.name;
        print(format_args!("{name:width$}  {} passed, {} failed", cases - mismatches.len(), mismatches.len()));
        if let Some(reason) = variant.hindrance() {
            // It decides as it always does; only its times would be another's.
            print(format_args!("{name}: decisions alone; its times are n/a: {reason}"));
        }
        for mismatch in mismatches.iter().take(args.show) {
            print(format_args!("{name}: {mismatch}"));
        }
        passed += cases - mismatches.len();
        failed += mismatches.len();
    }
    print(format_args!("{passed} passed, {failed} failed"));
    Ok(if failed == 0 { Exit::Success } else { Exit::Difference })
}
