//! Hands the compiler's version and flags to `environment`, which cannot see them at run time.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTFLAGS");
    println!("cargo::rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");

    // Wherever the flags come from (RUSTFLAGS, CARGO_BUILD_RUSTFLAGS, Cargo's configuration), Cargo hands them to build
    // scripts in this variable, and runs a script again when they change. It separates them with the ASCII unit
    // separator, because a flag may hold spaces.
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default().replace('\x1f', " ");
    println!("cargo::rustc-env=FAIRBENCH_BUILD_RUSTFLAGS={flags}");

    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = match Command::new(rustc).arg("--version").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(_) => "unknown".to_owned(),
    };
    println!("cargo::rustc-env=FAIRBENCH_BUILD_RUSTC={version}");
}
