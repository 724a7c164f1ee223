//! The shapes of a run. Serialized, they are the lines of `run.jsonl`; `reports/README.md` is their documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fairbench::host::Host;
use ron_auth_catalogue::find;
use serde::{Deserialize, Serialize};

use crate::catalogue::Knobs;
use crate::corpus::Source;

/// Version of the format of `run.jsonl` that is written.
pub const FORMAT: u64 = 1;

/// A point: on which tokens a verifier is run, how many per call, with which knobs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Point {
    /// Name of a fixture, or path of a corpus file.
    pub corpus: String,
    /// Tokens per call; 1 means `verify_token`.
    pub batch: usize,
    /// The knobs that it is run with.
    pub knobs: Knobs,
}

impl Point {
    /// The work without the knobs: corpus, batch, threads. It is what runs of revisions with other default knobs have
    /// in common.
    #[must_use]
    pub fn work(&self) -> (&str, usize, usize) {
        (&self.corpus, self.batch, self.knobs.threads)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { corpus, batch, knobs: Knobs { soa_threshold, par_min_batch, threads } } = self;
        let defaults = Knobs::defaults(*threads);
        write!(f, "{corpus}, batch {batch}, {threads} thread{}", if *threads == 1 { "" } else { "s" })?;
        if *soa_threshold != defaults.soa_threshold {
            write!(f, ", soa_threshold {soa_threshold}")?;
        }
        if *par_min_batch != defaults.par_min_batch {
            write!(f, ", par_min_batch {par_min_batch}")?;
        }
        Ok(())
    }
}

/// The kind of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArmKind {
    /// A variant of the verifier.
    Variant,
    /// The reference in a group of another variant's knobs, so that there are ratios to it.
    Reference,
    /// The reference once more, in a process of its own: the control.
    Control,
    /// The least work that verifying these tokens can be.
    Floor,
    /// The second reference, at default knobs: built as the deployed verifier is.
    Classic,
}

impl ArmKind {
    /// Whether it is a verifier whose variant's name is used when it is checked and counted.
    #[must_use]
    pub const fn verifies(self) -> bool {
        matches!(self, Self::Variant | Self::Reference | Self::Classic)
    }
}

/// A participant of a comparison group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SweepArm {
    /// The kind of the arm.
    pub kind: ArmKind,
    /// Name of the variant as `ron_auth_catalogue::find` knows it; `plain` for the control, `floor` for the floor.
    pub variant: String,
    /// The point that it is run on.
    pub point: Point,
}

impl SweepArm {
    /// Whether its variant is one of the compositions, whose backends are picked at run time.
    #[must_use]
    pub fn is_composition(&self) -> bool {
        self.kind == ArmKind::Variant && find(&self.variant).is_ok_and(|variant| variant.is_composition())
    }
}

/// Arms that take turns in the same rounds. In a run the first is always `plain` at default knobs, the second its
/// control; `classic` is an arm of every group that is unfolded from a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonGroup {
    /// At least the first two arms. (Format 1 of `run.jsonl` calls arms seats, and groups contests.)
    #[serde(rename = "seats")]
    pub arms: Vec<SweepArm>,
}

/// The purpose of a group, whatever its section is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To compare named variants at default knobs.
    Variants,
    /// To compare all ways to fill the seams.
    Compositions,
    /// To compare variants at several knobs.
    Knobs,
}

impl Purpose {
    /// The name of the purpose in `sweep.csv`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Variants => "variants",
            Self::Compositions => "compositions",
            Self::Knobs => "knobs",
        }
    }
}

impl ComparisonGroup {
    /// The purpose of the group.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        let sweeps_knobs = |knobs: &Knobs| *knobs != self.default_knobs(knobs.threads);
        if self.arms.iter().any(|arm| sweeps_knobs(&arm.point.knobs)) {
            Purpose::Knobs
        } else if self.arms.iter().any(SweepArm::is_composition) {
            Purpose::Compositions
        } else {
            Purpose::Variants
        }
    }

    /// The knobs that were the default when this was measured: those of `plain`, its first arm. In a run of another
    /// revision they may differ from this one's; until 2026-11, `soa_threshold` was 32.
    fn default_knobs(&self, threads: usize) -> Knobs {
        self.arms.first().map_or(Knobs::defaults(threads), |plain| Knobs { threads, ..plain.point.knobs })
    }
}

