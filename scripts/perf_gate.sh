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
  0 pass, or a warning   1 regression (in time, or in waiting)   2 inconclusive   3 could not measure, or something is missing   64 usage
  130 interrupted

With --bisect, for `git bisect run scripts/perf_gate.sh --bisect --base REV`: 0 good (a warning is), 1 bad, 125 for what
could not be told, also where the lab itself does not build.
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
with_paths '--markdown --settings' "$@"

# Looked at here, and passed on as they are.
base='' markdown='' bisect=''
for at in "${!args[@]}"; do
    case ${args[at]} in
    --base) base=${args[at + 1]:-} ;;
    --base=*) base=${args[at]#*=} ;;
    --markdown) markdown=${args[at + 1]:-} ;;
    --bisect) bisect=yes ;;
    esac
done

if [ -z "$base" ]; then
    # Where git cannot tell, the lab says why: it asks for HEAD~1 itself.
    base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || true)
    if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD 2>/dev/null)" ]; then
        base=HEAD~1
    fi
    args+=(--base "$base")
fi
command -v valgrind >/dev/null ||
    missing valgrind 'apt-get install valgrind (Debian, Ubuntu), dnf install valgrind (Fedora); instructions are n/a'

summary=${GITHUB_STEP_SUMMARY:-}
if [ -z "$markdown" ] && [ -n "$summary" ]; then
    markdown=$target_dir/lab/gate.md
    args+=(--markdown "$markdown")
fi
# One of an earlier run must not be taken for this one's.
if [ -f "$markdown" ]; then
    : >"$markdown"
fi

progress "comparing with $base; $starting_the_lab"
exit_code=0
cargo lab gate ${args[@]+"${args[@]}"} || exit_code=$?

# What is no exit code of the lab's is Cargo's: the lab did not build.
if [ -n "$bisect" ]; then
    case $exit_code in 0 | 1 | 130) ;; *) exit_code=125 ;; esac
fi

if [ -n "$summary" ] && [ -f "$markdown" ]; then
    cat "$markdown" >>"$summary"
fi
exit "$exit_code"
