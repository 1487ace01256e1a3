#!/usr/bin/env bash
# Starts a private PostgreSQL cluster from the installed binaries, runs the
# given command with DINH_TEST_PG pointing at it, and removes the cluster.
# Nothing of an installed, running PostgreSQL is touched.
set -euo pipefail
cd "$(dirname "$0")/.."
bin="${PG_BIN:-}"
[ -n "$bin" ] && [ -x "$bin/initdb" ] || { echo "PostgreSQL's binaries (initdb, pg_ctl) were not found; on Debian: apt-get install postgresql" >&2; exit 2; }
dir="$(mktemp -d /tmp/dinh-pg.XXXXXX)"
# The server refuses to run as root, so root lends it to the postgres user.
as=()
if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; as=(runuser -u postgres --); fi
stop() { "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -s stop >/dev/null 2>&1 || true; rm -rf "$dir"; }
trap stop EXIT
cd "$dir"
"${as[@]}" "$bin/initdb" -D "$dir/data" -U dinh -A trust --no-sync -E UTF8 --locale=C >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log"; exit 1; }
port=$((20000 + RANDOM % 20000))
"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -s -l "$dir/data/log" -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$dir -c fsync=off -c full_page_writes=off -c max_connections=300" start
cd - >/dev/null
export DINH_TEST_PG="postgres://dinh@127.0.0.1:$port/postgres?sslmode=disable"
"$@"
