//! The lab's command line.
#![forbid(unsafe_code)]
fn main() {}
