//! `outcomes FILE`: what every verifier makes of a fixed set of tokens, as digests.
//!
//! `FILE` holds recorded decisions (`testdata/v1/decisions.json`). Standard output has a line for each group of tokens
//! and settings, a digest of all outcomes in order, and one over all. They are the same wherever verifiers decide
//! alike, so two machines are compared by comparing what they print. Which verifiers ran is on standard error, because
//! that is what machines differ in.
//!
//! Exit codes: 0 if all verifiers of this machine agree, 1 if not, 3 if the file cannot be used. No threads are
//! started, as emulators of single processes may not be able to.
#![forbid(unsafe_code)]

mod canonical;
mod compare;
mod groups;
mod recorded;
mod verifiers;

use std::process::ExitCode;

use verifiers::verifiers;

fn main() -> ExitCode {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "testdata/v1/decisions.json".into());
    let recorded = match recorded::read(path.as_ref()) {
        Ok(recorded) => recorded,
        Err(error) => {
            eprintln!("outcomes: {}: {error}; expected recorded decisions", path.display());
            return ExitCode::from(3);
        }
    };
    let verifiers = verifiers();
    let names: Vec<&str> = verifiers.iter().map(|verifier| verifier.name.as_str()).collect();
    eprintln!(
        "{}, {} bits, {} endian, {} verifiers: {}",
        std::env::consts::ARCH,
        usize::BITS,
        if cfg!(target_endian = "big") { "big" } else { "little" },
        names.len(),
        names.join(", ")
    );
    let mut all = blake3::Hasher::new();
    let mut print = |name: &str, digest: blake3::Hash| {
        all.update(digest.as_bytes());
        println!("{digest}  {name}");
    };
    print("canonical CBOR items", canonical::digest());
    let mut agree = true;
    for group in groups::groups(&recorded) {
        let expected = compare::reference(&group, &verifiers);
        print(&format!("{} ({} tokens)", group.name, group.items.len()), compare::digest(&expected));
        for verifier in &verifiers {
            if let Some(difference) = compare::difference(&group, &*verifier.engine, &expected) {
                eprintln!("outcomes: {}: {} differs: {difference}", group.name, verifier.name);
                agree = false;
            }
        }
    }
    println!("{}  all", all.finalize());
    if agree { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
