"""A small HTTP/1.1 client that uses little CPU: on a machine that also runs the shop, the client takes its time from
what it measures. Connections are kept, and used by one request at a time.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

import httptools


class RequestFailed(Exception):
    """No response: refused, reset or too late."""


@dataclass(slots=True)
class Response:
    """A response. Header names are lower case; `size` is the body's length in bytes as it was sent. Each cookie is a
    `Set-Cookie` of its own, so they aren't among the headers.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()
    """`name=value` of each cookie that was set."""

    @property
    def size(self) -> int:
        return len(self.body)


class _Connection(asyncio.Protocol):
    """One connection; `exchange` is called by one task at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser
        self._waiting: asyncio.Future[Response] | None = None
        self._headers: dict[str, str] = {}
        self._cookies: list[str] = []
        self._body: list[bytes] = []
        self.usable = True

    # Called by asyncio
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not to be checked by isinstance: uvloop's transports don't derive from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(RequestFailed(f"not HTTP: {error}"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._fail(RequestFailed(str(exc or "connection closed")))

    # Called by the parser
    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key == "set-cookie":
            self._cookies.append(text.partition(";")[0])
        else:
            self._headers[key] = text

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.usable = False
        if self._waiting is not None and not self._waiting.done():
            status, body = self._parser.get_status_code(), b"".join(self._body)
            self._waiting.set_result(Response(status, self._headers, body, tuple(self._cookies)))

    def _fail(self, error: RequestFailed) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    async def exchange(self, request: bytes, limit: float) -> Response:
        if self._transport is None or self._transport.is_closing():
            raise RequestFailed("connection closed")
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._cookies, self._body = {}, [], []
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await asyncio.wait_for(self._waiting, limit)
        except TimeoutError:
            self.close()
            raise RequestFailed(f"no response within {limit:g} s") from None

    def close(self) -> None:
        self.usable = False
        if self._transport is not None:
            self._transport.close()


class Client:
    """Requests to one server, `http://host:port`."""

    def __init__(self, base_url: str, *, timeout: float = 10.0) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"needs http://host:port, not {base_url!r}")
        self._host, self._port = parts.hostname, parts.port or 80
        self._timeout = timeout
        self._idle: list[_Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._idle:
            connection.close()

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        loop = asyncio.get_running_loop()
        try:
            _, connection = await asyncio.wait_for(
                loop.create_connection(_Connection, self._host, self._port), self._timeout
            )
        except (OSError, TimeoutError) as error:
            raise RequestFailed(str(error) or "no connection") from None
        return connection

    async def request(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Response:
        """Send a request. Returns its response, whatever the status; raises RequestFailed when none comes."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body or method in {"POST", "PUT", "PATCH"}:
            lines.append(f"Content-Length: {len(body)}")
        connection = await self._connection()
        try:
            answer = await connection.exchange("\r\n".join([*lines, "", ""]).encode("latin-1") + body, self._timeout)
        except BaseException:
            connection.close()
            raise
        if connection.usable:
            self._idle.append(connection)
        return answer
