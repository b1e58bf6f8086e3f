"""The master of each pair, as the Sentinels name it. `+switch-master` messages keep it current."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from app.api.redis.connection import Connection
from app.api.redis.errors import RedisError, Unavailable
from app.api.settings import Address

SENTINEL_TIMEOUT_SECONDS: Final = 0.2
RECONNECT_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)

Listener = Callable[[Address], None]


class Topology:
    """The masters' addresses by name. `start` follows them until `stop`."""

    def __init__(
        self,
        sentinels: Sequence[Address],
        *,
        username: str | None,
        password: str | None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._sentinels = tuple(sentinels)
        self._username = username
        self._password = password
        self._tls = tls
        self._masters: dict[str, Address] = {}
        self._listeners: dict[str, Listener] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def watch(self, master: str, listener: Listener) -> None:
        """Call `listener` whenever `master` moves to another address."""
        self._listeners[master] = listener

    def start(self) -> None:
        """Start to follow the Sentinels, each in its own task."""
        self._tasks = [asyncio.create_task(self._follow(sentinel)) for sentinel in self._sentinels]

    async def stop(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def master(self, name: str) -> Address:
        """Ask all Sentinels for the master of `name`. Returns the address that most of them name; raises
        Unavailable.
        """
        answers = await asyncio.gather(*(self._ask(sentinel, name) for sentinel in self._sentinels))
        known = Counter(answer for answer in answers if isinstance(answer, Address))
        if not known:
            raise Unavailable(f"no Sentinel knows the master {name!r}: {'; '.join(str(answer) for answer in answers)}")
        address = known.most_common(1)[0][0]
        self._masters[name] = address
        return address

    async def _ask(self, sentinel: Address, name: str) -> Address | str:
        try:
            connection = await self._open(sentinel)
        except Unavailable as error:
            return str(error)
        try:
            reply = await connection.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
        except RedisError as error:
            return f"Sentinel {sentinel}: {error}"
        finally:
            connection.close()
        if reply is None:
            return f"Sentinel {sentinel} doesn't watch it"
        return Address((reply[0].decode(), int(reply[1])))

    async def _open(self, sentinel: Address, on_push: Callable[[list[Any]], None] | None = None) -> Connection:
        return await Connection.open(
            *sentinel,
            timeout_seconds=SENTINEL_TIMEOUT_SECONDS,
            username=self._username,
            password=self._password,
            tls=self._tls,
            on_push=on_push,
        )

    async def _follow(self, sentinel: Address) -> None:
        while True:
            try:
                connection = await self._open(sentinel, self._told)
            except Unavailable:
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            connection.send("SUBSCRIBE", "+switch-master")
            try:
                # A failover during the gap sent its message to no subscriber: ask.
                await self._catch_up(sentinel)
                await connection.until_lost()
            finally:
                connection.close()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _catch_up(self, sentinel: Address) -> None:
        for name in self._listeners:
            answer = await self._ask(sentinel, name)
            # Only a pair that had an address can have moved; which one is right, all Sentinels are asked.
            if isinstance(answer, Address) and self._masters.get(name, answer) != answer:
                try:
                    self._moved(name, await self.master(name))
                except Unavailable as error:
                    log.warning("sentinels disagree or are gone", master=name, error=str(error))

    def _told(self, push: list[Any]) -> None:
        if push[0] != b"message":
            return
        name, _, _, host, port = push[2].decode().split(" ")
        self._moved(name, Address((host, int(port))))

    def _moved(self, name: str, address: Address) -> None:
        if name not in self._listeners or self._masters.get(name) == address:
            return
        log.info("redis master moved", master=name, address=str(address), before=str(self._masters.get(name)))
        self._masters[name] = address
        self._listeners[name](address)
