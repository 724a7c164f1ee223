#!/usr/bin/env bash
# Does svc-auth answer as it should? A dozen requests with curl, to one that runs or to one that is started for it.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/smoke_auth.sh [--spawn]

Asks svc-auth for its health, who the bearer of an envelope is, whether they may do what is permitted and what is denied,
a batch of both, and its metrics, in which each operation must have been counted. svc-passport issues the envelope.
Nothing is changed.

Without --spawn it asks those that run: svc-auth at AUTH_HOST (127.0.0.1) and AUTH_PORT (5310), svc-passport at
PASSPORT_HOST (127.0.0.1) and PASSPORT_PORT (5307). Their policy has to permit AUTH_ACTION (read) on AUTH_RESOURCE (docs/a)
to who has AUTH_CLAIMS ({"sub":"smoke","aud":"ron-auth","roles":["reader"]}), and not on AUTH_DENIED (docs/sealed/a).
With --spawn it builds both, starts them on free ports (AUTH_DYNAMIC_PORT=1) with a policy of its own, and after the
questions ends svc-auth with SIGTERM, which must drain: exit code 0.

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
passport=''
auth=''
finish() {
    local service
    for service in $passport $auth; do
        kill -9 "$service" 2>/dev/null || true
        # Else the shell would tell that it was killed.
        wait "$service" 2>/dev/null || true
    done
    rm -rf -- "$work"
}
trap finish EXIT

# started NAME PID: waits until it prints its address, and puts that into `address`.
started() {
    for _ in $(seq 200); do
        grep -q http:// "$work/$1.started" && break
        kill -0 "$2" 2>/dev/null || break
        sleep 0.05
    done
    address=$(grep -o 'http://[0-9.]*:[0-9]*' "$work/$1.started" | head -n 1) || {
        printf '%s did not start: %s\n' "$1" "$(tail -n 1 "$work/$1.log")" >&2
        exit 3
    }
}

claims=${AUTH_CLAIMS:-'{"sub":"smoke","aud":"ron-auth","roles":["reader"]}'}
action=${AUTH_ACTION:-read}
resource=${AUTH_RESOURCE:-docs/a}
denied=${AUTH_DENIED:-docs/sealed/a}
if [ -n "$spawn" ]; then
    progress 'building svc-passport and svc-auth (minutes on a fresh machine)'
    cargo build --release -p svc-passport -p svc-auth >&2 || exit 3
    cat >"$work/policy.toml" <<TEXT
schema = "ron-policy/2"
version = 1
[[rules]]
id = "smoke-permit"
effect = "permit"
when = { actions = ["$action"], resources = ["$resource"] }
TEXT
    PASSPORT_CONFIG='server = { bind = "127.0.0.1:0", admin_bind = "127.0.0.1:0" }' \
        "$target_dir/release/svc-passport" >"$work/svc-passport.started" 2>"$work/svc-passport.log" &
    passport=$!
    started svc-passport "$passport"
    issuer=$address
    RON_AUTH_CONFIG="policy.path = '$work/policy.toml'
verify.passport_base = '$issuer'" AUTH_DYNAMIC_PORT=1 \
        "$target_dir/release/svc-auth" >"$work/svc-auth.started" 2>"$work/svc-auth.log" &
    auth=$!
    started svc-auth "$auth"
    base=$address
else
    base=http://${AUTH_HOST:-127.0.0.1}:${AUTH_PORT:-5310}
    issuer=http://${PASSPORT_HOST:-127.0.0.1}:${PASSPORT_PORT:-5307}
    curl -sS -m 5 -o /dev/null "$base/healthz" || {
        printf 'nothing answers at %s: start svc-auth, set AUTH_HOST and AUTH_PORT, or use --spawn\n' "$base" >&2
        exit 3
    }
    curl -sS -m 5 -o /dev/null "$issuer/healthz" || {
        printf 'nothing answers at %s: start svc-passport, set PASSPORT_HOST and PASSPORT_PORT, or use --spawn\n' "$issuer" >&2
        exit 3
    }
