//! The shapes of a run. Serialized, they are the lines of `run.jsonl`; `reports/README.md` is their documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fairbench::host::Host;
use ron_auth_catalogue::find;
use serde::{Deserialize, Serialize};

use crate::catalogue::Knobs;
use crate::corpus::Source;

/// Version of the format of `run.jsonl`.
pub const FORMAT: u64 = 1;

/// What a verifier is run on: which tokens, how many per call, with which knobs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Point {
    /// Name of a fixture, or path of a corpus file.
    pub corpus: String,
    /// Tokens per call; 1 means `verify_token`.
    pub batch: usize,
    /// With which settings.
    pub knobs: Knobs,
}

impl Point {
    /// The work without the knobs: corpus, batch, threads. It is what runs of revisions with other default knobs have in
    /// common.
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

/// What an arm measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArmKind {
    /// A variant of the verifier.
    Variant,
    /// The reference, in a group of another variant's knobs: there for the others to be relative to.
    Reference,
    /// The reference once more, in a process of its own: the A/A control.
    Control,
    /// The least work that verifying these tokens can be.
    Floor,
    /// The second reference, at default knobs: built as the deployed verifier is.
    Classic,
}

impl ArmKind {
    /// Whether it is a verifier that is named by its variant, and checked and counted by that name.
    #[must_use]
    pub const fn verifies(self) -> bool {
        matches!(self, Self::Variant | Self::Reference | Self::Classic)
    }
}

/// One of those that are measured against each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SweepArm {
    /// What it is.
    pub kind: ArmKind,
    /// Name of the variant as `ron_auth_catalogue::find` knows it; `plain` for the control, `floor` for the floor.
    pub variant: String,
    /// What it is run on.
    pub point: Point,
}

impl SweepArm {
    /// Whether its variant is one of the compositions, whose backends are picked at run time.
    #[must_use]
    pub fn is_composition(&self) -> bool {
        self.kind == ArmKind::Variant && find(&self.variant).is_ok_and(|variant| variant.is_composition())
    }
}

/// Arms that take turns in the same rounds. The first is always `plain` at default knobs, the second its control; `classic`
/// is an arm of every group that is unfolded from a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparisonGroup {
    /// At least these two.
    /// (Format 1 of `run.jsonl` calls them seats, and groups contests.)
    #[serde(rename = "seats")]
    pub arms: Vec<SweepArm>,
}

/// What a group is for, whatever its section is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Named variants at default knobs.
    Variants,
    /// All ways to fill the seams.
    Compositions,
    /// Variants at several knobs.
    Knobs,
}

impl Purpose {
    /// Its name in `sweep.csv`.
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
    /// What it is for.
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
    /// What is measured.
    #[serde(rename = "contests")]
    pub groups: Vec<ComparisonGroup>,
}

/// A variant whose times would not be those of what it is named after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// Its name.
    pub variant: String,
    /// Why.
    pub reason: String,
    /// Where it would have been measured.
    pub points: Vec<Point>,
}

/// The first line: what is measured, where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u64,
    /// When it began, UTC, RFC 3339.
    pub started_utc: String,
    /// Name of the plan.
    pub plan: String,
    /// The command that made it.
    #[serde(default)]
    pub command: String,
    /// Time that it was given, in seconds; `None`: as long as it takes.
    pub budget_s: Option<f64>,
    /// Where.
    pub host: Host,
    /// What is to be measured, in order of importance.
    pub panels: Vec<Panel>,
    /// BLAKE3 of the program that measures, and of the tokens of each corpus by its name, in hex: a run is only gone on
    /// with by the same program on the same tokens.
    #[serde(default)]
    pub program_blake3: String,
    /// See [`program_blake3`](Self::program_blake3).
    #[serde(default)]
    pub corpora_blake3: BTreeMap<String, String>,
    /// What the plan asks for and this build cannot measure on this host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unavailable: Vec<Unavailable>,
    /// Cells, without those of plain, whose decisions were compared with `plain`'s before anything was timed.
    pub checked_cells: usize,
}

/// One block of one panel: fresh processes, one value for each arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Index of the panel.
    pub panel: usize,
    /// Time since the start of the run, in seconds, at its end.
    pub at_s: f64,
    /// How long it took, in seconds.
    pub took_s: f64,
    /// For each group and each arm of it, in order: time per token in nanoseconds.
    pub ns_per_token: Vec<Vec<f64>>,
    /// For each group and each arm of it: ln(time / time of the first arm), paired by round. 0 for the first.
    pub log_ratio: Vec<Vec<f64>>,
}

/// What one token costs in steady state, the owned result included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Allocations {
    /// Allocations and reallocations. A fraction where a batch shares some.
    pub allocations_per_token: f64,
    /// Bytes asked for.
    pub allocated_bytes_per_token: f64,
}

/// What was counted, exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Of which variant.
    pub variant: String,
    /// On what.
    pub point: Point,
    /// Allocations in steady state, the owned result included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allocations: Option<Allocations>,
    /// Instructions per token, by callgrind; one thread, default knobs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instructions_per_token: Option<f64>,
}

/// Memory of a process that did nothing but make one point ready and verify it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryRecord {
    /// Of which variant.
    pub variant: String,
    /// On what.
    pub point: Point,
    /// The most physical memory that it ever had, in bytes, by the system's count.
    pub peak_resident_bytes: u64,
    /// In use by the program, by jemalloc's count, in bytes, after it had verified everything.
    pub jemalloc_allocated_bytes: Option<u64>,
    /// In pages that hold something in use.
    pub jemalloc_active_bytes: Option<u64>,
    /// In physical memory.
    pub jemalloc_resident_bytes: Option<u64>,
}

/// Where the time of a variant goes, by sampling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Of which variant.
    pub variant: String,
    /// On what.
    pub point: Point,
    /// For how long it was sampled, in seconds of CPU time.
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
    /// How many samples fell into it.
    pub samples: u64,
}

/// A line of `run.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first line.
    Header(Box<Header>),
    /// A block.
    Block(Block),
    /// What was counted.
    Count(Count),
    /// Memory of a process.
    Memory(MemoryRecord),
    /// A profile.
    Profile(Profile),
    /// Something that a reader should know: what was left out or could not be measured, and why.
    Note(String),
    /// The last line, if the run ended by itself.
    End {
        /// Seconds from start to end, the time between interruption and resumption left out.
        elapsed_s: f64,
    },
}

impl Header {
    /// The knobs that were the default when this was measured, on this many threads: what "at default knobs" means in this
    /// run, which may be older than this build.
    #[must_use]
    pub fn default_knobs(&self, threads: usize) -> Knobs {
        let first = self.panels.iter().flat_map(|panel| &panel.groups).next();
        first.map_or(Knobs::defaults(threads), |group| group.default_knobs(threads))
    }

    /// Notes which program measures which tokens.
    ///
    /// # Errors
    /// A corpus that cannot be read.
    pub fn sign(&mut self) -> anyhow::Result<()> {
        /// Tokens that tell two corpora apart.
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

    /// Takes from the panels what this build cannot measure on this host, and keeps its name and the reason.
    /// `hindrance` says why a variant cannot be measured.
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

    /// A sentence for each variant that cannot be measured.
    pub fn sentences_of_unavailable(&self) -> impl Iterator<Item = String> {
        self.unavailable.iter().map(|left_out| format!("{}: n/a: {}.", left_out.variant, left_out.reason))
    }

    /// Of a run that begins now, without a budget.
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
