# Read by the other scripts: asking the Sentinels. Needs SENTINELS (addresses) and MASTER_NAME.

# One Sentinel's command as the operations user; REDISCLI_AUTH holds the password. $1: its address.
sentinel() {
    address=$1
    shift
    timeout 2 redis-cli ${REDISCLI_TLS-} --user operations -h "$address" -p 26379 "$@" 2>/dev/null
}

# What each Sentinel that answers believes of the master, newest configuration first: "epoch address flags".
ask_sentinels() {
    for one in $SENTINELS; do
        sentinel "$one" SENTINEL MASTER "$MASTER_NAME" | awk '
            NR % 2 { key = $0; next }
            { value[key] = $0 }
            END { if ("config-epoch" in value) print value["config-epoch"], value["ip"], value["flags"] }'
    done | sort -rn
}