fi

# ask METHOD URL [CURL OPTION…]: puts the status into `status` and the body into `body`.
ask() {
    local method=$1 url=$2
    shift 2
    status=$(curl -sS -m 10 -X "$method" -o "$work/body" -w '%{http_code}' "$@" "$url") || {
        printf 'FAIL  %s %s: no answer\n' "$method" "$url"
        exit 1
    }
    body=$(<"$work/body")
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

# counted OP: how often the metrics have counted it, with any result and algorithm.
counted() {
    sed -n "/^auth_ops_total{.*op=\"$1\"/s/.* //p" <<<"$metrics" | awk '{ sum += $1 } END { print sum + 0 }'
}

heading "svc-auth at $base, svc-passport at $issuer"
ask GET "$base/healthz"
expect 'healthz' 200 '{"ok":true}'
for _ in $(seq 100); do
    ask GET "$base/readyz"
    [ "$status" = 200 ] && break
    sleep 0.1
done
expect 'readyz' 200 '{"ready":true,*'

post "$issuer/v1/passport/issue" "$claims"
expect 'svc-passport issues an envelope' 200 '{"alg":"Ed25519",*'
envelope=$body
# The first character of the signature, exchanged for another one.
tampered=$(sed 's/"sig_b64":"A/"sig_b64":"_/; s/"sig_b64":"[^_]/"sig_b64":"A/; s/"sig_b64":"_/"sig_b64":"B/' <<<"$envelope")

post "$base/v1/auth/whoami" "$envelope"
expect 'whoami' 200 '{*}'
post "$base/v1/auth/whoami" "$tampered"
expect 'whoami of a tampered envelope is nobody' 401 '*"code":"Denied"*'
post "$base/v1/auth/introspect" "$envelope"
expect 'introspect' 200 '{"active":true,*'
post "$base/v1/auth/introspect" "$tampered"
expect 'introspect of a tampered envelope' 200 '{"active":false,*'

question() {
    printf '{"envelope":%s,"action":"%s","resource":"%s"}' "$1" "$action" "$2"
}
post "$base/v1/auth/authorize" "$(question "$envelope" "$resource")"
expect "authorize: $action $resource is permitted" 200 '{"decision":"Permit"*'
post "$base/v1/auth/authorize" "$(question "$envelope" "$denied")"
expect "authorize: $action $denied is denied" 200 '{"decision":"Deny","reason":"*"*'
post "$base/v1/auth/authorize" "$(question "$tampered" "$resource")"
expect 'authorize of a tampered envelope is denied' 200 '{"decision":"Deny","reason":"BadSignature"}'
post "$base/v1/auth/authorize" '{'
expect 'authorize of what is no JSON is refused' 400 '*"code":"Malformed"*'

items="$(question "$envelope" "$resource"),$(question "$tampered" "$resource"),$(question "$envelope" "$denied")"
for batch in "[$items]" "{\"items\":[$items]}"; do
    post "$base/v1/auth/authorize_batch" "$batch"
    expect "authorize_batch of ${batch:0:1}…" 200 '?{"decision":"Permit"*},{"decision":"Deny","reason":"BadSignature"},{"decision":"Deny",*}?'
done

ask GET "$base/metrics"
expect 'metrics' 200 '*auth_ops_total*'
metrics=$body
for op in whoami introspect authorize authorize_batch; do
    count=$(counted "$op")
    if [ "$count" = 0 ]; then
        printf 'FAIL  metrics count no %s\n' "$op"
        exit 1
    fi
    printf 'ok    metrics count %s: %s\n' "$op" "$count"
done

if [ -n "$spawn" ]; then
    kill -TERM "$auth"
    code=0
    wait "$auth" || code=$?
    if [ "$code" != 0 ]; then
        printf 'FAIL  shutdown: exit code %s: %s\n' "$code" "$(tail -n 1 "$work/svc-auth.log")"
        exit 1
    fi
    auth=''
    printf 'ok    shutdown drains\n'
fi
printf '\nall as it should be\n'