/// Groups that are measured in the same blocks, by the same processes: one for each variant in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// Name of the section of the plan that it comes from.
    pub section: String,
    /// The groups that are measured.
    #[serde(rename = "contests")]
    pub groups: Vec<ComparisonGroup>,
}

/// A variant that cannot be measured here: its times would not be those of what it is named after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// Name of the variant.
    pub variant: String,
    /// Reason in words.
    pub reason: String,
    /// The points at which it would have been measured.
    pub points: Vec<Point>,
}

/// The first line: what is measured, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format: [`FORMAT`].
    pub format: u64,
    /// Time when the run began, UTC, RFC 3339.
    pub started_utc: String,
    /// Name of the plan.
    pub plan: String,
    /// The command that made the run.
    #[serde(default)]
    pub command: String,
    /// Time that it was given, in seconds; `None` if it takes as long as it needs.
    pub budget_s: Option<f64>,
    /// The host that it is measured on.
    pub host: Host,
    /// The panels to be measured, in order of importance.
    pub panels: Vec<Panel>,
    /// BLAKE3 digest in hex of the program that measures. A run is only gone on with by the same program on the same
    /// tokens.
    #[serde(default)]
    pub program_blake3: String,
    /// BLAKE3 digests in hex of the tokens of each corpus, by its name.
    #[serde(default)]
    pub corpora_blake3: BTreeMap<String, String>,
    /// What the plan asks for and this build cannot measure on this host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unavailable: Vec<Unavailable>,
    /// Number of cells whose decisions were compared with `plain`'s before anything was timed, without those of
    /// `plain`.
    pub checked_cells: usize,
}

/// One block of one panel: fresh processes, one value for each arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Index of the panel.
    pub panel: usize,
    /// Time at its end in seconds since the start of the run.
    pub at_s: f64,
    /// Time that it took, in seconds.
    pub took_s: f64,
    /// Time per token in nanoseconds, for each group and each of its arms, in order.
    pub ns_per_token: Vec<Vec<f64>>,
    /// ln(time / time of the first arm), paired by round, for each group and each of its arms; 0 for the first.
    pub log_ratio: Vec<Vec<f64>>,
}

/// What one token costs in steady state, the owned result included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allocations {
    /// Allocations and reallocations per token. A fraction where a batch shares some.
    pub allocations_per_token: f64,
    /// Bytes per token that were asked for.
    pub allocated_bytes_per_token: f64,
}

/// Exact counts of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Name of the variant.
    pub variant: String,
    /// The point that it was run on.
    pub point: Point,
    /// Allocations in steady state, the owned result included; `None` if they were not counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allocations: Option<Allocations>,
    /// Instructions per token on one thread with default knobs, counted by callgrind; `None` if they were not counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instructions_per_token: Option<f64>,
}

/// Memory of a process that did nothing but make one point ready and verify it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryRecord {
    /// Name of the variant.
    pub variant: String,
    /// The point that it verified.
    pub point: Point,
    /// The most physical memory that it ever had, in bytes, by the system's count.
    pub peak_resident_bytes: u64,
    /// Bytes in use by the program after it had verified everything, as jemalloc counts them.
    pub jemalloc_allocated_bytes: Option<u64>,
    /// Bytes of the pages that hold something in use, as jemalloc counts them.
    pub jemalloc_active_bytes: Option<u64>,
    /// Bytes in physical memory, as jemalloc counts them.
    pub jemalloc_resident_bytes: Option<u64>,
}

/// Where the time of a variant goes, by sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Name of the variant.
    pub variant: String,
    /// The point that it was run on.
    pub point: Point,
    /// Time that it was sampled for, in seconds of CPU time.
    pub seconds: f64,
    /// Samples in each stage, largest first.
    pub stages: Vec<StageSamples>,
    /// File beside `run.jsonl` with the folded stacks.
    pub folded: String,
}

/// Samples of one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSamples {
    /// Name of the stage: `base64`, `decode`, `key`, `mac`, `evaluate`, `results`, `other`.
    pub stage: String,
    /// Number of samples that fell into it.
    pub samples: u64,
}

