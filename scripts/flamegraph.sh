#!/usr/bin/env bash
# A flamegraph of a variant on a fixture, built with the symbols it needs.
#   scripts/flamegraph.sh VARIANT FIXTURE [--against VARIANT] [--batch N] [--seconds S] [--out FILE]
# Default output: reports/flame-VARIANT-FIXTURE.svg; with --against also the difference, in a file beside it. Exit codes:
# those of perf-lab.
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
with_paths --out "$@"

progress "$starting_the_lab"
cargo lab flame ${args[@]+"${args[@]}"}
