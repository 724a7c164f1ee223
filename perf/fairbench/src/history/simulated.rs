//! Simulated histories of known truth.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::entry::{Entry, FORMAT, HistoryBenchmark};
use crate::measure::simulated::SimulatedNoise;

/// Size of a unit of noise from run to run, as a part of one: half a per cent.
const NOISE: f64 = 0.005;

/// Log ratios of so many runs, at these levels.
#[must_use]
pub fn series(rng: &mut impl Rng, noise: SimulatedNoise, runs: usize, level: impl Fn(usize) -> f64) -> Vec<f64> {
    (0..runs).map(|run| level(run) + NOISE * noise.draw(rng)).collect()
}

/// So many runs of one host, one a day, of three benchmarks: `plain` stays as it is, `prod` gets 3 % slower with the
/// 19th run, `lanes` by 0.1 % with each.
#[must_use]
pub fn entries(runs: usize) -> Vec<Entry> {
    let mut rng = ChaCha8Rng::seed_from_u64(30);
    let mut values = |level: fn(usize) -> f64| series(&mut rng, SimulatedNoise::Normal, runs, level);
    let plain = values(|_| 2.303);
    let prod = values(|run| if run < 18 { 0.405 } else { 0.405 + 0.03 });
    let lanes = values(|run| 1.609 + 0.001 * run as f64);
    let values = plain.into_iter().zip(prod).zip(lanes);
    values
        .enumerate()
        .map(|(run, ((plain, prod), lanes))| Entry {
            format: FORMAT,
            started_utc: format!("2026-{:02}-{:02}T10:00:00Z", 1 + run / 28, 1 + run % 28),
            revision: Some(format!(
                "{:07x}00000{}",
                0x0a1_b2c3 + run * 0x1f_1f1f,
                if run % 9 == 4 { "-dirty" } else { "" }
            )),
            host: "test-cpu-2c-avx2-01234567".to_owned(),
            cpu: "Test CPU".to_owned(),
            system: Some("linux x86_64 release".to_owned()),
            compiler: Some("rustc 1.95.0".to_owned()),
            plan: "quick".to_owned(),
            benchmarks: [("plain", plain), ("prod", prod), ("lanes", lanes)]
                .map(|(variant, log)| (format!("{variant}/light/64"), benchmark(log.exp())))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        })
        .collect()
}

fn benchmark(ratio_to_floor: f64) -> HistoryBenchmark {
    HistoryBenchmark {
        ratio_to_floor,
        ratio_to_floor_lower95: ratio_to_floor * 0.996,
        ratio_to_floor_upper95: ratio_to_floor * 1.005,
        ratio_to_plain: ratio_to_floor / 10.0,
        ratio_to_plain_lower95: ratio_to_floor / 10.0 * 0.997,
        ratio_to_plain_upper95: ratio_to_floor / 10.0 * 1.003,
        ns_per_token: 250.0 * ratio_to_floor,
        blocks: 24,
    }
}
