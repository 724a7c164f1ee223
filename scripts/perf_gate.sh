#!/usr/bin/env bash
# May this change land? The working tree against the revision that it branched off, in turns on this machine.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/perf_gate.sh [--base REV] [OPTION…]

Runs `cargo lab gate` with these arguments (`cargo lab gate --help` lists them all). Without --base, what HEAD has in
common with origin/main (or main) is taken, and HEAD~1 if that is HEAD itself.

In GitHub Actions the outcome is added to the job summary as well.

exit codes: those of perf-lab
  0 pass, or a warning   1 regression   2 inconclusive   3 could not measure   64 usage   130 interrupted
TEXT
}

# FILE means: relative to where the caller stands. lib.sh changes directory.
absolute() {
    case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac
}

base='' markdown=''
args=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --base | --markdown | --settings)
        [ $# -ge 2 ] || { usage >&2; exit 64; }
        case $1 in
        --base) base=$2 ;;
        --markdown) markdown=$(absolute "$2") ;;
        --settings) args+=(--settings "$(absolute "$2")") ;;
        esac
        shift 2
        ;;
    --base=*) base=${1#*=} && shift ;;
    --markdown=*) markdown=$(absolute "${1#*=}") && shift ;;
    --settings=*) args+=(--settings "$(absolute "${1#*=}")") && shift ;;
    *)
        args+=("$1")
        shift
        ;;
    esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ -z "$base" ]; then
    base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || echo HEAD~1)
    if [ "$base" = "$(git rev-parse HEAD)" ]; then
        base=HEAD~1
    fi
fi
command -v valgrind >/dev/null ||
    missing valgrind 'apt-get install valgrind (Debian, Ubuntu), dnf install valgrind (Fedora); instructions are n/a'

summary=${GITHUB_STEP_SUMMARY:-}
if [ -z "$markdown" ] && [ -n "$summary" ]; then
    markdown=$target_dir/lab/gate.md
fi
if [ -n "$markdown" ]; then
    # One of an earlier run must not be taken for this one's.
    rm -f "$markdown"
    args+=(--markdown "$markdown")
fi

exit_code=0
cargo lab gate --base "$base" ${args[@]+"${args[@]}"} || exit_code=$?

if [ -n "$summary" ] && [ -f "$markdown" ]; then
    cat "$markdown" >>"$summary"
fi
exit "$exit_code"
