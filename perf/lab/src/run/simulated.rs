//! A simulated run of known truth: every seam changes the time by a factor, and some pairs of seams by another one.

mod full;

use std::path::PathBuf;

use fairbench::measure::simulated::normal;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ron_auth_catalogue::{
    Base64Choice, DecodeChoice, ExecuteChoice, MacChoice, ScratchChoice, Seams, Variant, catalogue, compositions, find,
};

use super::journal::Run;
use super::record::{ArmKind, Block, ComparisonGroup, FORMAT, Header, Panel, Point, Record, SweepArm};
use crate::catalogue::{Knobs, REFERENCE};

pub(crate) use full::{full, full_in};

/// The truth: what each seam is worth, as time / time of plain.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) simd_b64: f64,
    pub(crate) minicbor: f64,
    pub(crate) lanes: f64,
    pub(crate) parallel: f64,
    pub(crate) tls_scratch: f64,
    /// Factor of lanes and parallel together beyond the product of their own.
    pub(crate) lanes_with_parallel: f64,
    /// Standard deviation of a block's log ratio.
    pub(crate) noise: f64,
    pub(crate) control_off: f64,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            simd_b64: 0.8,
            minicbor: 0.4,
            lanes: 0.5,
            parallel: 1.0,
            tls_scratch: 0.98,
            lanes_with_parallel: 1.1,
            noise: 0.004,
            control_off: 0.0,
        }
    }
}

/// Time of `classic` / time of `plain` in every block.
pub(crate) const CLASSIC: f64 = 0.7;

/// Time of a variant / time of `plain`.
pub(crate) fn time_of(truth: &Truth, variant: &str) -> f64 {
    let Seams { base64, decode, mac, execute, scratch } = find(variant).unwrap().seams;
    let decode = match decode {
        DecodeChoice::SerdeCbor | DecodeChoice::Classic => 1.0,
        DecodeChoice::Ciborium => 1.3,
        DecodeChoice::ZeroCopy => truth.minicbor,
    };
    let lanes_with = if execute == ExecuteChoice::Parallel { truth.lanes_with_parallel } else { 1.0 };
    let mac = match mac {
        MacChoice::Serial | MacChoice::Hasher => 1.0,
        MacChoice::Lanes => truth.lanes * lanes_with,
        MacChoice::LanesAvx2 => truth.lanes * 1.2,
    };
    let where_it = |is_there, factor| if is_there { factor } else { 1.0 };
    decode
        * mac
        * where_it(base64 == Base64Choice::Simd, truth.simd_b64)
        * where_it(execute == ExecuteChoice::Parallel, truth.parallel)
        * where_it(scratch == ScratchChoice::ThreadLocal, truth.tls_scratch)
}

/// A run of named variants and all compositions on `light`, batches 1 and 64, on one thread, in two panels.
pub(crate) fn run(truth: &Truth, blocks: usize) -> Run {
    let named: Vec<Variant> = catalogue().into_iter().filter(|variant| variant.name != REFERENCE).collect();
    let panel = |section: &str, variants: &[Variant]| Panel {
        section: section.to_owned(),
        groups: [1, 64].map(|batch| group(variants, &point("light", batch, 1))).to_vec(),
    };
    let panels = vec![panel("variants", &named), panel("compositions", compositions())];
    run_of(panels, truth, &|arm| time_of(truth, &arm.variant), blocks)
}

/// A run of any panels, in which the arm of every variant takes what `time` says about it, relative to `plain`.
pub(crate) fn run_of(panels: Vec<Panel>, truth: &Truth, time: &dyn Fn(&SweepArm) -> f64, blocks: usize) -> Run {
    let header = Header {
        format: FORMAT,
        started_utc: "2026-11-22T10:00:00Z".to_owned(),
        plan: "quick".to_owned(),
        command: "cargo lab sweep --quick".to_owned(),
        budget_s: Some(240.0),
        host: crate::own::host(&PathBuf::from(".")),
        panels,
        program_blake3: String::new(),
        corpora_blake3: std::collections::BTreeMap::new(),
        unavailable: Vec::new(),
        checked_cells: 90,
    };
    let mut run = Run::new(header, PathBuf::new());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for index in 0..blocks {
        for panel in 0..run.header.panels.len() {
            let block = block(truth, time, &run.header.panels[panel], panel, index as f64, &mut rng);
            run.push(Record::Block(block));
        }
    }
    run
}

/// A point at default knobs.
pub(crate) fn point(corpus: &str, batch: usize, threads: usize) -> Point {
    Point { corpus: corpus.to_owned(), batch, knobs: Knobs::defaults(threads) }
}

/// A group at one point: `plain`, its control, the floor, these variants and `classic`.
pub(crate) fn group(variants: &[Variant], point: &Point) -> ComparisonGroup {
    let arm = |kind, variant: &str| SweepArm { kind, variant: variant.to_owned(), point: point.clone() };
    let mut arms =
        vec![arm(ArmKind::Variant, REFERENCE), arm(ArmKind::Control, REFERENCE), arm(ArmKind::Floor, "floor")];
    arms.extend(variants.iter().map(|variant| arm(ArmKind::Variant, variant.name)));
    arms.push(arm(ArmKind::Classic, "classic"));
    ComparisonGroup { arms }
}

fn block(
    truth: &Truth,
    time: &dyn Fn(&SweepArm) -> f64,
    panel: &Panel,
    index: usize,
    at_s: f64,
    rng: &mut impl Rng,
) -> Block {
    let mut log_ratio = Vec::new();
    let mut ns_per_token = Vec::new();
    for group in &panel.groups {
        let plain_ns = 2500.0 * (0.1 * normal(rng)).exp();
        let logs: Vec<f64> = group
            .arms
            .iter()
            .enumerate()
            .map(|(number, arm)| match arm.kind {
                _ if number == 0 => 0.0,
                ArmKind::Control => truth.control_off + truth.noise * normal(rng),
                ArmKind::Floor => 0.1_f64.ln() + truth.noise * normal(rng),
                ArmKind::Classic => CLASSIC.ln(),
                _ => time(arm).ln() + truth.noise * normal(rng),
            })
            .collect();
        ns_per_token.push(logs.iter().map(|log| plain_ns * log.exp()).collect());
        log_ratio.push(logs);
    }
    Block { panel: index, at_s, took_s: 1.0, ns_per_token, log_ratio }
}
