//! What can be counted instead of timed: allocations, memory, instructions. Counts are exact and need no statistics.

pub mod allocations;
pub mod instructions;
pub mod jemalloc;
