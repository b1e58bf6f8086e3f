# Starts a Sentinel with the declared configuration and what it has learnt before.
#
# Sentinel rewrites its file, so it works on a copy in its volume. Three Sentinels that forget a failover never
# recover from it; so ids, epochs and current masters are kept, and everything else is taken from the declaration.
#
# Needs POD_NAME, POD_IP, NODES (all pairs' addresses) and SENTINELS (addresses, by ordinal).
set -eu
umask 077

ordinal=${POD_NAME##*-}
set -- $SENTINELS
shift "$ordinal"
export ANNOUNCE_IP="$1"

learnt=/data/sentinel.conf
[ -e "$learnt" ] || : >"$learnt"
awk -f /etc/sentinel/fill.awk /etc/sentinel/sentinel.conf >/data/declared.conf
cat /etc/sentinel-secrets/auth.conf >>/data/declared.conf
awk -f /etc/sentinel/merge.awk "$learnt" /data/declared.conf >/data/merged.conf
rm /data/declared.conf
mv /data/merged.conf "$learnt"
exec redis-server "$learnt" --sentinel
