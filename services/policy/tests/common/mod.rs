//! Bundles and requests drawn from a seed, and an interpreter that reads a bundle as it is written.
#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod draw;
pub(crate) mod interpreter;
