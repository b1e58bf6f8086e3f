#!/bin/sh
# preStop: while load balancers notice that the pod leaves it still serves; then it finishes what it began.
set -eu
sleep "${DRAIN_SECONDS:?}"
pid=$(cat /run/gateway/nginx.pid)
kill -QUIT "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
