# Starts a Redis node in the role that the Sentinels give it.
#
# A node that guesses loses writes: an old master started as a master takes writes for some ten seconds that
# nobody keeps, and an empty one makes its replica throw its copy away. So:
#   - the Sentinels are asked, a majority of them, and the newest configuration counts;
#   - a node whose directory is empty becomes master only on the very first start (no failover ever, and the
#     peer is empty or absent); later it waits until the Sentinels have promoted its peer, and follows that;
#   - a node that starts empty can't be promoted before its first copy is complete.
# If both volumes of a pair are lost, nobody is left to promote: `touch /data/start-empty` in the waiting
# container lets it go on.
#
# Needs POD_NAME, POD_IP, NODES and SENTINELS (addresses, by ordinal), MASTER_NAME, REDISCLI_AUTH.
set -eu
umask 077
trap 'exit 143' TERM
. /etc/redis/sentinels.sh

say() { echo "start: $*"; }

address_of() { # $1: ordinal
    ordinal=$1
    set -- $NODES
    shift "$ordinal"
    echo "$1"
}

has_data() { [ -s /data/dump.rdb ] || [ -d /data/appendonlydir ]; }

# True if the peer holds keys, or is just loading some.
peer_has_data() {
    reply=$(timeout 2 redis-cli ${REDISCLI_TLS-} --user operations -h "$PEER" DBSIZE 2>&1) || return 1
    case $reply in
    0) return 1 ;;
    *LOADING* | [0-9]*) return 0 ;;
    *) return 1 ;;
    esac
}

ordinal=${POD_NAME##*-}
ANNOUNCE_IP=$(address_of "$ordinal")
PEER=$(address_of $((1 - ordinal)))
export ANNOUNCE_IP
set -- $SENTINELS
majority=$(($# / 2 + 1))

master=
attempt=0
reason=
while [ -z "$master" ]; do
    attempt=$((attempt + 1))
    answers=$(ask_sentinels)
    count=$(printf '%s' "$answers" | grep -c .) || true
    # For half a minute only a majority counts; then whoever answers, since no failover can come any more.
    if [ "$count" -lt "$majority" ] && { [ "$count" -eq 0 ] || [ "$attempt" -lt 60 ]; }; then
        now="waiting for Sentinels: $count of $# answer, $majority are needed"
    else
        read -r epoch named _ <<END
$answers
END
        if [ "$named" != "$ANNOUNCE_IP" ]; then
            master=$named
        elif has_data; then
            # Sentinels that miss this node are about to promote its peer; if they can't, it goes on as master.
            # One that misses it is enough: in the second until the others do, writes would be taken and lost.
            case $answers in
            *s_down* | *o_down* | *failover_in_progress*) [ "$attempt" -ge 20 ] && master=$named ;;
            *) master=$named ;;
            esac
            now="Sentinels are promoting the peer"
        elif [ -e /data/start-empty ]; then
            master=$named
        elif [ "$epoch" -eq 0 ] && ! peer_has_data; then
            master=$named
        else
            now="Sentinels name this node, but its directory is empty: waiting until they promote the peer"
        fi
    fi
    if [ -z "$master" ]; then
        [ "$now" = "$reason" ] || say "$now"
        reason=$now
        sleep 0.5
    fi
done
rm -f /data/start-empty

awk -f /etc/redis/fill.awk /etc/redis/redis.conf >/srv/redis/redis.conf
cat /etc/redis-secrets/replication.conf >>/srv/redis/redis.conf
if [ "$master" = "$ANNOUNCE_IP" ]; then
    say "as master $MASTER_NAME, configuration epoch $epoch"
else
    say "as replica of $master, configuration epoch $epoch"
    echo "replicaof $master 6379" >>/srv/redis/redis.conf
    if ! has_data; then
        echo "replica-priority 0" >>/srv/redis/redis.conf
        (
            until timeout 2 redis-cli ${REDISCLI_TLS-} --user operations -h "$POD_IP" INFO replication 2>/dev/null |
                grep -q '^master_link_status:up'; do
                sleep 1
            done
            until [ "$(timeout 2 redis-cli ${REDISCLI_TLS-} --user operations -h "$POD_IP" CONFIG SET replica-priority 100)" = OK ]; do
                sleep 1
            done
            say "first copy complete, may be promoted"
        ) &
    fi
fi
exec redis-server /srv/redis/redis.conf
