"""One master/replica pair for the application: `call` returns a reply or raises `Unavailable`, soon."""

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog

from app.api.redis.breaker import Breaker
from app.api.redis.connection import Argument, Connection, Push
from app.api.redis.errors import RedisError, ReplyError, Unavailable
from app.api.redis.topology import Topology
from app.api.settings import Address

log = structlog.get_logger(__name__)

_DEMOTED: Final = ("READONLY", "LOADING", "MASTERDOWN")


Recovery = Callable[[Callable[..., Awaitable[Any]]], Awaitable[None]]


class Script:
    """A Lua script, sent as text once for each server and by its digest from then on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Pair:
    """Calls the current master of the pair `name` over one shared connection. No call waits longer than
    `timeout_seconds` for its reply. A new connection asks the master for its ROLE, and is dropped as soon as a
    Sentinel names another master.
    """

    def __init__(
        self,
        name: str,
        topology: Topology,
        *,
        timeout_seconds: float,
        username: str | None,
        password: str | None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        self.breaker = Breaker()
        self._topology = topology
        self._timeout = timeout_seconds
        self._username = username
        self._password = password
        self._tls = tls
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._recovery: list[Recovery] = []
        topology.watch(name, self._moved)

    async def start(self) -> None:
        """Connect now, so that the first request doesn't have to. A pair that can't be reached opens the breaker."""
        try:
            await self._connect(None)
        except Unavailable as error:
            log.warning("redis unavailable at start", pair=self.name, error=str(error))
            self._trip()

    async def stop(self) -> None:
        """Close the connection and stop probing."""
        for task in (self._probe, self._connecting):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self._connection is not None:
            self._connection.close()

    def on_recovery(self, act: Recovery) -> None:
        """Run `act` on every new connection before it is used; `act` gets the connection's `call`."""
        self._recovery.append(act)

    @property
    def available(self) -> bool:
        """Whether a call would be tried."""
        return not self.breaker.is_open

    async def call(self, *arguments: Argument) -> Any:
        """Run a command on the master. Raises Unavailable, or ReplyError for a mistake in the command."""
        connection = self._connection
        if connection is None or connection.closed:
            connection = await self._connected()
        try:
            reply = await connection.call(*arguments)
        except ReplyError as error:
            if str(error).startswith(_DEMOTED):
                connection.close("no master any more")
                self._failed()
                raise Unavailable(f"{self.name}: {error}") from error
            raise
        except Unavailable:
            self._failed()
            raise
        if self.breaker.failures:
            self.breaker.succeed()
        return reply

    async def run(self, script: Script, keys: Sequence[Argument], arguments: Sequence[Argument]) -> Any:
        """Run a Lua script with its `keys` and `arguments`; raises as `call`."""
        try:
            return await self.call("EVALSHA", script.digest, len(keys), *keys, *arguments)
        except ReplyError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        return await self.call("EVAL", script.text, len(keys), *keys, *arguments)

    async def subscription(self, on_push: Push | None) -> Connection:
        """A separate connection to the master, for SUBSCRIBE. Raises Unavailable."""
        return await self._open(await self._topology.master(self.name), on_push)

    async def _connected(self) -> Connection:
        if self.breaker.is_open:
            raise Unavailable(f"{self.name}: circuit open")
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._connect(None))
        try:
            return await asyncio.shield(self._connecting)
        except Unavailable:
            self._failed()
            raise

    async def _connect(self, address: Address | None) -> Connection:
        connection = await self._open(address or await self._topology.master(self.name), None)
        try:
            for act in self._recovery:
                await act(connection.call)
        except RedisError:
            connection.close()
            raise
        if self._connection is not None:
            self._connection.close()
        self._connection = connection
        return connection

    async def _open(self, address: Address, on_push: Push | None) -> Connection:
        connection = await Connection.open(
            *address,
            timeout_seconds=self._timeout,
            username=self._username,
            password=self._password,
            tls=self._tls,
        )
        try:
            role = await connection.call("ROLE")
            if role[0] != b"master":
                raise Unavailable(f"{self.name}: {address} is a {role[0].decode()}, not the master")
        except RedisError:
            connection.close()
            raise
        connection.push_to(on_push)
        return connection

    def _moved(self, address: Address) -> None:
        if self._connection is not None:
            self._connection.close(f"{address} is master now")
            self._connection = None
        if self._probe is not None:
            self._probe.cancel()
        self._probe = asyncio.create_task(self._recover(address))

    def _failed(self) -> None:
        was_open = self.breaker.is_open
        self.breaker.fail()
        if self.breaker.is_open and not was_open:
            log.warning("redis circuit opened", pair=self.name)
            self._start_probe()

    def _trip(self) -> None:
        self.breaker.trip()
        self._start_probe()

    def _start_probe(self) -> None:
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._recover(None))

    async def _recover(self, address: Address | None) -> None:
        """Half-open: try to connect until it works, with growing pauses, while the breaker refuses all calls."""
        while True:
            if address is None:
                await asyncio.sleep(self.breaker.seconds_to_probe)
            try:
                await self._connect(address)
            except (Unavailable, ReplyError) as error:
                address = None
                self.breaker.trip()
                log.debug("redis still away", pair=self.name, error=str(error))
                continue
            if self.breaker.is_open:
                log.info("redis circuit closed", pair=self.name)
            self.breaker.succeed()
            return
