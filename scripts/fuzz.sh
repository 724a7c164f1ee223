#!/usr/bin/env bash
# Fuzzing: all verifiers agree on anything, and nothing that was changed after signing is genuine.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/fuzz.sh [--minutes N]

Lets libFuzzer look, for N minutes (10), for an input on which some verifier of the catalogue or some composition
decides otherwise than `plain`, a function otherwise than another, or a token that was changed after signing is taken
for genuine: fuzz/src/lib.rs. It begins with fuzz/seeds/agreement and what earlier runs found worth keeping
(fuzz/corpus), and knows the literals of the wire format (fuzz/dictionary.txt). cargo-fuzz is installed below target/ if
it is missing. It runs on any compiler that builds the rest: no sanitizer is used, as there is no unsafe code to watch.

exit codes
  0 nothing found   1 an input that fails: where it lies, and how to run it again   3 could not   64 usage
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

minutes=10
while [ $# -gt 0 ]; do
    case $1 in
    --minutes=*) minutes=${1#*=} && shift ;;
    --minutes) [ $# -ge 2 ] || usage_error '--minutes wants a number' && minutes=$2 && shift 2 ;;
    *) usage_error "unknown argument $1" ;;
    esac
done
[[ $minutes =~ ^[1-9][0-9]{0,4}$ ]] || usage_error "--minutes $minutes: expected a whole number from 1 on, such as 10"

need_cargo_tool cargo-fuzz "$cargo_fuzz_version" || exit 3

# Its own target directory: fuzz/target. What is built for a fuzzer serves nothing else.
unset CARGO_TARGET_DIR RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
corpus=fuzz/corpus/agreement
mkdir -p "$corpus"

progress 'building (minutes on a fresh machine)'
cargo fuzz build -s none agreement || exit 3

progress "fuzzing for $minutes min; inputs that fail go to fuzz/artifacts/agreement"
found=$(mktemp)
trap 'rm -f "$found"' EXIT
# A second for one input is a thousand times what it should take.
status=0
cargo fuzz run -s none agreement "$corpus" fuzz/seeds/agreement -- -dict=fuzz/dictionary.txt -max_len=8192 -timeout=10 \
    -max_total_time=$((minutes * 60)) -print_final_stats=1 2>&1 | tee "$found" >&2 || status=$?
[ $status = 0 ] || {
    artifact=$(sed -n 's/^.*Test unit written to \(.*\)$/\1/p' "$found" | tail -n 1)
    [ -n "$artifact" ] || exit 3
    printf 'found: %s\nto run it again: PATH=%s:$PATH cargo fuzz run -s none agreement %s\n' \
        "$artifact" "$tools_dir/bin" "$artifact"
    exit 1
}
grep -E '^stat::number_of_executed_units' "$found" | sed 's/.*: */inputs: /'
grep -E '^#[0-9]+.*(DONE|pulse|REDUCE|NEW)' "$found" | tail -n 1 | sed -E 's/^#[0-9]+[^c]*(cov: [0-9]+ ft: [0-9]+ corp: [^ ]+).*/coverage: \1/'
echo 'nothing found'