/// A line of `run.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first line, which says what is measured.
    Header(Box<Header>),
    /// A block of a panel.
    Block(Block),
    /// Counts of a cell.
    Count(Count),
    /// Memory of a process.
    Memory(MemoryRecord),
    /// A profile of a variant.
    Profile(Profile),
    /// A note for readers: what was left out or could not be measured, and why.
    Note(String),
    /// The last line, if the run ended by itself.
    End {
        /// Seconds from start to end, without the time between an interruption and going on.
        elapsed_s: f64,
    },
}

impl Header {
    /// The knobs that were the default when this was measured, on this many threads: what "at default knobs" means in
    /// this run, which may be older than this build.
    #[must_use]
    pub fn default_knobs(&self, threads: usize) -> Knobs {
        let first = self.panels.iter().flat_map(|panel| &panel.groups).next();
        first.map_or(Knobs::defaults(threads), |group| group.default_knobs(threads))
    }

    /// Records which program measures which tokens.
    ///
    /// # Errors
    /// A corpus cannot be read.
    pub fn sign(&mut self) -> anyhow::Result<()> {
        /// Number of tokens of a corpus that are digested, enough to tell two corpora apart.
        const TOKENS: usize = 256;
        let mut hasher = blake3::Hasher::new();
        std::io::copy(&mut std::fs::File::open(std::env::current_exe()?)?, &mut hasher)?;
        self.program_blake3 = hasher.finalize().to_hex().to_string();
        let arms = self.panels.iter().flat_map(|panel| panel.groups.iter().flat_map(|group| &group.arms));
        let names: BTreeSet<String> = arms.map(|arm| arm.point.corpus.clone()).collect();
        for name in names {
            let tokens = name.parse::<Source>()?.corpus(TOKENS).tokens;
            self.corpora_blake3.insert(name, blake3::hash(tokens.join("\n").as_bytes()).to_hex().to_string());
        }
        Ok(())
    }

    /// Removes from the panels what this build cannot measure on this host, and keeps its name with the reason.
    /// `hindrance` says why a variant cannot be measured; `None` if it can.
    pub fn leave_out(&mut self, hindrance: &dyn Fn(&str) -> Option<String>) {
        let mut left_out: Vec<Unavailable> = Vec::new();
        let is_a_yardstick = |arm: &SweepArm| matches!(arm.kind, ArmKind::Control | ArmKind::Floor | ArmKind::Classic);
        let is_beside_plain = |(at, arm): (usize, &SweepArm)| at > 0 && !is_a_yardstick(arm);
        for panel in &mut self.panels {
            panel.groups.retain_mut(|group| {
                let arms = group.arms.len();
                group.arms.retain(|arm| {
                    let Some(reason) = hindrance(&arm.variant).filter(|_| arm.kind == ArmKind::Variant) else {
                        return true;
                    };
                    let known = left_out.iter().position(|known| known.variant == arm.variant);
                    let at = known.unwrap_or_else(|| {
                        left_out.push(Unavailable { variant: arm.variant.clone(), reason, points: Vec::new() });
                        left_out.len() - 1
                    });
                    if let Some(known) = left_out.get_mut(at).filter(|known| !known.points.contains(&arm.point)) {
                        known.points.push(arm.point.clone());
                    }
                    false
                });
                arms == group.arms.len() || group.arms.iter().enumerate().any(is_beside_plain)
            });
        }
        self.panels.retain(|panel| !panel.groups.is_empty());
        self.unavailable.extend(left_out);
    }

    /// One sentence for each variant that cannot be measured.
    pub fn sentences_of_unavailable(&self) -> impl Iterator<Item = String> {
        self.unavailable.iter().map(|left_out| format!("{}: n/a: {}.", left_out.variant, left_out.reason))
    }

    /// Makes the header of a run that begins now, without a budget.
    #[must_use]
    pub fn new(plan: &str, host: Host, panels: Vec<Panel>) -> Self {
        Self {
            format: FORMAT,
            started_utc: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
            plan: plan.to_owned(),
            command: String::new(),
            budget_s: None,
            host,
            panels,
            program_blake3: String::new(),
            corpora_blake3: BTreeMap::new(),
            unavailable: Vec::new(),
            checked_cells: 0,
        }
    }
}
