//! The shape of a plan's file before its content is checked. Values keep their position in the file.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) about: String,
    pub(super) budget: Option<Spanned<String>>,
    pub(super) blocks: Option<Spanned<Vec<i64>>>,
    pub(super) precision_percent: Option<Spanned<f64>>,
    pub(super) turn_us: Option<Spanned<i64>>,
    pub(super) rounds: Option<Spanned<i64>>,
    pub(super) allocations: Option<Empty>,
    pub(super) instructions: Option<Spanned<RawInstructions>>,
    pub(super) memory: Option<Spanned<RawMemory>>,
    pub(super) profile: Option<Spanned<RawProfile>>,
    #[serde(default)]
    pub(super) section: Vec<Spanned<RawSection>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInstructions {
    pub(super) variants: Vec<Spanned<String>>,
    pub(super) batches: Vec<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMemory {
    pub(super) variants: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub(super) variants: Vec<Spanned<String>>,
    pub(super) corpora: Vec<Spanned<String>>,
    pub(super) batch: Spanned<i64>,
    pub(super) seconds: Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSection {
    pub(super) name: Spanned<String>,
    pub(super) variants: Vec<Spanned<String>>,
    pub(super) corpora: Vec<Spanned<String>>,
    pub(super) batches: Vec<Spanned<i64>>,
    pub(super) threads: Option<Vec<Spanned<Threads>>>,
    #[serde(default)]
    pub(super) soa_threshold: Vec<Spanned<i64>>,
    #[serde(default)]
    pub(super) par_min_batch: Vec<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Threads {
    Number(i64),
    Word(String),
}
