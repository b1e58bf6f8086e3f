"""Serves an engine's plugin on a free port of 127.0.0.1, printed as the first line, until the process is ended."""

import signal
import sys
import threading
from collections.abc import Callable
from concurrent import futures

import grpc

MAX_MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit for one message (sdk/go/common/util/rpcutil)."""


def serve(register: Callable[[grpc.Server], None]) -> None:
    """Answer the engine until it sends TERM or INT; `register` adds the servicer."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=8),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ],
    )
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    signal.signal(signal.SIGINT, lambda *_: stopped.set())
    stopped.wait()
    server.stop(grace=1).wait()
