# Probes of Redis nodes and Sentinels: probe.sh started | live | ready | quorum. Needs POD_IP, PORT, REDISCLI_AUTH.
set -u

cli() { timeout 4 redis-cli ${REDISCLI_TLS-} --user operations -h "$POD_IP" -p "$PORT" "$@" 2>&1; }

# A Sentinel that is told, in the moment in which it dials an address, that nobody is there polls that connection for ever
# (redis/redis#9956). A restart cures it once everybody is there. So it is dead if it used a quarter of a processor from one
# probe to the next, twice in a row, and misses nobody. A failover is over sooner.
polls_for_ever() {
    used=$(cli INFO cpu | tr -d '\r' | awk -F: '/^used_cpu_(sys|user):/ { sum += $2 } END { printf "%d", 1000 * sum }')
    now=$(date +%s)
    { read -r since before busy </data/processor; } 2>/dev/null || { since=$now before=$used busy=0; }
    if [ $((used - before)) -gt $((250 * (now - since))) ]; then busy=$((busy + 1)); else busy=0; fi
    echo "$now $used $busy" >/data/processor
    [ "$busy" -ge 2 ] || return 1
    for name in $MASTER_NAMES; do
        case $(cli SENTINEL MASTER "$name" && cli SENTINEL REPLICAS "$name" && cli SENTINEL SENTINELS "$name") in
        *s_down* | *disconnected*) return 1 ;;
        esac
    done
}

reply=$(cli PING)
case $1 in
started)
    # The data set is loaded.
    case $reply in PONG | *MASTERDOWN* | *MISCONF*) exit 0 ;; esac
    ;;
live)
    # A restart cures none of these: it is loading, has lost its master, or can't write to its disk.
    case $reply in
    PONG)
        [ -n "${MASTER_NAMES-}" ] && polls_for_ever || exit 0
        reply="it polls a dead connection"
        ;;
    *LOADING* | *MASTERDOWN* | *MISCONF*) exit 0 ;;
    esac
    ;;
ready)
    # A master that serves, or a replica that has all of its master's data.
    if [ "$reply" = PONG ]; then
        reply=$(cli INFO replication | tr -d '\r' | grep -E '^(role|master_link_status|master_sync_in_progress):')
        case $reply in
        *role:master*) exit 0 ;;
        *master_link_status:up*master_sync_in_progress:0*) exit 0 ;;
        esac
    fi
    ;;
quorum)
    # A Sentinel that knows enough others to promote any of the masters.
    if [ "$reply" = PONG ]; then
        for name in $MASTER_NAMES; do
            reply=$(cli SENTINEL CKQUORUM "$name")
            case $reply in OK*) ;; *)
                echo "$name: $reply"
                exit 1
                ;;
            esac
        done
        exit 0
    fi
    ;;
esac
echo "not $1: $reply"
exit 1
