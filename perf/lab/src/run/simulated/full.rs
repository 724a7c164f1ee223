//! A simulated run that has something of everything that a report shows.

use std::path::Path;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ron_auth_catalogue::{catalogue, compositions};

use super::{Truth, normal, time_of};
use crate::catalogue::{CLASSIC, Knobs, REFERENCE};
use crate::run::journal::{Run, RunJournal};
use crate::run::record::Allocations;
use crate::run::record::{
    ArmKind, Block, ComparisonGroup, Count, FORMAT, Header, MemoryRecord, Panel, Point, Profile, Record, StageSamples,
    SweepArm,
};
use crate::test_data::host;

const CORPORA: [&str; 2] = ["light", "heavy"];
const BATCHES: [usize; 5] = [1, 8, 64, 256, 1024];

/// A run of two corpora, five batches, one thread and two, all compositions, knobs, counts, memory and profiles.
pub(crate) fn full(blocks: usize) -> Run {
    let host = fairbench::host::Host { cpu: "Example CPU @ 3.0 GHz".to_owned(), ..host() };
    let header = Header {
        format: FORMAT,
        started_utc: "2026-11-22T10:00:00Z".to_owned(),
        plan: "full".to_owned(),
        command: "cargo lab sweep --full --budget 1h".to_owned(),
        budget_s: Some(3600.0),
        host,
        panels: panels(),
        program_blake3: String::new(),
        corpora_blake3: std::collections::BTreeMap::new(),
        unavailable: Vec::new(),
        checked_cells: 90,
    };
    let mut run = Run::new(header, std::path::PathBuf::new());
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for index in 0..blocks {
        for (number, panel) in run.header.panels.clone().iter().enumerate() {
            run.push(Record::Block(block(panel, number, index as f64 * 20.0, &mut rng)));
        }
    }
    for (variant, allocations, instructions) in [("plain", 41.0, 21_500.0), ("prod", 2.0, 4_300.0)] {
        let point = point("light", 1, Knobs::defaults(1));
        run.push(Record::Count(Count {
            variant: variant.to_owned(),
            point: point.clone(),
            allocations: Some(Allocations {
                allocations_per_token: allocations,
                allocated_bytes_per_token: allocations * 52.5,
            }),
            instructions_per_token: Some(instructions),
        }));
        run.push(Record::Memory(MemoryRecord {
            variant: variant.to_owned(),
            point: point.clone(),
            peak_resident_bytes: 9 << 20,
            jemalloc_allocated_bytes: Some(1 << 20),
            jemalloc_active_bytes: Some(2 << 20),
            jemalloc_resident_bytes: Some(3 << 20),
        }));
        run.push(Record::Profile(Profile {
            variant: variant.to_owned(),
            point,
            seconds: 3.0,
            stages: stages(variant).map(|(stage, samples)| StageSamples { stage: stage.to_owned(), samples }).to_vec(),
            folded: format!("{variant}-light-1.folded"),
        }));
    }
    run.push(Record::Note("instructions of heavy tokens were not counted: callgrind is not installed.".to_owned()));
    run.push(Record::End { elapsed_s: 3541.0 });
    run
}

/// The same run, as a sweep leaves it in a directory.
pub(crate) fn full_in(directory: &Path, blocks: usize) -> Run {
    let mut run = full(blocks);
    run.directory = directory.to_path_buf();
    let mut journal = RunJournal::create(directory, &run.header).unwrap();
    run.blocks.iter().for_each(|block| journal.write(&Record::Block(block.clone())).unwrap());
    run.counts.iter().for_each(|count| journal.write(&Record::Count(count.clone())).unwrap());
    run.memory.iter().for_each(|memory| journal.write(&Record::Memory(memory.clone())).unwrap());
    run.profiles.iter().for_each(|profile| journal.write(&Record::Profile(profile.clone())).unwrap());
    run.notes.iter().for_each(|note| journal.write(&Record::Note(note.clone())).unwrap());
    journal.write(&Record::End { elapsed_s: run.elapsed_s.unwrap() }).unwrap();
    for profile in &run.profiles {
        let stacks = profile.stages.iter().map(|StageSamples { stage, samples }| {
            format!("{stage};verify_token {}\n{stage};verify_token;inner {}\n", samples / 3, samples - samples / 3)
        });
        std::fs::write(directory.join(&profile.folded), stacks.collect::<String>()).unwrap();
    }
    run
}

fn panels() -> Vec<Panel> {
    let named: Vec<String> = catalogue().iter().skip(1).map(|variant| variant.name.to_owned()).collect();
    let composed: Vec<String> = compositions().iter().map(|variant| variant.name.to_owned()).collect();
    let parallel = ["parallel", "prod"].map(str::to_owned);
    let each = |section: &str, batches: &[usize], variants: &[String], threads: usize| Panel {
        section: section.to_owned(),
        groups: CORPORA
            .iter()
            .flat_map(|corpus| batches.iter().map(move |batch| (corpus, *batch)))
            .map(|(corpus, batch)| group(variants, &point(corpus, batch, Knobs::defaults(threads))))
            .collect(),
    };
    vec![
        each("variants", &BATCHES, &named, 1),
        each("parallel", &BATCHES[2..], &parallel, 2),
        Panel {
            section: "compositions".to_owned(),
            groups: vec![composed_on(1, &composed), composed_on(64, &composed)],
        },
        knobs(&[0, 8, 16, 32, 64, usize::MAX], 1, |soa_threshold| Knobs { soa_threshold, ..Knobs::defaults(1) }),
        knobs(&[1, 32, 64, 128, 512, usize::MAX], 2, |par_min_batch| Knobs { par_min_batch, ..Knobs::defaults(2) }),
    ]
}

