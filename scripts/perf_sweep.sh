#!/usr/bin/env bash
# The main job: every variant held against the recorded decisions, then measured against plain, then what to run.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/perf_sweep.sh [--smoke|--quick|--full|--plan FILE] [--budget T] [--out DIR] [OPTION…]

Checks every variant on testdata/v1/decisions.json, then runs `cargo lab sweep` with these arguments: check, measure,
compare, recommend, report, and add the run to the history.

  --smoke       half a minute once built: does everything work, roughly how fast?
  --quick       a few minutes (the default): enough to choose a composition and its knobs
  --full        as long as it takes, or as --budget says
  --plan FILE   a plan of one's own (perf/plans/README.md)
  --budget T    such as 10m: the most important first; what was left out is said
  --out DIR     where to write; default: reports/TIME-PLAN
  --resume DIR  go on with a run that was interrupted

`cargo lab sweep --help` lists all options. What is done, and how far it is, goes to standard error; standard output
is the answer (what to run here, a table, what to be careful about) and, as its last line, the path of the report.

exit codes: those of perf-lab
  0 ok   1 a difference or a broken tripwire   3 could not   64 usage   130 interrupted
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
with_paths '--out --resume --plan --tripwires --baselines --history' "$@"

command -v valgrind >/dev/null ||
    missing valgrind 'apt-get install valgrind (Debian, Ubuntu), dnf install valgrind (Fedora); instructions are n/a'

progress "1 of 3: $starting_the_lab"
cargo lab list >/dev/null

progress '2 of 3: recorded decisions on every variant'
cargo lab vectors testdata/v1/decisions.json >&2

progress '3 of 3: sweep'
cargo lab sweep ${args[@]+"${args[@]}"}
