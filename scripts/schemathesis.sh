#!/usr/bin/env bash
# Do the services do what their OpenAPI documents say? Asked by schemathesis.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/schemathesis.sh [passport] [auth] [--examples N]

Builds the services, starts them on free ports with keys and a policy of their own, and lets schemathesis draw requests
from their OpenAPI documents, good and bad ones: each answer must have a status, a content type and a body that the
document knows, bad requests must be refused, and nothing may be a failure of the service. Both services, if none is named.

schemathesis is installed from PyPI into target/tools, in a virtual environment of python3.

  --examples N  so many requests for each operation and kind, in place of 100
  -h, --help    this text

exit codes
  0 nothing was found   1 something was, and what   3 could not   64 usage
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

schemathesis_version=4.32.5
services=()
examples=100
while [ $# -gt 0 ]; do
    case $1 in
    passport | auth) services+=("$1") ;;
    --examples)
        [[ ${2-} =~ ^[1-9][0-9]{0,5}$ ]] || usage_error "--examples ${2-}: expected a number"
        examples=$2
        shift
        ;;
    *) usage_error "unknown argument $1" ;;
    esac
    shift
done
[ ${#services[@]} -gt 0 ] || services=(passport auth)

schemathesis=$tools_dir/schemathesis-$schemathesis_version/bin/schemathesis
if ! [ -x "$schemathesis" ]; then
    progress "installing schemathesis $schemathesis_version into $tools_dir (once; a minute)"
    environment=$tools_dir/schemathesis-$schemathesis_version
    { python3 -m venv "$environment" && "$environment/bin/pip" install -q "schemathesis==$schemathesis_version"; } >&2 || {
        rm -rf -- "$environment"
        missing "schemathesis $schemathesis_version" "python3 -m venv (apt-get install python3-venv) and PyPI"
        exit 3
    }
fi

progress 'building the services (minutes on a fresh machine)'
cargo build --release -p svc-passport -p svc-auth --bins >&2 || exit 3

work=$(mktemp -d)
started=()
finish() {
    if [ ${#started[@]} -gt 0 ]; then
        kill -9 "${started[@]}" 2>/dev/null || true
        # Without a line for each.
        wait "${started[@]}" 2>/dev/null || true
    fi
    rm -rf -- "$work"
}
trap finish EXIT

# start NAME VARIABLE TOML: starts a service and puts its address into `base`.
start() {
    local ports='server = { bind = "127.0.0.1:0", admin_bind = "127.0.0.1:0" }'
    env "$2=$ports
$3" "$target_dir/release/$1" >"$work/$1.started" 2>"$work/$1.log" &
    started+=($!)
    for _ in $(seq 200); do
        if grep -q http:// "$work/$1.started"; then
            base=$(grep -o 'http://[0-9.]*:[0-9]*' "$work/$1.started" | head -n 1)
            return
        fi
        sleep 0.05
    done
    printf '%s did not start: %s\n' "$1" "$(tail -n 1 "$work/$1.log")" >&2
    exit 3
}

keys="keys.store = { sqlite = { path = '$work/keys.db' } }
keys.master_key = { file_or_new = '$work/master.key' }"
secret=a-secret-of-this-run-alone
(umask 077 && printf '%s\n' "$secret" >"$work/account")
start svc-passport PASSPORT_CONFIG "$keys
capability.accounts = [{ name = 'schemathesis', token_file = '$work/account', tenants = ['acme'] }]"
passport=$base
cat >"$work/policy.toml" <<'TOML'
schema = "ron-policy/2"
version = 1
[[rules]]
id = "all"
effect = "permit"
when = {}
TOML
start svc-auth RON_AUTH_CONFIG "$keys
policy.path = '$work/policy.toml'
verify.passport_base = '$passport'
tokens.tenant = 'acme'
check.request_from = 'path'
authzen.base_url = 'http://127.0.0.1:5310'
authzen.accounts = [{ name = 'schemathesis', token_file = '$work/account' }]"
auth=$base
for _ in $(seq 200); do
    curl -sf -o /dev/null "$auth/readyz" && break
    sleep 0.05
done

# What a proxy's client has: the account's secret is nothing to be let through with.
mint() {
    curl -sf "$passport/v1/passport/capability" -H "Authorization: Bearer $secret" -H 'Content-Type: application/json' \
        -d '{"tenant": "acme", "caveats": [{"aud": "ron-auth"}], "scope": {"prefix": "/", "max_bytes": null,
            "methods": ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"]}}' |
        grep -o '"token":"[^"]*"' | cut -d '"' -f 4
}

failed=''
# draw SERVICE BEARER [OPTION...]: draws requests with what is presented in Authorization.
draw() {
    local service=$1 bearer=$2
    shift 2
    # Left out: that a request of the right shape is accepted. One whose key id, signature or token was drawn is not.
    # From there, because it leaves a folder where it runs.
    (cd -- "$work" && "$schemathesis" run "${!service}/openapi.json" --checks all \
        --exclude-checks positive_data_acceptance --max-examples "$examples" --continue-on-failure --seed 1 \
        -H "Authorization: Bearer $bearer" "$@") || {
        code=$?
        [ "$code" = 1 ] || exit 3
        failed=yes
    }
}
for service in "${services[@]}"; do
    heading "svc-$service"
    draw "$service" "$secret"
    if [ "$service" = auth ]; then
        heading 'svc-auth, for a proxy whose client has a token'
        token=$(mint) || { printf 'svc-passport minted no token\n' >&2 && exit 3; }
        draw auth "$token" --include-path-regex '^/v1/auth/check'
    fi
done
[ -z "$failed" ]
