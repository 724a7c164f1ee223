#!/usr/bin/env bash
# Would the tests notice if the verifier were wrong? One small change at a time, made by cargo-mutants.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/mutants.sh [--shard I/N] [--most COUNT] [--again | --list | --report]

Changes one place of the verifier at a time, in a copy of the tree, and runs its tests, which must fail. All of engine and
semantics (paths and nets included), and of the rest of the core, the decoders, the MAC backends and the face a sample of
400 that is always the same. The tests of the core come first, then those of the face, then those of all variants: the
first that fail end it.

  --shard I/N   only every N-th mutant, beginning with the I-th (0 to N-1): all of them take hours
  --most COUNT  end after so many
  --again       try those again that were missed and have no reason to live, instead of new ones
  --list        print the mutants of this run and end
  --report      print what has come out so far and end

They are tried in an order that is drawn once and for all, so that those tried so far are a sample of all. Outcomes are kept
in baselines/mutants/outcomes.tsv after each mutant: run it again, and it goes on where it stopped. Survivors that may live
are listed with the reason in baselines/mutants/may-live.tsv.

Wants python3 (its standard library), and cargo-mutants, which it installs below target/tools.

exit codes:
  0 done; of --report: at least 95 % caught, by the lower end of the 95 % interval   1 of --report: less, or not shown yet
  3 a tool is missing, or the tests fail without a change   64 usage   130 interrupted
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

given=("$@")
while [ $# -gt 0 ]; do
    case $1 in
    --shard) [[ ${2-} =~ ^[0-9]{1,6}/[0-9]{1,6}$ ]] || usage_error "--shard ${2-}: expected I/N, such as 0/8"; shift ;;
    --most) [[ ${2-} =~ ^[0-9]{1,6}$ ]] || usage_error "--most ${2-}: expected a number"; shift ;;
    --again | --list | --report) ;;
    *) usage_error "unknown argument $1" ;;
    esac
    shift
done

command -v python3 >/dev/null || {
    missing python3 'apt-get install python3 (Debian, Ubuntu)'
    exit 3
}
need_cargo_tool cargo-mutants 27.0.0 || exit 3
exec python3 scripts/mutants.py --home "$target_dir/mutants" "${given[@]}"
