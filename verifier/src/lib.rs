//! Verifies capability tokens.
#![forbid(unsafe_code)]
