# Probes of Redis nodes and Sentinels: probe.sh started | live | ready | quorum. Needs POD_IP, PORT, REDISCLI_AUTH.
set -u

cli() { timeout 4 redis-cli ${REDISCLI_TLS-} --user operations -h "$POD_IP" -p "$PORT" "$@" 2>&1; }

reply=$(cli PING)
case $1 in
started)
    # The data set is loaded.
    case $reply in PONG | *MASTERDOWN* | *MISCONF*) exit 0 ;; esac
    ;;
live)
    # A restart cures none of these: it is loading, has lost its master, or can't write to its disk.
    case $reply in PONG | *LOADING* | *MASTERDOWN* | *MISCONF*) exit 0 ;; esac
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
