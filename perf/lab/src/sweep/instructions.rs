//! Instructions per token, counted by callgrind on this very program, which serves the points under it.
//!
//! valgrind has no AVX-512, so the SIMD path that it offers is recorded beside the counts.

use anyhow::bail;
use fairbench::interrupt;
use fairbench::probe::callgrind::UNKNOWN_INSTRUCTION;
use fairbench::probe::count::steady_instructions;
use rayon::prelude::*;
use ron_auth_variants::mac::lanes::SimdLevel;

use super::points::{case, file_of};
use crate::own::own_program;
use crate::run::Point;

/// A cell: a variant on a point.
pub type CountKey = (String, Point);

/// Iterations of a counted run: the same pass takes the same instructions every time.
const ITERATIONS: u64 = 1;

/// What callgrind counted.
#[derive(Clone, Debug, Default)]
pub struct CallgrindCounts {
    /// Instructions per token.
    pub per_token: Vec<(CountKey, f64)>,
    /// The SIMD path under valgrind.
    pub simd_path: String,
}

/// Whether this very program can run under valgrind, which is known before minutes are spent on it.
///
/// # Errors
/// It was built with AVX-512 everywhere.
pub fn runs_under_valgrind() -> anyhow::Result<()> {
    if SimdLevel::compiled_in() == SimdLevel::Avx512 {
        bail!(UNKNOWN_INSTRUCTION);
    }
    Ok(())
}

/// Counts every cell, on one thread each, several at a time: other load does not change a count. `progress` is told
/// after each; cells for which `late` has become true by their turn are left out.
///
/// # Errors
/// valgrind or the probe failed.
pub fn count_all(
    cells: &[CountKey],
    late: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn() + Sync),
) -> anyhow::Result<CallgrindCounts> {
    runs_under_valgrind()?;
    let counted: Vec<Option<(f64, String)>> = cells
        .par_iter()
        .map(|(variant, point)| {
            if late() {
                return Ok(None);
            }
            let file = file_of(&[point])?;
            let mut command = own_program(variant)?.args(["probe", "--variant", variant, "--points"]);
            command = command.args([file.path()]);
            command.env.push(("RAYON_NUM_THREADS".to_owned(), "1".to_owned()));
            match steady_instructions(&command, &[&case(point)], ITERATIONS) {
                Ok(counted) => {
                    progress();
                    Ok(counted.per_item.into_values().next().map(|per_token| (per_token, counted.simd_path)))
                }
                Err(_) if interrupt::requested() => Ok(None),
                Err(error) => Err(error),
            }
        })
        .collect::<anyhow::Result<_>>()?;
    let mut counts = CallgrindCounts::default();
    for (key, (per_token, simd_path)) in cells.iter().zip(counted).filter_map(|(key, found)| Some((key, found?))) {
        counts.per_token.push((key.clone(), per_token));
        counts.simd_path = simd_path;
    }
    Ok(counts)
}
