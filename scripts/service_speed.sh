#!/usr/bin/env bash
# How fast the services are: as ratios to a bare responder and to the bare operations, measured in one run.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/service_speed.sh [--quick] [--blocks N] [--with cerbos] [--json FILE]

Builds the services, starts them on core 0, sends requests by wrk from core 1 over kept connections, and prints a table
in Markdown: each row a ratio, its median and interval over blocks, its target, and whether that is met, missed, or not
shown, which is when the interval holds the target.

Time per request is the CPU time of the service's process over the requests that were answered. What a row relates is
measured at the same time: each load has a process of its own, bare operations (signatures, verification, policy, JSON)
have theirs, and they share the core in turns of some milliseconds. So all of them meet the same machine, whose speed
changes by the second where neighbours share it, and at each turn find caches that others have used. Latencies are
measured with nothing beside them. Each block has fresh processes and an order of its own. All answers are checked
before anything is timed, and wrk must see 200 alone. Envelopes and tokens are all different, and svc-auth's memory for
envelopes is off. A row of the constant route against itself is the control: if it fails, there is no verdict.

What a service adds to its parts is also asked by two programs in turns of microseconds: services/README.md says how.

The whole run takes 4 minutes, and the build before it about 8 on a fresh machine with 2 cores; --quick takes half a
minute.
Nothing else should run: a core for the services, one for wrk.

  --quick        3 short blocks and 1,000 idle connections: shows that it works, measures little
  --blocks N     so many blocks in place of 12
  --with cerbos  Cerbos beside svc-auth, with the same permissions: from npm into target/tools
  --json FILE    all of it, raw, in place of target/service-speed.json
  -h, --help     this text

Wants Linux, two cores, python3 (its standard library), taskset, chrt, and wrk, which root gets from Debian's packages
where it is missing.

exit codes
  0 measured, whatever came out   3 could not   64 usage   130 interrupted
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cerbos_version=0.55.0
with_paths --json "$@"
set -- ${args[@]+"${args[@]}"}
json=$target_dir/service-speed.json
with_cerbos=''
options=()
while [ $# -gt 0 ]; do
    case $1 in
    --quick) options+=(--quick) ;;
    --blocks)
        [[ ${2-} =~ ^[1-9][0-9]{0,2}$ ]] || usage_error "--blocks ${2-}: expected a number"
        options+=(--blocks "$2")
        shift
        ;;
    --with)
        [ "${2-}" = cerbos ] || usage_error "--with ${2-}: expected cerbos"
        with_cerbos=yes
        shift
        ;;
    --json)
        json=$2
        shift
        ;;
    *) usage_error "unknown argument $1" ;;
    esac
    shift
done

[ "$(uname)" = Linux ] && [ "$(nproc)" -ge 2 ] || {
    echo 'service_speed.sh: wants Linux and two cores' >&2
    exit 3
}
for tool in python3 taskset chrt; do
    command -v "$tool" >/dev/null || {
        missing "$tool" "apt-get install python3 util-linux (Debian, Ubuntu)"
        exit 3
    }
done
command -v wrk >/dev/null || {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        progress 'installing wrk'
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends wrk; } </dev/null >&2 || exit 3
    else
        missing wrk 'apt-get install wrk (Debian, Ubuntu)'
        exit 3
    fi
}

# svc-auth is measured where it is there.
packages=(-p svc-passport)
examples=(--example passport_costs)
if [ -e services/auth/Cargo.toml ]; then
    packages+=(-p svc-auth)
    examples+=(--example auth_costs)
    options+=(--with-auth)
elif [ -n "$with_cerbos" ]; then
    echo 'service_speed.sh: --with cerbos wants svc-auth, which is not there' >&2
    exit 3
fi

if [ -n "$with_cerbos" ]; then
    cerbos=$tools_dir/cerbos-$cerbos_version/package/cerbos-linux-x64
    if [ ! -x "$cerbos" ]; then
        command -v npm >/dev/null || {
            missing npm 'apt-get install npm (Debian, Ubuntu)'
            exit 3
        }
        progress "getting Cerbos $cerbos_version from npm"
        mkdir -p "$tools_dir/cerbos-$cerbos_version"
        (cd "$tools_dir/cerbos-$cerbos_version" &&
            npm pack --silent "@cerbos/cerbos-linux-x64@$cerbos_version" >/dev/null && tar xzf ./*.tgz &&
            rm ./*.tgz) || exit 3
        chmod +x "$cerbos"
    fi
    options+=(--cerbos "$cerbos")
fi

progress 'building (on a fresh machine: about 8 minutes)'
# The services last, by themselves: as they are built for use, without what the examples switch on.
cargo build --release "${packages[@]}" "${examples[@]}" >&2 || exit 3
cargo build --release "${packages[@]}" -p ron-service --bins >&2 || exit 3
progress 'measuring'
# Ctrl-C is for what is measured with, which ends what it has started.
exec python3 -B scripts/service_speed --target "$target_dir/release" --json "$json" ${options[@]+"${options[@]}"}
