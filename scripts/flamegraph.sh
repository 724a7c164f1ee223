#!/usr/bin/env bash
# A flamegraph of a variant on a fixture, built with the symbols it needs.
#   scripts/flamegraph.sh VARIANT FIXTURE [--batch N] [--seconds S] [--out FILE]
# Default output: reports/flame-VARIANT-FIXTURE.svg. Exit codes: those of perf-lab.
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
with_paths --out "$@"

cargo run --profile profiling --quiet -p perf-lab --bin perf-lab -- flame ${args[@]+"${args[@]}"}
