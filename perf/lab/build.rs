//! Digests the sources, so that the program can tell whether it was built from the checkout that it is run in.

#[allow(unreachable_pub, reason = "public in the library")]
#[path = "src/own/sources.rs"]
mod sources;

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in sources::files(&root).unwrap_or_default() {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    // Files that are added or taken away.
    for name in sources::SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(name).display());
    }
    println!("cargo::rustc-env=PERF_LAB_SOURCES={}", sources::digest(&root).unwrap_or_default());
}
