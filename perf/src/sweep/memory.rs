//! Memory of a process that makes one point ready and verifies it.

use super::plan::Plan;
use crate::run::{Panel, Record};

/// Measures it for the plan's variants (and `plain`), on each corpus at its largest batch.
pub fn measure(_plan: &Plan, _panels: &[Panel], _interrupted: &dyn Fn() -> bool) -> Vec<Record> {
    Vec::new()
}
