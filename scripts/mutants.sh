#!/usr/bin/env bash
# Would the tests notice if the verifier were wrong? One small change at a time, made by cargo-mutants.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/mutants.sh [--shard I/N] [--list | --report]

Changes one place of the verifier at a time and runs its tests, which must fail. All of engine and semantics (paths and
nets included), and of the rest of the core, the decoders, the MAC backends and the face a sample of 400 that is always
the same.

  --shard I/N   only every N-th mutant, beginning with the I-th (0 to N-1): all of them take hours
  --list        print the mutants of this run and end
  --report      print what has come out so far and end

Outcomes are kept in baselines/mutants/outcomes.tsv after each mutant: run it again, and it goes on where it stopped.
Survivors that may live are listed with the reason in baselines/mutants/may-live.tsv.

exit codes:
  0 done; of --report: at least 95 % caught, by the lower end of the 95 % interval   1 of --report: less, or not shown yet
  3 a tool is missing, or the tests fail without a change   64 usage
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

shard=0/1 what=run
while [ $# -gt 0 ]; do
    case $1 in
    --shard)
        shard=${2-}
        shift
        ;;
    --shard=*) shard=${1#*=} ;;
    --list | --report) what=${1#--} ;;
    *) usage_error "unknown argument $1" ;;
    esac
    shift || usage_error '--shard wants I/N'
done
[[ $shard =~ ^([0-9]{1,6})/([0-9]{1,6})$ ]] || usage_error "--shard $shard: expected I/N, such as 0/8"
index=$((10#${BASH_REMATCH[1]})) count=$((10#${BASH_REMATCH[2]}))
[ "$count" -gt 0 ] && [ "$index" -lt "$count" ] || usage_error "--shard $shard: I goes from 0 to N-1"

version=27.0.0
# Changed, the sample is another one.
seed=1
sampled=400
kept=baselines/mutants
outcomes=$kept/outcomes.tsv
mkdir -p "$kept" "$target_dir/mutants"
touch "$outcomes"

whole=(-f 'verifier/core/src/engine/**' -f 'verifier/core/src/semantics/**')
rest=(-f 'verifier/core/src/**' -f 'variants/src/decode/**' -f 'variants/src/mac/**' -f 'verifier/src/**'
    -e 'verifier/core/src/engine/**' -e 'verifier/core/src/semantics/**' -e 'variants/src/decode/classic.rs')

# A name says the place and the change. Lines move when a file does, so what is remembered is of one tree. The order is
# drawn too: whatever has been tried when a run is stopped is a sample of all.
drawn() {
    while IFS= read -r name; do
        printf '%s\t%s\n' "$(printf '%s %s' "$seed" "$name" | sha256sum | cut -c1-16)" "$name"
    done | LC_ALL=C sort | cut -f2
}

list_chosen() {
    {
        cargo mutants --no-config --list "${whole[@]}"
        # Read to its end: who is cut off while it prints complains.
        cargo mutants --no-config --list "${rest[@]}" | drawn | awk -v sampled="$sampled" 'NR <= sampled'
    } | drawn
}

# The tests that are built and run quickly come first, for they catch most: those of the core, then those of the face on
# the production set, then those of all variants.
steps=('-p ron-auth-core --features serde' '-p ron-auth --features full,serde' '-p ron-auth-variants --features all')

# try NAME: what became of it, on standard output.
try() {
    local exactly step status word words log=$target_dir/mutants/log
    # As a regular expression that is this name alone.
    exactly="^$(printf '%s' "$1" | sed 's/[][\.*^$+?(){}|/]/\\&/g')\$"
    for step in "${steps[@]}"; do
        words=()
        for word in $step --tests; do words+=(--cargo-test-arg "$word"); done
        status=0
        # In place, so that what did not change is not built again.
        cargo mutants --no-config --in-place --baseline skip --timeout 240 --re "$exactly" --test-workspace false \
            "${words[@]}" --output "$target_dir/mutants" --no-shuffle >"$log" 2>&1 || status=$?
        case $status in
        0) if [ -s "$target_dir/mutants/mutants.out/unviable.txt" ]; then echo unviable; else echo caught; fi && return ;;
        2) ;;
        3) echo timeout && return ;;
        *) tail -n 5 "$log" >&2 && return 1 ;;
        esac
    done
    echo missed
}

# Caught, of those that compile; the interval is Wilson's.
report() {
    awk -F'\t' '
        { outcome[$2] = $1 }
        END {
            for (name in outcome) { tally[outcome[name]]++ }
            caught = tally["caught"] + tally["timeout"]; viable = caught + tally["missed"]
            printf "%d tried: %d caught, %d by time, %d missed, %d do not compile\n",
                viable + tally["unviable"], tally["caught"], tally["timeout"], tally["missed"], tally["unviable"]
            if (viable == 0) exit 1
            z = 1.96; p = caught / viable; n = viable
            centre = (p + z * z / (2 * n)) / (1 + z * z / n)
            half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
            printf "%.1f %% of the viable ones are caught (95 %% interval %.1f to %.1f)\n",
                100 * p, 100 * (centre - half), 100 * (centre + half)
            exit (centre - half >= 0.95) ? 0 : 1
        }' "$outcomes"
}

if [ "$what" = report ]; then
    report && exit 0
    exit 1
fi

need_cargo_tool cargo-mutants "$version" || exit 3
chosen=$target_dir/mutants/chosen
progress 'listing mutants'
list_chosen >"$chosen.all"
awk -v index_="$index" -v count="$count" '(NR - 1) % count == index_' "$chosen.all" >"$chosen"
if [ "$what" = list ]; then
    cat "$chosen"
    exit 0
fi

total=$(wc -l <"$chosen") number=0
while IFS= read -r name <&3; do
    number=$((number + 1))
    if cut -f2 "$outcomes" | grep -xF -- "$name" >/dev/null; then
        continue
    fi
    progress "$number of $total: $name"
    outcome=$(try "$name") || {
        printf '%s: cargo-mutants could not try %s\n' "${0##*/}" "$name" >&2
        exit 3
    }
    printf '%s\t%s\n' "$outcome" "$name" >>"$outcomes"
    progress "$outcome"
done 3<"$chosen"
report || true
