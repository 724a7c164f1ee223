//! Where the time goes: sampled stacks, flamegraphs, differences of two, and the share of each stage.
//!
//! | module | holds |
//! |---|---|
//! | [`sample`](mod@sample), [`folded`] | stacks, sampled and written down |
//! | [`stages`](mod@stages), [`share`] | which stage of a verification a sample belongs to, and what that says |
//! | [`graph`] | pictures for a page, of one profile or the difference of two |
//! | [`interactive`](mod@interactive) | a picture to click through |
//! | [`timed`](mod@timed) | the stages timed instead of sampled, as a cross-check |
//! | [`measure`](mod@measure) | the profiles of a run |

pub mod folded;
pub mod graph;
pub mod interactive;
pub mod measure;
mod names;
pub mod sample;
pub mod share;
pub mod stages;
pub mod timed;
mod tree;

pub use folded::Folded;
pub use graph::ProfileSide;
pub use interactive::interactive;
pub use measure::measure;
pub use sample::{Sampled, sample};
pub use share::{Share, shares};
pub use stages::{Stage, stages};
pub use timed::{TimedStage, timed};

/// Draws folded stacks (lines `a;b;c COUNT`) as a flamegraph for a page: SVG of at most 60 kB, 700 pixels wide.
///
/// # Errors
/// There are no samples, or some lines are not stacks.
pub fn flamegraph(folded: &str, title: &str) -> anyhow::Result<String> {
    Ok(graph::flamegraph(&folded.parse()?, title))
}

/// Draws a difference flamegraph: frames as in `after`, coloured by how their share changed against `before`. If the
/// time per token is known, [`graph::difference`] compares times instead, and says what is compared.
///
/// # Errors
/// The errors of [`flamegraph`].
pub fn difference(before: &str, after: &str, title: &str) -> anyhow::Result<String> {
    let (before, after): (Folded, Folded) = (before.parse()?, after.parse()?);
    let side = |name, folded| ProfileSide { name, folded, ns_per_token: None };
    Ok(graph::difference(side("before", &before), side("after", &after), title))
}
