//! What each seam is worth, and what seams are worth together: the 2⁵ compositions as a factorial experiment.

use crate::measure::stats::PairedRatio;
use crate::run::{Point, Run};

/// What the seams are worth at one point.
#[derive(Clone, Debug)]
pub struct Effects {
    /// Where.
    pub point: Point,
    /// One for each seam, in the order of the work: Base64, decode, MAC, execute, scratch.
    pub main: Vec<Effect>,
    /// Pairs of seams that matter together, the largest first.
    pub interactions: Vec<Effect>,
    /// `plain` / everything recommended, and the product of the main effects: how far the seams add up.
    pub together: Option<(PairedRatio, f64)>,
}

/// What one seam, or two together, are worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The backends, in place of plain's: one for a main effect, two for an interaction.
    pub backends: Vec<&'static str>,
    /// Factor on the time, geometric mean over all settings of the other seams: below 1 is faster. For an interaction:
    /// by how much the time of both differs from the product of their own, once.
    pub ratio: PairedRatio,
}

/// One for each point at which all compositions were measured.
#[must_use]
pub fn effects(_run: &Run) -> Vec<Effects> {
    Vec::new()
}
