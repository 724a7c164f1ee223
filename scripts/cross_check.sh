#!/usr/bin/env bash
# Other machines, really run: the same tokens, the same outcomes.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/cross_check.sh [MACHINE…]

Builds variants/outcomes for each machine, runs it there, and compares what it prints: a digest of all outcomes for each
group of tokens (recorded decisions, fixtures, long tokens; intact and damaged; strict and compat; alone and in batches
of every size at which lanes may go wrong), by every verifier that the machine has. This machine is always the first; its lanes are
tried at every level up to its own (AVX-512, AVX2, SSE4.2, SSE2).

  aarch64   64 bits, NEON; emulated        (default)
  i686      32 bits; run here as it is     (default)
  haswell   x86-64 that ends at AVX2; emulated, several minutes
  nehalem   x86-64 that ends at SSE4.2; emulated, several minutes
  armv7     32 bits; emulated
  s390x     64 bits, big endian; emulated

Wants cargo, and Debian's packages of a second compiler with the source of its standard library (rustc-web,
rust-web-src), of linkers (gcc-aarch64-linux-gnu and the like) and of an emulator (qemu-user-static). As root on a Debian
machine it installs what is missing; the compiler that cargo uses otherwise is left alone. All that is built lies in
target/cross; what was printed, in target/cross/outcomes.

exit codes
  0 equal digests   1 a difference, with its line   3 could not   64 usage   77 skipped: something is missing, and what
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -gt 0 ] || set -- aarch64 i686

vectors=testdata/v1/decisions.json
build_dir=$target_dir/cross
out=$build_dir/outcomes
export CARGO_TARGET_DIR=$build_dir
# What a caller chose for programs of this machine is none of the others' business.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER

# For each machine: what it is built as, and what runs it (nothing: this machine does). For each target: Debian's name of
# it in linkers, and in libraries.
declare -A built_as=([aarch64]=aarch64-unknown-linux-gnu [i686]=i686-unknown-linux-gnu [haswell]= [nehalem]=
    [armv7]=armv7-unknown-linux-gnueabihf [s390x]=s390x-unknown-linux-gnu)
declare -A run_by=([aarch64]=qemu-aarch64-static [i686]= [haswell]='qemu-x86_64-static -cpu Haswell'
    [nehalem]='qemu-x86_64-static -cpu Nehalem' [armv7]=qemu-arm-static [s390x]=qemu-s390x-static)
declare -A linker=([aarch64]=aarch64-linux-gnu [i686]=i686-linux-gnu [armv7]=arm-linux-gnueabihf [s390x]=s390x-linux-gnu)
declare -A libraries=([aarch64]=arm64 [i686]=i386 [armv7]=armhf [s390x]=s390x)

packages=()
for machine in "$@"; do
    [ -n "${built_as[$machine]+known}" ] || usage_error "unknown machine $machine"
    [ -z "${linker[$machine]:-}" ] ||
        packages+=(rustc-web rust-web-src "gcc-${linker[$machine]}" "libc6-dev-${libraries[$machine]}-cross")
    [ -z "${run_by[$machine]}" ] || packages+=(qemu-user-static)
done

# skipped WHY: not a failure, and not a success either.
skipped() {
    printf 'skipped: %s\n' "$1" >&2
    exit 77
}

[ "$(uname -sm)" = 'Linux x86_64' ] || skipped 'wants an x86-64 machine with Linux'
command -v cargo >/dev/null || skipped 'cargo is missing'
command -v dpkg-query >/dev/null || skipped 'wants a Debian machine, for its second compiler (rustc-web)'

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${packages[@]}"; do
    case " ${missing[*]-} " in *" $package "*) continue ;; esac
    is_installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    how="apt-get install --no-install-recommends ${missing[*]}"
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || skipped "missing: ${missing[*]}. To get them: $how"
    progress "installing ${missing[*]}"
    log=$build_dir/install.log
    mkdir -p "$build_dir"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
        </dev/null >"$log" 2>&1 || skipped "could not install ${missing[*]} ($log): $(grep '^E:' "$log" | head -n 1)"
fi

targets=()
for machine in "$@"; do
    [ -z "${built_as[$machine]}" ] || targets+=(--target "${built_as[$machine]}")
done
if [ ${#targets[@]} -gt 0 ]; then
    oldest=$(sed -n 's/^rust-version = "\([0-9.]*\)"$/\1/p' Cargo.toml)
    version=$(/usr/bin/rustc --version | sed -n 's/^rustc \([0-9.]*\).*/\1/p')
    [ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" = "$oldest" ] ||
        skipped "rustc-web is $version here, and this wants $oldest or later"
fi

rm -rf "$out"
mkdir -p "$out"

# As it is built for tests, whose finished parts it takes, and beside them.
progress 'building for this machine'
CARGO_TARGET_DIR=$target_dir cargo build --workspace --all-features --bin outcomes || exit 3
here=$target_dir/debug/outcomes

if [ ${#targets[@]} -gt 0 ]; then
    progress "building for ${targets[*]//--target/} with rustc-web $version (its standard library first)"
    for machine in "$@"; do
        [ -n "${built_as[$machine]}" ] || continue
        name=$(tr 'a-z-' 'A-Z_' <<<"${built_as[$machine]}")
        export "CARGO_TARGET_${name}_LINKER=${linker[$machine]}-gcc"
        # Static, so that nothing of the other machine but its standard library is needed to run it.
        export "CARGO_TARGET_${name}_RUSTFLAGS=-C target-feature=+crt-static"
    done
    # Building a standard library is for compilers under development only, unless this says otherwise.
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
        cargo build --profile cross -Zbuild-std=std,panic_abort "${targets[@]}" -p ron-auth-outcomes || exit 3
fi

# outcomes_of MACHINE: runs the program there.
outcomes_of() {
    local program=$here runner=()
    [ "$1" = here ] || read -ra runner <<<"${run_by[$1]}"
    [ -z "${built_as[$1]:-}" ] || program=$build_dir/${built_as[$1]}/cross/outcomes
    "${runner[@]}" "$program" "$vectors" >"$out/$1.txt" 2>"$out/$1.log" || echo "$?" >"$out/$1.failed"
}

progress "running on this machine, $*; two at a time"
for machine in here "$@"; do
    while [ "$(jobs -pr | wc -l)" -ge 2 ]; do wait -n; done
    outcomes_of "$machine" &
done
wait

status=0
for machine in here "$@"; do
    seen=$(sed -n 's/: .*//p;q' "$out/$machine.log")
    printf '%-8s %s  %s\n' "$machine" "$(sed -n 's/  all$//p' "$out/$machine.txt")" "$seen"
    if [ -e "$out/$machine.failed" ]; then
        printf '%s: the program ended with %s:\n' "$machine" "$(cat "$out/$machine.failed")" >&2
        sed 1d "$out/$machine.log" | head -n 5 >&2
        status=1
    fi
    if ! cmp -s "$out/here.txt" "$out/$machine.txt"; then
        printf '%s differs from this machine:\n' "$machine" >&2
        diff "$out/here.txt" "$out/$machine.txt" | head -n 6 >&2 || true
        status=1
    fi
done
[ $status = 0 ] && echo 'equal digests' || echo 'DIFFERENT digests: see above' >&2
exit $status
