# Starts pgBouncer with the declared configuration, its addresses filled in. Needs POD_IP and DATABASE_HOST.
#
# What TERM means to pgBouncer changed between its versions (at once, or when the last client has gone). INT has
# always meant: finish the transactions that run, then stop. So TERM is passed on as INT.
set -eu
awk -f /etc/pgbouncer/fill.awk /etc/pgbouncer/pgbouncer.ini >/srv/pgbouncer/pgbouncer.ini
pgbouncer /srv/pgbouncer/pgbouncer.ini &
server=$!
trap 'kill -INT "$server"' TERM
# A signal ends the first wait; the second one is for the server itself.
wait "$server" || wait "$server"