fn composed_on(batch: usize, composed: &[String]) -> ComparisonGroup {
    group(composed, &point("light", batch, Knobs::defaults(1)))
}

/// A panel of `prod` with each of these values, on both corpora.
fn knobs(values: &[usize], threads: usize, knobs: fn(usize) -> Knobs) -> Panel {
    let of = |corpus: &&str| {
        let mut group = group(&[], &point(corpus, 64, Knobs::defaults(threads)));
        group.arms.retain(|arm| arm.kind != ArmKind::Floor);
        group.arms[0].kind = ArmKind::Reference;
        let classic = group.arms.pop();
        group.arms.extend(values.iter().map(|&value| arm(ArmKind::Variant, "prod", &point(corpus, 64, knobs(value)))));
        group.arms.extend(classic);
        group
    };
    Panel { section: "knobs".to_owned(), groups: CORPORA.iter().map(of).collect() }
}

fn group(variants: &[String], point: &Point) -> ComparisonGroup {
    let mut arms = vec![arm(ArmKind::Variant, REFERENCE, point), arm(ArmKind::Control, REFERENCE, point)];
    if point.knobs.threads == 1 {
        arms.push(arm(ArmKind::Floor, "floor", point));
    }
    arms.extend(variants.iter().map(|variant| arm(ArmKind::Variant, variant, point)));
    arms.push(arm(ArmKind::Classic, CLASSIC, point));
    ComparisonGroup { arms }
}

fn arm(kind: ArmKind, variant: &str, point: &Point) -> SweepArm {
    SweepArm { kind, variant: variant.to_owned(), point: point.clone() }
}

fn point(corpus: &str, batch: usize, knobs: Knobs) -> Point {
    Point { corpus: corpus.to_owned(), batch, knobs }
}

fn block(panel: &Panel, number: usize, at_s: f64, rng: &mut impl Rng) -> Block {
    let digits = |value: f64, digits: f64| (value * digits).round() / digits;
    let mut block = Block { panel: number, at_s, took_s: 4.0, ns_per_token: Vec::new(), log_ratio: Vec::new() };
    for group in &panel.groups {
        let plain_ns =
            2500.0 * (0.06 * normal(rng)).exp() * if group.arms[0].point.corpus == "light" { 1.0 } else { 5.0 };
        let noise = if group.arms[0].point.knobs.threads == 1 { 0.006 } else { 0.03 };
        let logs: Vec<f64> = (0..)
            .zip(&group.arms)
            .map(|(index, arm)| match arm.kind {
                _ if index == 0 => 0.0,
                ArmKind::Classic => digits(super::CLASSIC.ln(), 1e5),
                _ => digits(factor(arm).ln() + noise * normal(rng), 1e5),
            })
            .collect();
        block.ns_per_token.push(logs.iter().map(|log| digits(plain_ns * log.exp(), 10.0)).collect());
        block.log_ratio.push(logs);
    }
    block
}

/// Time / time of plain: lanes want a batch, threads want a large one, columnar evaluation costs a little.
fn factor(arm: &SweepArm) -> f64 {
    let Point { batch, knobs: Knobs { soa_threshold, par_min_batch, threads }, .. } = arm.point;
    let filled = (batch as f64 / 16.0).min(1.0);
    let truth = Truth { lanes: 1.0 - 0.5 * filled, ..Truth::default() };
    let spread = threads > 1 && batch >= par_min_batch;
    match arm.kind {
        ArmKind::Control | ArmKind::Reference => 1.0,
        ArmKind::Classic => super::CLASSIC,
        ArmKind::Floor => 0.24 - 0.15 * filled,
        ArmKind::Variant => {
            let knob = 1.0 + 0.01 * (100.0 / (soa_threshold as f64 + 4.0)).ln().max(0.0);
            let parallel = matches!(arm.variant.as_str(), "parallel" | "prod");
            time_of(&truth, &arm.variant) * knob * if spread && parallel { 0.58 } else { 1.0 }
        }
    }
}

fn stages(variant: &str) -> [(&'static str, u64); 7] {
    if variant == REFERENCE {
        return [
            ("decode", 1500),
            ("mac", 700),
            ("base64", 400),
            ("results", 180),
            ("evaluate", 120),
            ("key", 60),
            ("other", 40),
        ];
    }
    [("mac", 1400), ("decode", 600), ("base64", 300), ("evaluate", 400), ("results", 150), ("key", 90), ("other", 60)]
}
