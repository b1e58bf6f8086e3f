"""One TCP connection to Redis, shared by all tasks of the process.

Commands are written as they come and answered in order, so tasks that ask at the same time share system calls
(pipelining without a pipeline), and a command costs a future instead of a trip through a pool of connections. hiredis
packs and parses. Blocking commands have no place here.
"""

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, Final, Self, cast

import hiredis

from app.api.redis.errors import ReplyError, Unavailable

Argument = str | bytes | int | float
Push = Callable[[list[Any]], None]

PING_SECONDS: Final = 0.25
SILENT_SECONDS: Final = 3.0
"""Without a reply for this long a connection is dead, whatever TCP says."""

_INCOMPLETE: Final = object()
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


# hiredis accepts a tuple of any length; its stub has one of length one.
_pack = cast("Callable[[tuple[Argument, ...]], bytes]", hiredis.pack_command)


def tls_context(ca: str) -> ssl.SSLContext | None:
    """TLS to servers whose certificate this CA (PEM) has signed; None, for no TLS, without one. Raises ssl.SSLError.

    Names aren't compared: Sentinel gives addresses, which the certificate doesn't know.
    """
    if not ca:
        return None
    context = ssl.create_default_context(cadata=ca)
    context.check_hostname = False
    return context


class Connection(asyncio.Protocol):
    """Make one with `Connection.open`. Closed for good by the first failure; `closed` says so."""

    def __init__(self, timeout_seconds: float, on_push: Push | None = None) -> None:
        self._timeout = timeout_seconds
        self._on_push = on_push
        self._reader = hiredis.Reader(replyError=ReplyError, notEnoughData=_INCOMPLETE)
        self._pending: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._transport: asyncio.Transport | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when the connection is closed, for whatever reason."""

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        *,
        timeout_seconds: float,
        username: str | None = None,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        on_push: Push | None = None,
    ) -> Self:
        """Connect and authenticate within `timeout_seconds` (each answer's limit too); raises Unavailable.

        With `on_push` the connection is for subscriptions, see `push_to`.
        """
        loop = asyncio.get_running_loop()
        connection: Self | None = None
        try:
            async with asyncio.timeout(timeout_seconds):
                _, connection = await loop.create_connection(lambda: cls(timeout_seconds), host, port, ssl=tls)
                if password is not None:
                    await connection.call("AUTH", username or "default", password)
        except (OSError, TimeoutError, ReplyError) as error:
            if connection is not None:
                connection.close()
            # The server's words about a failed AUTH hold no password, but which user it was helps.
            reason = str(error) or f"no answer within {timeout_seconds * 1000:.0f} ms"
            raise Unavailable(f"Redis at {host}:{port} (user {username or 'default'}): {reason}") from error
        connection.push_to(on_push)
        return connection

    @property
    def closed(self) -> bool:
        """Whether it can't be used any more."""
        return self._transport is None

    def call(self, *arguments: Argument) -> asyncio.Future[Any]:
        """Send a command. The future has the reply as bytes, int, list or None; or raises ReplyError or Unavailable."""
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._transport is None:
            future.set_exception(Unavailable("the connection to Redis was lost"))
            return future
        self._pending.append((future, self._loop.time()))
        self._transport.write(_pack(arguments))
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self._timeout, self._check)
        return future

    def send(self, *arguments: Argument) -> None:
        """Send a command whose replies come as pushes (SUBSCRIBE, PING while subscribed)."""
        if self._transport is not None:
            self._transport.write(_pack(arguments))

    def push_to(self, receiver: Push | None) -> None:
        """Pass every further reply to `receiver`."""
        self._on_push = receiver

    async def until_lost(self) -> None:
        """Watches a subscription, which may be silent for days: closes it once a PING isn't answered. Each PING holds
        the moment when it was sent (`time.monotonic`), and so does its reply.
        """
        while not self.closed and self._loop.time() - self._heard < SILENT_SECONDS:
            self.send("PING", repr(monotonic()))
            await asyncio.wait({self.lost}, timeout=PING_SECONDS)
        self.close("silent")

    def close(self, reason: str = "closed") -> None:
        """Close the connection now. Unsent commands are discarded; commands that wait for a reply fail."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        while self._pending:
            future, _ = self._pending.popleft()
            if not future.done():
                future.set_exception(Unavailable(f"the connection to Redis was lost: {reason}"))
        if not self.lost.done():
            self.lost.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)
        raw: socket.socket | None = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Closing resets: a master that was suspended, then demoted, must not run on waking up what we wrote
            # to it and have long given up on.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        self._heard = self._loop.time()
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _INCOMPLETE:
                self._settle(reply)
        except hiredis.ProtocolError as error:
            self.close(f"not a Redis reply: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio.Protocol."""
        self.close(str(exc) if exc else "closed by the server")

    def _settle(self, reply: object) -> None:
        if self._on_push is not None:
            self._on_push(cast("list[Any]", reply))
            return
        future, _ = self._pending.popleft()
        if future.done():
            return
        if isinstance(reply, ReplyError):
            future.set_exception(reply)
        else:
            future.set_result(reply)

    def _check(self) -> None:
        """Runs while something waits: once each timeout, instead of a timer for every command."""
        self._watchdog = None
        if not self._pending:
            return
        left = self._pending[0][1] + self._timeout - self._loop.time()
        if left > 0:
            self._watchdog = self._loop.call_later(left, self._check)
            return
        # If this process was suspended, the reply may be in the socket: read before judging.
        oldest = self._pending[0][0]
        self._loop.call_later(0.001, self._give_up, oldest)

    def _give_up(self, oldest: asyncio.Future[Any]) -> None:
        if self._pending and self._pending[0][0] is oldest:
            self.close(f"no answer within {self._timeout * 1000:.0f} ms")
        elif self._pending and self._watchdog is None:
            self._check()
