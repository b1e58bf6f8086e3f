"""The process that serves: granian, one event loop, and the application, opened in its lifespan.

A pod has one process: pods are what scales, and each has its own metrics and its own copies of responses.

Responses in the process's memory are sent by granian's thread, without waking the event loop (`at_once`).
"""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import structlog
from granian._granian import ListenerSpec
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server import MPServer

from app.api import logs
from app.api.application import App, make_application
from app.api.at_once import answer_at_once
from app.api.operations_server import OperationsServer
from app.api.settings import Settings, SettingsError, load
from app.api.shop import open_shop
from app.api.warming import start_warming
from app.caching_policy import PolicyError
from app.caching_policy import load as load_policy

log = structlog.get_logger(__name__)

BACKLOG: Final = 1024
HEADER_SECONDS: Final = 10
"""A client that takes longer for its headers is dropped."""
READ_SECONDS: Final = 30
"""A client that takes nothing of its answer for longer is dropped; as at the gateway."""
DRAINING_POLL_SECONDS: Final = 0.25
HEADER_BYTES: Final = 16 * 1024
"""Browsers send at most 8 KB of headers; more is answered 431 by the server itself."""


def last_responses(app: App) -> App:
    """Makes each response of `app` end its connection (RFC 9112 section 9.6).

    A server that stops closes idle connections. A client that sends its next request at that moment gets no response,
    and may not repeat a POST.
    """

    async def respond(scope: Any, receive: Any, send: Any) -> None:
        async def ending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await app(scope, receive, ending)

    return respond


class Application:
    """ASGI: opens the shop at start-up and closes it at shutdown."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._app: App | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Part of ASGI."""
        if scope["type"] == "http" and self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            try:
                await self._lifespan(receive, send)
            except (SettingsError, PolicyError) as error:
                log.error("can't serve", reason=str(error))
                await send({"type": "lifespan.startup.failed", "message": str(error)})

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await self._open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> None:
        settings = load()
        logs.configure(settings.log_level)
        shop = await self._stack.enter_async_context(open_shop(settings, load_policy(settings.caching_policy)))
        self._app, hit = make_application(shop)
        self._end_hits = answer_at_once(hit)
        self._stack.callback(self._end_hits)
        operations = OperationsServer(settings.bind_host, settings.metrics_port, shop.metrics.registry)
        operations.start()
        self._stack.callback(operations.stop)
        warming = start_warming(shop, self._app)
        self._stack.callback(warming.cancel)
        if settings.draining_file:
            # A container that is started again has its predecessor's files.
            settings.draining_file.unlink(missing_ok=True)
            self._look_for(settings.draining_file)
        log.info("serving", address=f"{settings.bind_host}:{settings.port}")

    def _look_for(self, mark: Path) -> None:
        if self._app is None:
            return
        if mark.exists():
            self._end_hits()
            self._app = last_responses(self._app)
        else:
            asyncio.get_running_loop().call_later(DRAINING_POLL_SECONDS, self._look_for, mark)


application = Application()


class SlowReadersDropped(MPServer):
    """granian, which waits for ever until a client reads. Here the kernel ends the wait."""

    def _init_shared_socket(self) -> None:
        # One for all workers, as granian has it where each can't have its own; ours is one.
        self._shd = ListenerSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._sfd, self._sso = self._shd.get_fd(), None
        # Those that it accepts have the option, too (tcp(7)).
        with socket.socket(fileno=os.dup(self._sfd)) as listening:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, READ_SECONDS * 1000)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what has begun."""
    SlowReadersDropped(
        "app.api.server:application",
        address=settings.bind_host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # until it knows which version a client speaks, it would wait for ever
        workers=1,
        loop=Loops.uvloop,
        blocking_threads=1,  # makes Python's objects of requests, and answers hits (at_once)
        websockets=False,
        backlog=BACKLOG,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=HEADER_BYTES),
        workers_kill_timeout=int(settings.shutdown_seconds),
        respawn_failed_workers=True,
        log_access=False,
        log_enabled=False,
    ).serve()
