# Starts a Sentinel with the declared configuration and what it has learnt before.
#
# Sentinel rewrites its file, so it works on a copy in its volume. Three Sentinels that forget a failover never
# recover from it; so ids, epochs and current masters are kept, and everything else is taken from the declaration.
#
# A Sentinel that dials the Service of a pod that doesn't exist yet is told so by an ICMP error, never reads it, and keeps
# one core busy for ever (redis/redis#9956). So it waits, for at most 20 seconds, until each node's pod has a name.
#
# Needs POD_NAME, POD_IP, MASTER_NAMES, NODES (all pairs' addresses) and SENTINELS (addresses, by ordinal).
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
deadline=$(($(date +%s) + 20))
for pair in $MASTER_NAMES; do
    for node in "redis-$pair-0" "redis-$pair-1"; do
        until getent hosts "$node.redis-$pair" >/dev/null || [ "$(date +%s)" -ge "$deadline" ]; do sleep 0.5; done
    done
done
exec redis-server "$learnt" --sentinel
