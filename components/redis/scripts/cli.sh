# redis-cli for people, as the operations user at this pod's own server. Needs POD_IP, PORT, REDISCLI_AUTH.
exec redis-cli ${REDISCLI_TLS-} --user operations -h "$POD_IP" -p "$PORT" "$@"
