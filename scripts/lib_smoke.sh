# shellcheck shell=bash
# Shared by the smoke scripts: services that are started and ended, requests, and what is expected of answers. To be
# sourced by a script of this folder that has a function `usage`, with its arguments.
#
# Afterwards `spawn` is "yes" if --spawn was given, else empty; `work` is a folder that goes at the end, with all services
# that were started.

spawn=''
for arg in "$@"; do
    case $arg in
    -h | --help) usage && exit 0 ;;
    --spawn) spawn=yes ;;
    esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

for arg in "$@"; do
    case $arg in --spawn) ;; *) usage_error "unknown argument $arg" ;; esac
done
command -v curl >/dev/null || {
    missing curl 'apt-get install curl (Debian, Ubuntu), dnf install curl (Fedora)'
    exit 3
}

work=$(mktemp -d)
declare -A started=()
finish() {
    local name
    for name in "${!started[@]}"; do
        kill -9 "${started[$name]}" 2>/dev/null || true
        # Else the shell would tell that it was killed.
        wait "${started[$name]}" 2>/dev/null || true
    done
    rm -rf -- "$work"
}
trap finish EXIT

# start NAME [VARIABLE=VALUE…]: starts a service that is built, waits until it prints its address, and puts that into
# `address`.
start() {
    local name=$1
    env "${@:2}" "$target_dir/release/$name" >"$work/$name.started" 2>"$work/$name.log" &
    started[$name]=$!
    for _ in $(seq 200); do
        grep -q http:// "$work/$name.started" && break
        kill -0 "${started[$name]}" 2>/dev/null || break
        sleep 0.05
    done
    address=$(grep -o 'http://[0-9.]*:[0-9]*' "$work/$name.started" | head -n 1) || {
        printf '%s did not start: %s\n' "$name" "$(tail -n 1 "$work/$name.log")" >&2
        exit 3
    }
}

# drain NAME: ends a service with SIGTERM, which must drain.
drain() {
    local code=0
    kill -TERM "${started[$1]}"
    wait "${started[$1]}" || code=$?
    unset "started[$1]"
    if [ "$code" != 0 ]; then
        printf 'FAIL  shutdown: exit code %s: %s\n' "$code" "$(tail -n 1 "$work/$1.log")"
        exit 1
    fi
    printf 'ok    shutdown drains\n'
}

# reach NAME URL VARIABLES: there must be one that answers.
reach() {
    curl -sS -m 5 -o /dev/null "$2/healthz" || {
        printf 'nothing answers at %s: start %s, set %s, or use --spawn\n' "$2" "$1" "$3" >&2
        exit 3
    }
}

# ask METHOD URL [CURL OPTION…]: puts the status into `status`, the headers into $work/headers, the body into `body`.
ask() {
    local method=$1 url=$2
    shift 2
    status=$(curl -sS -m 10 -X "$method" -D "$work/headers" -o "$work/body" -w '%{http_code}' "$@" "$url") || {
        printf 'FAIL  %s %s: no answer\n' "$method" "$url"
        exit 1
    }
    # A 304 writes no file.
    body=''
    [ "$status" = 304 ] || body=$(<"$work/body")
}

# post URL JSON
post() {
    ask POST "$1" -H 'Content-Type: application/json' --data-binary "$2"
}

# header NAME: its value in the last answer.
header() {
    tr -d '\r' <"$work/headers" | sed -n "s/^$1: //Ip"
}

# expect WHAT STATUS PATTERN: holds the last answer to a status and a pattern of the shell for the body.
expect() {
    # shellcheck disable=SC2053 # the pattern is one
    if [ "$status" = "$2" ] && [[ $body == $3 ]]; then
        printf 'ok    %s\n' "$1"
        return
    fi
    printf 'FAIL  %s: expected %s %s, got %s %s\n' "$1" "$2" "$3" "$status" "$(head -c 300 <<<"$body")"
    exit 1
}

# counted WHAT NUMBER: metrics must have counted it.
counted() {
    if [[ ! $2 =~ ^[1-9] ]]; then
        printf 'FAIL  metrics count no %s\n' "$1"
        exit 1
    fi
    printf 'ok    metrics count %s: %s\n' "$1" "$2"
}

# tampered ENVELOPE: the same with the first character of its signature exchanged for another one.
tampered() {
    sed 's/"sig_b64":"A/"sig_b64":"_/; s/"sig_b64":"[^_]/"sig_b64":"A/; s/"sig_b64":"_/"sig_b64":"B/' <<<"$1"
}
