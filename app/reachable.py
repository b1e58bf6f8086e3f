"""A Job's first connection: its pod is so new that a NetworkPolicy may refuse it until all nodes know its address."""

import socket
import time

PATIENCE = 20.0  # seconds; the AWS VPC CNI applies policies to a new pod within a few
_ATTEMPT = 2.0
_PAUSE = 0.5


def wait_until_reachable(host: str, port: int, deadline: float | None = None) -> None:
    """Return when the server accepts connections, at the latest after `PATIENCE` seconds, or at `deadline`
    (`time.monotonic`). Who connects then says what is wrong.
    """
    deadline = time.monotonic() + PATIENCE if deadline is None else deadline
    while True:
        try:
            socket.create_connection((host, port), timeout=_ATTEMPT).close()
        except OSError:
            if time.monotonic() >= deadline:
                return
            time.sleep(_PAUSE)
        else:
            return
