//! The sweep, stage by stage: plan, check, count, time, conclude.

pub mod check;
pub mod plan;
pub mod row;
pub mod time;
