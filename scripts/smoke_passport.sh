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

# shellcheck source=scripts/lib_smoke.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib_smoke.sh"

if [ -n "$spawn" ]; then
    progress 'building svc-passport (minutes on a fresh machine)'
    cargo build --release -p svc-passport >&2 || exit 3
    start svc-passport 'PASSPORT_CONFIG=server = { bind = "127.0.0.1:0", admin_bind = "127.0.0.1:0" }'
    base=$address
else
    base=http://${PASSPORT_HOST:-127.0.0.1}:${PASSPORT_PORT:-5307}
    reach svc-passport "$base" 'PASSPORT_HOST and PASSPORT_PORT'
fi

# count_of OP RESULT: how often the metrics have counted it.
count_of() {
    curl -sS -m 10 "$base/metrics" |
        sed -n "/^passport_ops_total{.*op=\"$1\".*result=\"$2\"\|^passport_ops_total{.*result=\"$2\".*op=\"$1\"/s/.* //p"
}

heading "svc-passport at $base"
ask GET "$base/healthz"
expect 'healthz' 200 '{"ok":true}'

post "$base/v1/passport/issue" '{"sub": "smoke", "aud": ["svc-passport"]}'
expect 'issue' 200 '{"alg":"Ed25519",*"kid":"*","msg_b64":"*","sig_b64":"*"}'
envelope=$body
case $envelope in
*'"msg_b64":"eyJhdWQiOlsic3ZjLXBhc3Nwb3J0Il0sInN1YiI6InNtb2tlIn0="'*) printf 'ok    issue signs the canonical form\n' ;;
*) printf 'FAIL  issue signed something else: %s\n' "$envelope" && exit 1 ;;
esac

post "$base/v1/passport/verify" "$envelope"
expect 'verify' 200 true

tampered=$(tampered "$envelope")
post "$base/v1/passport/verify" "$tampered"
expect 'verify of a tampered envelope' 200 false

post "$base/v1/passport/verify_batch" "[$envelope,$tampered]"
expect 'verify_batch of an array' 200 '?true,false?'
post "$base/v1/passport/verify_batch" "{\"items\":[$tampered,$envelope]}"
expect 'verify_batch of items' 200 '?false,true?'

post "$base/v1/passport/verify" "${envelope/Ed25519/RSA256}"
expect 'verify with another algorithm is refused' 400 '{"code":"BadAlg",*'
post "$base/v1/passport/verify" '{}'
expect 'verify of another shape is refused' 422 '*'

ask GET "$base/v1/keys"
expect 'keys' 200 '{"keys":?{"alg":"EdDSA","crv":"Ed25519",*'
kid=$(sed 's/.*"kid":"\([^"]*\)".*/\1/' <<<"$envelope")
expect "keys has $kid" 200 "*\"kid\":\"$kid\"*"
etag=$(header etag)
ask GET "$base/v1/keys" -H "If-None-Match: $etag"
expect "keys with the ETag $(head -c 12 <<<"$etag")… is 304" 304 ''
case $(header cache-control) in
'public, max-age='[0-9]*) printf 'ok    keys may be cached: %s\n' "$(header cache-control)" ;;
*) printf 'FAIL  cache-control: %s\n' "$(header cache-control)" && exit 1 ;;
esac

ask GET "$base/metrics"
expect 'metrics' 200 '*passport_ops_total*'
for what in 'issue ok' 'verify ok' 'verify fail' 'verify_batch ok' 'keys ok' 'keys not_modified'; do
    # shellcheck disable=SC2086 # two words
    counted "$what" "$(count_of $what)"
done

[ -z "$spawn" ] || drain svc-passport
printf '\nall as it should be\n'
