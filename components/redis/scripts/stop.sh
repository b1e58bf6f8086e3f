# preStop of a Redis node: a master hands over before it goes, so that no acknowledged write is lost.
#
# Writes are paused, the replica catches up, a Sentinel promotes it, and only then does the stop go on. Clients
# wait about a second and lose nothing. Without a replica, or without Sentinels, the stop goes on as it is.
#
# The end of the hand-over is what the Sentinels say, not what this node believes: they tell an old master some ten
# seconds late. Until it ends, it must not take a write again, since nobody would keep that; so the pause is lifted
# only when no Sentinel has begun a failover.
#
# Needs POD_NAME, POD_IP, NODES and SENTINELS (addresses, by ordinal), MASTER_NAME, REDISCLI_AUTH and
# HANDOVER_SECONDS, which is less than the grace period.
set -u
. /etc/redis/sentinels.sh

node() { timeout 2 redis-cli ${REDISCLI_TLS-} --user operations -h "$POD_IP" "$@" 2>/dev/null; }
field() { node INFO replication | tr -d '\r' | sed -n "s/^$1://p"; }
now() { date +%s; }

is_master() { [ "$(node ROLE | head -n 1)" = master ]; }
has_replica() { field 'slave[0-9]*' | grep -q 'state=online'; }

caught_up() {
    end=$(field master_repl_offset)
    field 'slave[0-9]*' | grep -q "state=online,offset=$end,"
}

# Asks one Sentinel after the other; true when one has begun a failover.
request_failover() {
    for one in $SENTINELS; do
        [ "$(sentinel "$one" SENTINEL FAILOVER "$MASTER_NAME")" = OK ] && return 0
    done
    return 1
}

# "me" while the newest configuration names this node, "promoting" while that is about to change, else "other".
successor() {
    read -r _ named flags <<END
$(ask_sentinels)
END
    case "$named $flags" in
    " "*) echo me ;;
    "$own "*failover_in_progress*) echo promoting ;;
    "$own "*) echo me ;;
    *) echo other ;;
    esac
}

ordinal=${POD_NAME##*-}
set -- $NODES
shift "$ordinal"
own=$1

deadline=$(($(now) + HANDOVER_SECONDS))
while [ "$(now)" -lt "$deadline" ] && is_master && has_replica; do
    node CLIENT PAUSE $((HANDOVER_SECONDS * 1000)) WRITE >/dev/null
    tries=0
    until caught_up || [ "$tries" -ge 20 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    if request_failover; then
        # Promotion is announced within a second or two; a failover that fails ends by its timeout.
        tries=0
        while [ "$(now)" -lt "$deadline" ]; do
            tries=$((tries + 1))
            case $(successor) in
            other) exit 0 ;;
            me) [ "$tries" -ge 50 ] && break ;;
            esac
            sleep 0.05
        done
    fi
    # Refused (a failover within some twenty seconds of another is) or aborted: let clients write, and try again.
    [ "$(successor)" = me ] && node CLIENT UNPAUSE >/dev/null
    sleep 1
done
exit 0
