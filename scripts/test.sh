#!/usr/bin/env bash
# Everything that must hold before a change lands: formatting, lints, tests, docs, every feature set, recorded vectors.
# Usage: scripts/test.sh
set -euo pipefail
. "$(dirname -- "$0")/lib.sh"

heading "formatting"
cargo fmt --all --check

heading "lints"
cargo clippy --workspace --all-targets --all-features --quiet -- -D warnings

heading "tests"
cargo test --workspace --all-features --quiet

heading "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

heading "ron-auth with each feature set"
for features in minicbor-zerocopy fast-cbor plain "minicbor-zerocopy simd-b64" "minicbor-zerocopy parallel" \
  "minicbor-zerocopy lanes" "minicbor-zerocopy tls-scratch" full; do
  echo "   $features"
  output=$(cargo test -p ron-auth --no-default-features --features "$features" --lib --tests --quiet 2>&1) ||
    { printf '%s\n' "$output" >&2; exit 1; }
done

heading "what a service's default build depends on"
tree=$(cargo tree -p ron-auth -e normal --prefix none | sed 's/ (\*)$//' | LC_ALL=C sort -u)
if grep -q '^serde_cbor ' <<<"$tree"; then
  echo "serde_cbor, which is archived upstream, is in the default build of ron-auth" >&2
  exit 1
fi
crates=$(wc -l <<<"$tree")
echo "   $crates crates"
if [ "$crates" -ge 25 ]; then
  echo "the default build of ron-auth has $crates crates; the limit is 24" >&2
  exit 1
fi

heading "the example"
cargo run -p ron-auth --example verify --quiet >/dev/null

heading "recorded decisions on every variant"
cargo lab vectors testdata/v1/decisions.json
