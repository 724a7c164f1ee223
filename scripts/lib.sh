# shellcheck shell=bash
# Shared by the scripts of this folder. To be sourced, from any directory, after `set -euo pipefail`.
#
# Afterwards `caller_dir` is where the caller stands, the working directory is the root of the repository, `target_dir`
# is the absolute path of Cargo's target directory ($CARGO_TARGET_DIR if it is set), and tools that are installed below
# it come first on the PATH.

# What a shell may export and would change what follows: cd that looks elsewhere and prints where it went, grep with
# options of its own, functions in place of commands.
unset CDPATH GREP_OPTIONS
unset -f cd pwd grep sed 2>/dev/null || true

caller_dir=$PWD

# A hook hands on which repository and which index it is about; these scripts are about the one that they lie in.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR GIT_OBJECT_DIRECTORY GIT_PREFIX

# A relative one means: relative to where the caller stands. Benches run elsewhere and would read it differently.
case ${CARGO_TARGET_DIR:-} in
"") target_dir=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)/target ;;
/*) target_dir=$CARGO_TARGET_DIR ;;
*) target_dir=$PWD/$CARGO_TARGET_DIR ;;
esac
export CARGO_TARGET_DIR=$target_dir

# The build script of jemalloc takes no path with white space: intermediate files go below Cargo's home then, as with
# `cargo lab`. Finished programs lie in the target directory all the same.
case $target_dir in
*[[:space:]]*)
    case ${CARGO_HOME:-${HOME:-}} in *[[:space:]]*) elsewhere=/var/tmp ;; *) elsewhere='{cargo-cache-home}' ;; esac
    export CARGO_BUILD_BUILD_DIR="${CARGO_BUILD_BUILD_DIR:-$elsewhere/perf-lab/{workspace-path-hash\}}"
    ;;
esac

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

tools_dir=$target_dir/tools
PATH=$tools_dir/bin:$PATH
export PATH

critcmp_version=0.1.8
cargo_fuzz_version=0.13.2
# The runner refuses to work with any other version of the library.
gungraun_version=$(sed -n 's/^gungraun = "=\([0-9.]*\)"$/\1/p' Cargo.toml)

# What Rust's own installer does not bring.
for tool in cc make; do
    command -v "$tool" >/dev/null || {
        printf 'missing: %s, which jemalloc is built with. To get it: apt-get install build-essential (Debian, Ubuntu), dnf install gcc make (Fedora)\n' "$tool" >&2
        exit 3
    }
done

# with_paths 'OPTION…' ARG…: puts ARG… into the array `args`. What one of these options names is a path, and a relative
# one means: relative to where the caller stands.
with_paths() {
    local options=" $1 " option path
    shift
    args=()
    while [ $# -gt 0 ]; do
        option=${1%%=*}
        if [[ $option != --* || $options != *" $option "* ]]; then
            args+=("$1")
            shift
            continue
        fi
        if [ "$option" = "$1" ]; then
            [ $# -ge 2 ] || usage_error "$option wants a path"
            path=$2
            shift 2
        else
            path=${1#*=}
            shift
        fi
        case $path in /*) ;; *) path=$caller_dir/$path ;; esac
        args+=("$option" "$path")
    done
}

# heading WHAT: with how long the script has run, so that a log shows where its time went.
heading() {
    printf '\n== %s (at %d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60))
}

# progress WHAT: says on standard error what is done now, before it is done: nobody should look at an empty screen, and
# standard output is for results.
progress() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# What takes minutes on a fresh machine and nothing afterwards. `cargo lab` shows how far it is.
starting_the_lab='starting the lab (on a fresh machine it is built first: 5 to 10 minutes on two cores)'

# missing WHAT HOW: says what is missing and how to get it.
missing() {
    printf 'missing: %s. To get it: %s\n' "$1" "$2" >&2
}

# usage_error MESSAGE: for an argument that cannot be understood.
usage_error() {
    printf '%s: %s (see --help)\n' "${0##*/}" "$1" >&2
    exit 64
}

# need_cargo_tool CRATE VERSION: installs exactly this version below target/ unless it is there. Non-zero, with a
# message, if that cannot be done.
need_cargo_tool() {
    if cargo install --list --root "$tools_dir" 2>/dev/null | grep -qxF "$1 v$2:"; then
        return 0
    fi
    progress "installing $1 $2 into $tools_dir (once; a few minutes)"
    # Flags for this repository's code are none of the tool's business.
    if env -u RUSTFLAGS -u CARGO_BUILD_TARGET CARGO_ENCODED_RUSTFLAGS= \
        cargo install --root "$tools_dir" --locked --version "=$2" "$1" >&2; then
        return 0
    fi
    missing "$1 $2" "cargo install --root $tools_dir --locked --version $2 $1 (needs crates.io)"
    return 1
}

need_critcmp() {
    need_cargo_tool critcmp "$critcmp_version"
}

# Valgrind, and the runner that belongs to the gungraun of Cargo.toml.
need_callgrind() {
    if ! command -v valgrind >/dev/null; then
        missing valgrind 'apt-get install valgrind (Debian, Ubuntu), dnf install valgrind (Fedora)'
        return 1
    fi
    if [ -z "$gungraun_version" ]; then
        missing 'the version of gungraun' 'a line such as gungraun = "=0.20.0" in Cargo.toml'
        return 1
    fi
    need_cargo_tool gungraun-runner "$gungraun_version"
}
