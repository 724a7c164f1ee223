#!/usr/bin/env bash
# Everything that must hold before a change lands: formatting, lints, tests, docs, every feature set, recorded vectors.
# Usage: scripts/test.sh
# With SPARE_DISK=1 what one step has built and no later one wants is removed at once, for a small disk; the next run
# builds it again.
set -euo pipefail
. "$(dirname -- "$0")/lib.sh"

# done_with FOLDER…: of the target directory.
done_with() {
  [ -z "${SPARE_DISK:-}" ] || (cd -- "$target_dir" && rm -rf -- "$@")
}

heading "formatting"
cargo fmt --all --check

heading "the lock file holds what the manifests ask for"
cargo metadata --locked --format-version 1 >/dev/null

# Cargo shows what it builds wherever that takes minutes.
heading "lints"
cargo clippy --workspace --all-targets --all-features -- -D warnings

# The same for what stands outside the workspace with a lock file of its own. What `cargo lab peers` builds lies in the
# same folder.
heading "other token libraries, and the fuzz target: formatting, lints, tests"
outside() {
  cargo "$1" --locked --manifest-path "$2" --target-dir "$target_dir/peers" "${@:3}"
}
# By Clippy's compiler, which lints what it compiles: `cargo clippy` would have all that these depend on built twice.
for manifest in perf/peers/Cargo.toml fuzz/Cargo.toml; do
  cargo fmt --manifest-path "$manifest" --check
  export RUSTC_WORKSPACE_WRAPPER=clippy-driver
  outside test "$manifest" --no-run
  outside test "$manifest" --quiet
  unset RUSTC_WORKSPACE_WRAPPER
done
done_with peers

heading "packages as they would be published"
scripts/package.sh

heading "tests"
cargo test --workspace --all-features --no-run
cargo test --workspace --all-features --quiet

# The flags of the established commands, which choose other code in places. In a target directory of their own: the
# others are not built again for it.
heading "tests with RUSTFLAGS=\"-C target-cpu=native\""
natively() {
  env -u CARGO_ENCODED_RUSTFLAGS RUSTFLAGS="-C target-cpu=native" CARGO_TARGET_DIR="$target_dir/native" \
    cargo test --all-features "$@"
}
natively -p ron-auth-core -p ron-auth-variants -p ron-auth -p ron-auth-fixtures -p perf-probe
# What the lab can measure depends on these flags only where they mean AVX-512.
if grep -qw avx512f /proc/cpuinfo 2>/dev/null; then
  natively -p perf-lab --lib --test flags
fi
done_with native

heading "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

heading "ron-auth with each feature set"
for features in minicbor-zerocopy fast-cbor plain "minicbor-zerocopy simd-b64" "minicbor-zerocopy parallel" \
  "minicbor-zerocopy lanes" "minicbor-zerocopy tls-scratch" "minicbor-zerocopy serde" full; do
  echo "   $features"
  output=$(RON_AUTH_TESTED_ALONE=1 cargo test -p ron-auth --no-default-features --features "$features" --lib --tests --quiet 2>&1) ||
    { printf '%s\n' "$output" >&2; exit 1; }
done

heading "what a service's build depends on"
normal_crates() {
  cargo tree -p ron-auth -e normal --prefix none "$@" | sed 's/ (\*)$//' | LC_ALL=C sort -u
}
for features in default full full,serde; do
  tree=$(normal_crates --features "$features")
  if grep -q '^serde_cbor ' <<<"$tree"; then
    echo "serde_cbor, which is archived upstream, is in ron-auth with the features $features" >&2
    exit 1
  fi
done
tree=$(normal_crates)
crates=$(wc -l <<<"$tree")
echo "   $crates crates"
if [ "$crates" -ge 25 ]; then
  echo "the default build of ron-auth has $crates crates; the limit is 24" >&2
  exit 1
fi

heading "what the instrument depends on"
tree=$(cargo tree -p fairbench -e normal --prefix none | sed 's/ (\*)$//' | LC_ALL=C sort -u)
if grep -E '^(ron-auth|perf-|plotters|resvg|maud|inferno|pprof|tikv-)' <<<"$tree" >&2; then
  echo "fairbench knows nothing of tokens and draws nothing, but depends on these" >&2
  exit 1
fi
crates=$(wc -l <<<"$tree")
echo "   $crates crates"
if [ "$crates" -ge 60 ]; then
  echo "a build of fairbench has $crates crates; the limit is 59" >&2
  exit 1
fi

heading "the example"
cargo run -p ron-auth --example verify --quiet >/dev/null

done_with debug doc package

heading "recorded decisions on every variant"
cargo lab vectors testdata/v1/decisions.json
