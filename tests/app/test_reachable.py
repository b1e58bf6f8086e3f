"""A Job waits for a server that refuses it at first, and not for ever."""

import socket
import threading
import time

import pytest

from app import reachable
from testing.waits import free_port


def test_a_server_that_accepts_later_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = threading.Event()
    monkeypatch.setattr(reachable, "_PAUSE", 0.01)
    monkeypatch.setattr(reachable.time, "sleep", lambda _: refused.set())
    port = free_port()
    waiting = threading.Thread(target=reachable.wait_until_reachable, args=("127.0.0.1", port), daemon=True)
    waiting.start()
    assert refused.wait(60)
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(60)
        server.accept()[0].close()
        waiting.join(60)
        assert not waiting.is_alive()


def test_a_server_that_never_accepts_is_left_to_whoever_connects() -> None:
    reachable.wait_until_reachable("127.0.0.1", free_port(), deadline=time.monotonic())
