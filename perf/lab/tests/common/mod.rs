//! What a finished process said.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, reason = "each test takes what it needs")]

use std::process::Output;

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
