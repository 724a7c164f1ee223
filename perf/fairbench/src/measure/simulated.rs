//! Simulated noise of known shape, which tests hold the statistics to.

use rand::Rng;

/// A distribution whose median is 0.
#[derive(Clone, Copy, Debug)]
pub enum SimulatedNoise {
    /// Standard normal.
    Normal,
    /// Student's t with two degrees of freedom: its variance is infinite.
    HeavyTails,
    /// Normal, but one value in ten comes from a spell eight times as rough: a neighbour on the machine.
    Spells,
    /// Exponential, shifted: a long tail to one side.
    Skewed,
}

impl SimulatedNoise {
    /// All shapes.
    pub const ALL: [Self; 4] = [Self::Normal, Self::HeavyTails, Self::Spells, Self::Skewed];

    /// Draws a value.
    pub fn draw(self, rng: &mut impl Rng) -> f64 {
        match self {
            Self::Normal => normal(rng),
            Self::HeavyTails => {
                // χ² with two degrees of freedom, over two, is a standard exponential.
                normal(rng) / exponential(rng).sqrt()
            }
            Self::Spells => normal(rng) * if rng.random_bool(0.1) { 8.0 } else { 1.0 },
            Self::Skewed => exponential(rng) - std::f64::consts::LN_2,
        }
    }
}

/// Draws a standard normal value (Box–Muller).
pub fn normal(rng: &mut impl Rng) -> f64 {
    let turn: f64 = rng.random();
    (2.0 * exponential(rng)).sqrt() * (std::f64::consts::TAU * turn).cos()
}

fn exponential(rng: &mut impl Rng) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}
