//! The sweep, stage by stage.
//!
//! | file | holds |
//! |---|---|
//! | [`stages`] | one after the other, with progress |
//! | [`plan`] | what is measured: a plan in TOML, unfolded into panels |
//! | [`check`] | every cell held against the reference before anything is timed |
//! | [`block`] | the processes of a panel, for a sweep or for whoever measures one panel by itself |
//! | [`schedule`] | which panel is next, within a budget |
//! | [`measure`] | blocks until it is enough |
//! | [`count`] | what needs no clock |
//! | [`allocations`], [`instructions`] | counted in processes that serve the same points |
//! | [`memory`] | memory of a process |
//! | [`leader`] | who is ahead |
//! | [`points`] | a probe of what is measured |
//! | [`row`] | the table that it comes to |
//! | [`stored`] | a sweep that later ones are held against |

pub mod allocations;
pub mod block;
pub mod check;
pub mod count;
pub mod instructions;
pub mod leader;
pub mod measure;
pub mod memory;
pub mod plan;
pub mod points;
pub mod row;
pub mod schedule;
pub mod stages;
pub mod stored;
