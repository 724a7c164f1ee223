#!/usr/bin/env bash
# A Postgres server of one's own, for tests: in a folder, on a Unix socket, from Debian's packages.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/postgres.sh start DIR [--port PORT [--tls FOLDER]] | stop DIR [fast|immediate] | install

start    starts a server on DIR/data, which is made if it is not there, and prints on standard output how to reach it:
         host=DIR user=postgres dbname=postgres. It listens on a socket in DIR and on no port. Root starts it as the
         user postgres, who must be able to reach DIR. DIR/server.log is its log.
           --port PORT   it listens on 127.0.0.1:PORT as well, and the socket in DIR is that of port=PORT
           --tls FOLDER  there it also speaks TLS, with the certificate FOLDER/server.pem and the key FOLDER/server.key;
                         and if there is FOLDER/clients.pem, it asks for certificates from the authorities in that
stop     stops it: fast (default) ends its connections in order; immediate is what a crash would be. Afterwards DIR can
         be started again, or removed.
install  installs Debian's package, as root. Nothing else here installs anything.

exit codes
  0 done   3 could not   64 usage   77 skipped: Postgres is missing, and how to get it
TEXT
}

for arg in "$@"; do
    case $arg in -h | --help) usage && exit 0 ;; esac
done

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -ge 1 ] || usage_error 'expected start, stop or install'
command=$1
shift

# bin_dir: where the newest server's programs lie. Debian keeps them off the PATH.
bin_dir() {
    local newest
    newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
    [ -x "$newest" ] || newest=$(command -v initdb) || return 1
    dirname -- "$newest"
}

# as_postgres COMMAND…: as somebody a server agrees to run as, which root is not.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# could_not MESSAGE
could_not() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 3
}

case $command in
install)
    [ $# = 0 ] || usage_error 'install takes no argument'
    bin_dir >/dev/null && exit 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || could_not 'install wants root on a Debian machine'
    progress 'installing postgresql'
    # Without the cluster that the package would make and start.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    { apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } </dev/null >&2 ||
        could_not 'could not install postgresql'
    exit 0
    ;;
start | stop) ;;
*) usage_error "unknown command $command" ;;
esac

[ $# -ge 1 ] && [ -n "$1" ] || usage_error "$command wants a folder"
dir=$1
case $dir in /*) ;; *) dir=$caller_dir/$dir ;; esac
shift
bin=$(bin_dir) || {
    missing Postgres 'scripts/postgres.sh install, or apt-get install postgresql (Debian, Ubuntu)'
    exit 77
}

if [ "$command" = stop ]; then
    mode=${1:-fast}
    case $mode in fast | immediate) ;; *) usage_error "unknown way to stop: $mode" ;; esac
    [ $# -le 1 ] || usage_error 'stop takes a folder and a mode'
    [ -e "$dir/data/postmaster.pid" ] || exit 0
    (cd / && as_postgres "$bin/pg_ctl" -D "$dir/data" -m "$mode" -w -t 30 stop) >&2 || could_not "could not stop $dir"
    exit 0
fi

port='' tls=''
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage_error "$1 wants a value"
    case $1 in
    --port) port=$2 ;;
    --tls) tls=$2 ;;
    *) usage_error "start takes a folder, --port and --tls: $1" ;;
    esac
    shift 2
done
case $port in *[!0-9]*) usage_error "no port: $port" ;; esac
[ -z "$tls" ] || [ -n "$port" ] || usage_error '--tls wants --port: there is no TLS on a socket'
case $tls in '' | /*) ;; *) tls=$caller_dir/$tls ;; esac
# What the kernel has room for in the address of a socket, less the name of the socket itself.
[ ${#dir} -le 90 ] || could_not "the path of a socket in $dir would be too long: use a folder with a shorter one"
mkdir -p "$dir"
[ "$(id -u)" != 0 ] || chown postgres "$dir"
# From a folder that everybody can be in.
cd /
as_postgres test -w "$dir" || could_not "the user postgres cannot reach $dir: chmod o+x the folders above it"
if [ ! -e "$dir/data/PG_VERSION" ]; then
    as_postgres "$bin/initdb" -D "$dir/data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
        >"$dir/initdb.log" 2>&1 ||
        could_not "could not make $dir/data: $(tail -n 1 "$dir/initdb.log")"
fi
# Not synced: what is tested is a server that dies, not a machine.
options="-c unix_socket_directories='$dir' -c fsync=off -c max_connections=50"
address="host=$dir user=postgres dbname=postgres"
if [ -n "$port" ]; then
    options="$options -c listen_addresses=127.0.0.1 -c port=$port"
    address="host=$dir port=$port user=postgres dbname=postgres"
else
    options="$options -c listen_addresses=''"
fi
if [ -n "$tls" ]; then
    # Copies that are the server's own: it takes no key that others could read.
    rm -rf "$dir/tls"
    mkdir -m 700 "$dir/tls"
    for name in server.pem server.key clients.pem; do
        [ -e "$tls/$name" ] || [ "$name" != clients.pem ] || continue
        install -m 600 "$tls/$name" "$dir/tls/$name" || could_not "--tls wants $tls/$name"
    done
    [ "$(id -u)" != 0 ] || chown -R postgres "$dir/tls"
    options="$options -c ssl=on -c ssl_cert_file='$dir/tls/server.pem' -c ssl_key_file='$dir/tls/server.key'"
    [ ! -e "$dir/tls/clients.pem" ] || options="$options -c ssl_ca_file='$dir/tls/clients.pem'"
fi
as_postgres "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -o "$options" -w -t 30 start >&2 ||
    could_not "could not start $dir/data: $(tail -n 1 "$dir/server.log")"
printf '%s\n' "$address"
