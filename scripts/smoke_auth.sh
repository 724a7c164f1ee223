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

# shellcheck source=scripts/lib_smoke.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_smoke.sh"

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
    start svc-passport 'PASSPORT_CONFIG=server = { bind = "127.0.0.1:0", admin_bind = "127.0.0.1:0" }'
    issuer=$address
    start svc-auth AUTH_DYNAMIC_PORT=1 "RON_AUTH_CONFIG=policy.path = '$work/policy.toml'
verify.passport_base = '$issuer'"
    base=$address
else
    base=http://${AUTH_HOST:-127.0.0.1}:${AUTH_PORT:-5310}
    issuer=http://${PASSPORT_HOST:-127.0.0.1}:${PASSPORT_PORT:-5307}
    reach svc-auth "$base" 'AUTH_HOST and AUTH_PORT'
    reach svc-passport "$issuer" 'PASSPORT_HOST and PASSPORT_PORT'
fi

# count_of OP: how often the metrics have counted it, with any result and algorithm.
count_of() {
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
tampered=$(tampered "$envelope")

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
    counted "$op" "$(count_of "$op")"
done

[ -z "$spawn" ] || drain svc-auth
printf '\nall as it should be\n'
