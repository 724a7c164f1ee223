//! All verifiers agree, whatever they are asked: see the crate's documentation.
//!
//! ```text
//! scripts/fuzz.sh
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| ron_auth_fuzz::check(input));
