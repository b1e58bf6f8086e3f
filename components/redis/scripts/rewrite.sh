# Rewrites the append-only files of all nodes, one after the other, so that only one at a time needs the memory.
#
# Needs NODES ("name=address" …) and REDISCLI_AUTH. A node that fails doesn't keep the others from theirs.
set -u

node() { timeout 10 redis-cli ${REDISCLI_TLS-} --user operations -h "$address" "$@" 2>&1; }
field() { node INFO persistence | tr -d '\r' | sed -n "s/^$1://p"; }

failed=
for entry in $NODES; do
    name=${entry%%=*}
    address=${entry#*=}
    # A new pod may be refused until all nodes know its address.
    tries=0
    until [ "$(node PING)" = PONG ] || [ "$tries" -ge 20 ]; do
        tries=$((tries + 1))
        sleep 1
    done
    before=$(field aof_current_size)
    begun=$(date +%s)
    reply=$(node BGREWRITEAOF)
    case $reply in
    *"rewriting started"* | *"rewriting scheduled"*) ;;
    *)
        echo "$name: $reply"
        failed="$failed $name"
        continue
        ;;
    esac
    sleep 0.2
    until [ "$(field aof_rewrite_in_progress)$(field aof_rewrite_scheduled)" = 00 ]; do
        if [ $(($(date +%s) - begun)) -gt 3600 ]; then
            break
        fi
        sleep 1
    done
    status=$(field aof_last_bgrewrite_status)
    if [ "$status" = ok ]; then
        echo "$name: $before -> $(field aof_current_size) bytes in $(($(date +%s) - begun)) s"
    else
        echo "$name: rewrite ended with status '$status'"
        failed="$failed $name"
    fi
done
if [ -n "$failed" ]; then
    echo "not rewritten:$failed"
    exit 1
fi
