//! Stored results that later ones are held against. Absolute times taken apart are never compared for a verdict: what
//! is compared are ratios to the floor that was measured in the same minute.
//!
//! | file | holds |
//! |---|---|
//! | `measurement` | one program's benchmarks with raw block values, and how they are measured |
//! | `store` | where those are: `baselines/FINGERPRINT/NAME.json` |
//! | `compare` | two of them beside each other |
//! | `critcmp` | to and from files that `critcmp` reads |

pub mod compare;
pub mod critcmp;
pub mod measurement;
pub mod store;

use serde::{Deserialize, Serialize};

use crate::measure::stats::PairedRatio;

/// How a result stands against a stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shift {
    /// The intervals overlap, once the allowance for layout is added.
    Same,
    /// Slower by more than the intervals and the allowance explain.
    Slower,
    /// Faster by more than the intervals and the allowance explain.
    Faster,
}

impl Shift {
    /// Compares two ratios to the same thing. They differ if their intervals lie further apart than `allowance`, as a
    /// part of one.
    #[must_use]
    pub fn of(was: PairedRatio, is: PairedRatio, allowance: f64) -> Self {
        let allowance = 1.0 + allowance;
        if is.lower > was.upper * allowance {
            Self::Slower
        } else if is.upper * allowance < was.lower {
            Self::Faster
        } else {
            Self::Same
        }
    }

    /// One word for tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Slower => "SLOWER",
            Self::Faster => "faster",
        }
    }
}
