# preStop of a Redis node: a master hands over before it goes, so that no acknowledged write is lost.
#
# Writes are paused, the replica catches up, a Sentinel promotes it, and only then does the stop go on. Clients
# wait about a second and lose nothing. Without a replica, or without Sentinels, the stop goes on as it is.
#
# Needs POD_IP, SENTINELS, MASTER_NAME, REDISCLI_AUTH and HANDOVER_SECONDS, which is less than the grace period.
set -u
. /etc/redis/sentinels.sh

PAUSE_MILLISECONDS=8000

node() { timeout 2 redis-cli --user operations -h "$POD_IP" "$@" 2>/dev/null; }
role() { node ROLE | head -n 1; }
field() { node INFO replication | tr -d '\r' | sed -n "s/^$1://p"; }
now() { date +%s; }

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

deadline=$(($(now) + HANDOVER_SECONDS))
while [ "$(now)" -lt "$deadline" ] && [ "$(role)" = master ] && has_replica; do
    node CLIENT PAUSE "$PAUSE_MILLISECONDS" WRITE >/dev/null
    tries=0
    until caught_up || [ "$tries" -ge 20 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    if request_failover; then
        tries=0
        while [ "$(role)" = master ] && [ "$tries" -lt 70 ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
    fi
    [ "$(role)" = master ] || break
    # A failover that follows another within some twenty seconds is refused or aborted: let clients write again.
    node CLIENT UNPAUSE >/dev/null
    sleep 1
done
exit 0
