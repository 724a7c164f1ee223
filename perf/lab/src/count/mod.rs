//! Counting what needs no timing: allocations, memory, instructions. Counts are exact and need no statistics.

pub mod allocations;
pub mod instructions;
pub mod jemalloc;
