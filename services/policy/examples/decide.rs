//! Reads a bundle and a request, and prints the decision and how it came about.
//!
//! ```sh
//! cargo run -p ron-policy --example decide -- BUNDLE.toml REQUEST.json
//! ```
//!
//! The request is a JSON object with any of `subject`, `action`, `resource`, `tenant`, `method`, `region`, `scopes`,
//! `roles`, `tags`, `body_bytes`, `peer`, `now_unix_s`; `-` reads it from standard input. Exit codes: 0 permit, 1 deny,
//! 2 no decision.

use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use ron_policy::{Bundle, Format, RequestDocument};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bundle_path, request_path] = arguments.as_slice() else {
        return Err("expected a bundle (.json or .toml) and a request (JSON, or - for standard input)".into());
    };
    let format = Format::of_path(Path::new(bundle_path)).ok_or("the name of a bundle ends in .json or .toml")?;
    let bytes = std::fs::read(bundle_path).map_err(|error| format!("{bundle_path}: {error}"))?;
    let policy = Bundle::parse(&bytes, format).map_err(|error| format!("{bundle_path}: {error}"))?.compile();
    let request: RequestDocument = serde_json::from_str(&text(request_path)?)?;
    request.with(|request| {
        let trace = policy.trace(request)?;
        let answer =
            serde_json::json!({ "policy_digest": policy.digest(), "version": policy.version(), "trace": trace });
        println!("{}", serde_json::to_string_pretty(&answer)?);
        Ok(trace.decision.is_permit())
    })
}

fn text(path: &str) -> Result<String, Box<dyn Error>> {
    if path == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}").into())
}
