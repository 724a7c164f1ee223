#!/usr/bin/env bash
# The main job: every variant held against the recorded decisions, then measured against plain.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/perf_sweep.sh [--smoke|--quick|--full] [--out DIR] [OPTION…]

Checks every variant on testdata/v1/decisions.json, then runs `cargo lab sweep` with these arguments (--quick if none
says how much; `cargo lab sweep --help` lists them all). The last line of output is the path of the summary.

exit codes: those of perf-lab
  0 ok   1 a difference or a broken tripwire   3 could not   64 usage   130 interrupted
TEXT
}

# DIR means: relative to where the caller stands. lib.sh changes directory.
args=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --out)
        [ $# -ge 2 ] || { usage >&2; exit 64; }
        case $2 in /*) args+=(--out "$2") ;; *) args+=(--out "$PWD/$2") ;; esac
        shift 2
        ;;
    --out=*)
        case ${1#--out=} in /*) args+=("$1") ;; *) args+=("--out=$PWD/${1#--out=}") ;; esac
        shift
        ;;
    *)
        args+=("$1")
        shift
        ;;
    esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command -v valgrind >/dev/null ||
    missing valgrind 'apt-get install valgrind (Debian, Ubuntu), dnf install valgrind (Fedora); instructions are n/a'

heading 'recorded decisions on every variant'
cargo lab vectors testdata/v1/decisions.json

heading 'sweep'
cargo lab sweep ${args[@]+"${args[@]}"}
