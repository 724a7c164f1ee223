#!/usr/bin/env bash
# Does svc-passport answer as it should? A dozen requests with curl, to one that runs or to one that is started for it.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/smoke_passport.sh [--spawn]

Asks svc-passport for its health, its metrics, an envelope, its verification alone and in a batch, that of one that was
tampered with, and its keys with their ETag. Nothing is rotated or changed.

Without --spawn it asks the one that runs at PASSPORT_HOST (127.0.0.1) and PASSPORT_PORT (5307).
With --spawn it builds svc-passport, starts it on free ports with keys of its own, and after the questions ends it with
SIGTERM, which must drain: exit code 0.

exit codes
  0 all as it should be   1 something is not, and what   3 could not ask: it is not reachable, or a tool is missing   64 usage
TEXT
}

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
service=''
finish() {
    if [ -n "$service" ] && kill -0 "$service" 2>/dev/null; then
        kill -9 "$service" 2>/dev/null || true
    fi
    rm -rf -- "$work"
}
trap finish EXIT

if [ -n "$spawn" ]; then
    progress 'building svc-passport (minutes on a fresh machine)'
    cargo build --release -p svc-passport >&2 || exit 3
    PASSPORT_CONFIG='server = { bind = "127.0.0.1:0", admin_bind = "127.0.0.1:0" }' \
        "$target_dir/release/svc-passport" >"$work/started" 2>"$work/log" &
    service=$!
    for _ in $(seq 200); do
        grep -q http:// "$work/started" && break
        kill -0 "$service" 2>/dev/null || break
        sleep 0.05
    done
    base=$(grep -o 'http://[0-9.]*:[0-9]*' "$work/started" | head -n 1) || {
        printf 'svc-passport did not start: %s\n' "$(tail -n 1 "$work/log")" >&2
        exit 3
    }
else
    base=http://${PASSPORT_HOST:-127.0.0.1}:${PASSPORT_PORT:-5307}
    curl -sS -m 5 -o /dev/null "$base/healthz" || {
        printf 'nothing answers at %s: start svc-passport, set PASSPORT_HOST and PASSPORT_PORT, or use --spawn\n' "$base" >&2
        exit 3
    }
fi

# ask METHOD PATH [CURL OPTION…]: puts the status into `status`, the headers into $work/headers, the body into `body`.
ask() {
    local method=$1 path=$2
    shift 2
    status=$(curl -sS -m 10 -X "$method" -D "$work/headers" -o "$work/body" -w '%{http_code}' "$@" "$base$path") || {
        printf 'FAIL  %s %s: no answer\n' "$method" "$path"
        exit 1
    }
    # A 304 writes no file.
    body=''
    [ "$status" = 304 ] || body=$(<"$work/body")
}

post() {
    ask POST "$1" -H 'Content-Type: application/json' --data-binary "$2"
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

# header NAME: its value in the last answer.
header() {
    tr -d '\r' <"$work/headers" | sed -n "s/^$1: //Ip"
}

# counted OP RESULT: how often the metrics have counted it.
counted() {
    curl -sS -m 10 "$base/metrics" |
        sed -n "/^passport_ops_total{.*op=\"$1\".*result=\"$2\"\|^passport_ops_total{.*result=\"$2\".*op=\"$1\"/s/.* //p"
}

heading "svc-passport at $base"
ask GET /healthz
expect 'healthz' 200 '{"ok":true}'

post /v1/passport/issue '{"sub": "smoke", "aud": ["svc-passport"]}'
expect 'issue' 200 '{"alg":"Ed25519",*"kid":"*","msg_b64":"*","sig_b64":"*"}'
envelope=$body
case $envelope in
*'"msg_b64":"eyJhdWQiOlsic3ZjLXBhc3Nwb3J0Il0sInN1YiI6InNtb2tlIn0="'*) printf 'ok    issue signs the canonical form\n' ;;
*) printf 'FAIL  issue signed something else: %s\n' "$envelope" && exit 1 ;;
esac

post /v1/passport/verify "$envelope"
expect 'verify' 200 true

# The first character of the signature, exchanged for another one.
tampered=$(sed 's/"sig_b64":"A/"sig_b64":"_/; s/"sig_b64":"[^_]/"sig_b64":"A/; s/"sig_b64":"_/"sig_b64":"B/' <<<"$envelope")
post /v1/passport/verify "$tampered"
expect 'verify of a tampered envelope' 200 false

post /v1/passport/verify_batch "[$envelope,$tampered]"
expect 'verify_batch of an array' 200 '?true,false?'
post /v1/passport/verify_batch "{\"items\":[$tampered,$envelope]}"
expect 'verify_batch of items' 200 '?false,true?'

post /v1/passport/verify "${envelope/Ed25519/RSA256}"
expect 'verify with another algorithm is refused' 400 '{"code":"BadAlg",*'
post /v1/passport/verify '{}'
expect 'verify of another shape is refused' 422 '*'

ask GET /v1/keys
expect 'keys' 200 '{"keys":?{"alg":"EdDSA","crv":"Ed25519",*'
kid=$(sed 's/.*"kid":"\([^"]*\)".*/\1/' <<<"$envelope")
expect "keys has $kid" 200 "*\"kid\":\"$kid\"*"
etag=$(header etag)
ask GET /v1/keys -H "If-None-Match: $etag"
expect "keys with the ETag $(head -c 12 <<<"$etag")… is 304" 304 ''
case $(header cache-control) in
'public, max-age='[0-9]*) printf 'ok    keys may be cached: %s\n' "$(header cache-control)" ;;
*) printf 'FAIL  cache-control: %s\n' "$(header cache-control)" && exit 1 ;;
esac

ask GET /metrics
expect 'metrics' 200 '*passport_ops_total*'
for what in 'issue ok' 'verify ok' 'verify fail' 'verify_batch ok' 'keys ok' 'keys not_modified'; do
    # shellcheck disable=SC2086 # two words
    count=$(counted $what)
    if [[ ! $count =~ ^[1-9] ]]; then
        printf 'FAIL  metrics count no %s\n' "$what"
        exit 1
    fi
    printf 'ok    metrics count %s: %s\n' "$what" "$count"
done

if [ -n "$spawn" ]; then
    kill -TERM "$service"
    code=0
    wait "$service" || code=$?
    service=''
    if [ "$code" != 0 ]; then
        printf 'FAIL  shutdown: exit code %s: %s\n' "$code" "$(tail -n 1 "$work/log")"
        exit 1
    fi
    printf 'ok    shutdown drains\n'
fi
printf '\nall as it should be\n'
