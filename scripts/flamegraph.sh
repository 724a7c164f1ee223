#!/usr/bin/env bash
# A flamegraph of a variant on a fixture, built with the symbols it needs.
#   scripts/flamegraph.sh VARIANT FIXTURE [--batch N] [--seconds S] [--out FILE]
# Default output: reports/flame-VARIANT-FIXTURE.svg. Exit codes: those of perf-lab.
set -euo pipefail

# FILE means: relative to where the caller stands. lib.sh changes directory.
args=()
while [ $# -gt 0 ]; do
    if [ "$1" = --out ] && [ $# -ge 2 ]; then
        case $2 in /*) args+=(--out "$2") ;; *) args+=(--out "$PWD/$2") ;; esac
        shift 2
    else
        args+=("$1")
        shift
    fi
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cargo run --profile profiling --quiet -p perf-lab --bin perf-lab -- flame ${args[@]+"${args[@]}"}
