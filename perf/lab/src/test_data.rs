//! A small made-up sweep for tests of what follows from one.

use fairbench::host::Host;

use crate::sweep::row::{ArmKind, CsvRow};

/// A host that no tripwire names.
pub(crate) fn host() -> Host {
    Host {
        cpu: "Test CPU".to_owned(),
        cores: 2,
        rayon_threads: 2,
        governor: None,
        os: "linux x86_64".to_owned(),
        kernel: None,
        rustc: "rustc 1.95.0".to_owned(),
        rustflags: String::new(),
        build: "release".to_owned(),
        features: Vec::new(),
        simd_path: "avx2".to_owned(),
        revision: None,
    }
}

/// Rows of two batches on one fixture, with knobs of `prod`. Per token `plain` takes 5 µs, `classic` 3.25 µs, `prod` 1
/// µs, and the floor 0.5 µs.
pub(crate) fn rows() -> Vec<CsvRow> {
    let mut rows = Vec::new();
    for (group, batch) in [(0, 1), (1, 64)] {
        rows.push(row(group, "variants", ArmKind::Variant, "plain", batch, 5000.0));
        rows.push(row(group, "variants", ArmKind::Control, "plain", batch, 5000.0));
        rows.push(row(group, "variants", ArmKind::Classic, "classic", batch, 3250.0));
        rows.push(row(group, "variants", ArmKind::Variant, "prod", batch, 1000.0));
        rows.push(row(group, "variants", ArmKind::Floor, "floor", batch, 500.0));
    }
    for (threshold, ns) in [(4, 1010.0), (16, 1005.0), (usize::MAX, 1000.0)] {
        let mut row = row(2, "knobs", ArmKind::Variant, "prod", 64, ns);
        row.soa_threshold_caveats = threshold;
        rows.push(row);
    }
    rows
}

fn row(group: usize, purpose: &str, kind: ArmKind, variant: &str, batch: usize, ns: f64) -> CsvRow {
    let (to_plain, to_classic, to_floor) = (ns / 5000.0, ns / 3250.0, ns / 500.0);
    // Intervals of the speed-up of prod: 4.9 to 5.1.
    let spread = if kind == ArmKind::Variant && variant == "plain" { 0.0 } else { 0.02 };
    CsvRow {
        panel: group,
        purpose: purpose.to_owned(),
        kind,
        variant: variant.to_owned(),
        fixture: "light".to_owned(),
        batch_tokens: batch,
        soa_threshold_caveats: usize::MAX,
        par_min_batch_tokens: 128,
        threads: 1,
        pinned: true,
        blocks: 20,
        time_median_ns_per_token: ns,
        time_q1_ns_per_token: ns * 0.99,
        time_q3_ns_per_token: ns * 1.02,
        ratio_to_plain: to_plain,
        ratio_to_plain_lower95: to_plain / (1.0 + spread),
        ratio_to_plain_upper95: to_plain / (1.0 - spread),
        ratio_to_classic: Some(to_classic),
        ratio_to_classic_lower95: Some(to_classic * 0.98),
        ratio_to_classic_upper95: Some(to_classic * 1.02),
        ratio_to_floor: Some(to_floor),
        ratio_to_floor_lower95: Some(to_floor * 0.95),
        ratio_to_floor_upper95: Some(to_floor * 1.05),
        allocations_per_token: Some(2.0),
        allocated_bytes_per_token: Some(96.5),
        instructions_per_token: None,
        peak_resident_bytes: Some(9 << 20),
        jemalloc_allocated_bytes: Some(1 << 20),
        jemalloc_active_bytes: Some(2 << 20),
        jemalloc_resident_bytes: Some(3 << 20),
        unavailable: None,
    }
}
