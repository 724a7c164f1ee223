#!/usr/bin/env bash
# The canonical Criterion baselines of ron-auth, side by side, and the instructions of the same cases.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/bench_auth.sh [--quick]

Runs the Criterion benches of ron-auth three times, compares them, and counts the instructions of the same cases:

  auth-default  default features
  auth-simd     simd-b64
  auth-par      parallel simd-b64, on 4 rayon threads

Baselines are kept in target/criterion. critcmp and gungraun-runner are installed into target/tools where they are
absent; without valgrind the instruction counts are n/a.

  --quick       stop each benchmark as soon as Criterion deems it significant: a try-out, not a measurement
  -h, --help    this text

environment:
  CARGO_TARGET_DIR  where builds, tools and baselines go (default: target)

exit codes:
  0   benches ran; what was left out for want of a tool has been said
  64  unknown argument
  any other: that of the cargo command that failed
TEXT
}

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Read with ${…+…}: to the bash of macOS an empty array is an unset variable.
criterion_args=()
for arg in "$@"; do
    case $arg in
    --quick) criterion_args+=(--quick) ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) usage_error "unknown argument $arg" ;;
    esac
done

# Flags in this variable would go before those below; and Criterion writes where the last lines read.
unset CARGO_ENCODED_RUSTFLAGS
export CRITERION_HOME=$target_dir/criterion

progress '1 of 5: building and running the benches, three times (on a fresh machine: about 10 minutes)'
heading 'auth-default: default features'
RUSTFLAGS="-C target-cpu=native" cargo bench -p ron-auth --bench verify_bench -- \
    --save-baseline=auth-default ${criterion_args[@]+"${criterion_args[@]}"}

progress '2 of 5: the benches with simd-b64'
heading 'auth-simd: simd-b64'
RUSTFLAGS="-C target-cpu=native" cargo bench -p ron-auth --features "simd-b64" --bench verify_bench -- \
    --save-baseline=auth-simd ${criterion_args[@]+"${criterion_args[@]}"}

progress '3 of 5: the benches with parallel and simd-b64'
heading 'auth-par: parallel simd-b64, 4 rayon threads'
RAYON_NUM_THREADS=4 RUSTFLAGS="-C target-cpu=native" \
    cargo bench -p ron-auth --features "parallel simd-b64" --bench verify_bench -- \
    --save-baseline=auth-par ${criterion_args[@]+"${criterion_args[@]}"}

progress '4 of 5: instructions'
heading 'instructions, auth-simd'
if need_callgrind; then
    # Whatever flags the caller has, also by Cargo's configuration (set but empty, this variable overrides all of them):
    # code for this very processor may not run under callgrind. Of what the cases print, their SIMD path, one line is
    # enough.
    env -u RUSTFLAGS CARGO_ENCODED_RUSTFLAGS= GUNGRAUN_CALLGRIND_METRICS=ir GUNGRAUN_NOCAPTURE=true \
        cargo bench -p ron-auth --features "simd-b64" --bench verify_iai |
        awk '!/^- end of stdout/ && !(/^SIMD path/ && path_shown++)'
else
    echo 'instructions: n/a'
fi

progress '5 of 5: comparison'
heading 'comparison'
if need_critcmp; then
    critcmp --target-dir "$target_dir" auth-default auth-simd auth-par
else
    echo 'comparison: n/a'
fi

heading 'tripwires'
progress "$starting_the_lab"
cargo lab tripwires --criterion "$target_dir/criterion"
