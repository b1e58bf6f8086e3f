"""What the API does all day, with its own client of the pairs: reads through the cache, visitors who fill a cart."""

import asyncio
import contextlib
import random
import threading
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from typing import cast

import asyncpg
from redis_pairs import PASSWORDS, SENTINEL_PORT, SENTINELS, Pairs

from app.api.cache_manager import CacheManager
from app.api.metrics import Metrics
from app.api.redis import Pair, Topology
from app.api.redis.tagged import TaggedStore
from app.api.sessions import Session, SessionStore
from app.api.settings import Address
from app.api.shop import FINISH_SECONDS
from testing.postgres import OWNER, Cluster
from testing.waits import eventually, meanwhile

REDIS_TIMEOUT = 0.05
"""Seconds: the API's own setting."""
READERS, VISITORS, KEYS = 4, 4, 50


@dataclass(frozen=True)
class Client:
    """One process's connections."""

    pair: Pair
    cache: CacheManager
    sessions: SessionStore
    metrics: Metrics


@contextlib.asynccontextmanager
async def connected(pairs: Pairs, pair: str, postgres: Cluster) -> AsyncGenerator[Client]:
    """The API's client of a pair, in front of a Postgres."""
    sentinels = [Address((pairs.host(f"redis-sentinel-{number}"), SENTINEL_PORT)) for number in range(SENTINELS)]
    topology = Topology(sentinels, username="app", password=PASSWORDS["app"])
    client = Pair(pair, topology, timeout_seconds=REDIS_TIMEOUT, username="app", password=PASSWORDS["app"])
    async with asyncpg.create_pool(host=str(postgres.directory), user=OWNER, database="postgres", min_size=0) as pool:
        metrics = Metrics()
        store = SessionStore(client, pool, metrics)
        topology.start()
        await client.start()
        try:
            yield Client(client, CacheManager(TaggedStore(client), metrics), store, metrics)
        finally:
            await store.finish(FINISH_SECONDS)
            await topology.stop()
            await client.stop()


@dataclass
class Shoppers:
    """Readers and visitors in a thread of their own. What was confirmed to a visitor is remembered."""

    pairs: Pairs
    pair: str
    postgres: Cluster
    reads: int = 0
    failures: list[str] = field(default_factory=list)
    carts: dict[str, int] = field(default_factory=dict)
    """By session: the number in the cart that the last confirmed change has set."""

    def __post_init__(self) -> None:
        self._over = threading.Event()

    def shop(self, over: threading.Event) -> None:
        """Until it is over."""
        self._over = over
        asyncio.run(self._run())

    async def _run(self) -> None:
        async with connected(self.pairs, self.pair, self.postgres) as client:
            readers = (self._read(client) for _ in range(READERS))
            visitors = (self._visit(client) for _ in range(VISITORS))
            await asyncio.gather(*readers, *visitors)

    async def _read(self, client: Client) -> None:
        while not self._over.is_set():
            number = random.randrange(KEYS)
            try:
                value = await client.cache.get_or_else(
                    client.cache.key("product", number), 60, lambda number=number: _load(number), tags=(f"p:{number}",)
                )
            except Exception as error:  # whatever it is, a cacheable read has failed
                self.failures.append(f"read: {error!r}")
            else:
                if value != {"id": number}:
                    self.failures.append(f"read {number}: {value!r}")
                self.reads += 1
            await asyncio.sleep(0.01)

    async def _visit(self, client: Client) -> None:
        session: Session | None = None
        number = 0
        while not self._over.is_set():
            try:
                if session is None or number % 50 == 0:
                    session = await client.sessions.create(cart_data={"number": number})
                elif not await client.sessions.set(session, {"cart_data": {"number": number}}):
                    self.failures.append(f"visit: session ended after {number} changes")
                self.carts[session.id] = number
            except Exception as error:
                self.failures.append(f"visit: {error!r}")
            number += 1
            await asyncio.sleep(0.02)

    def kept(self) -> bool:
        """Whether every promise was: no read or change failed, and another process finds every session as confirmed.

        Fails with what was not.
        """
        assert self.failures == [], self.failures
        lost = asyncio.run(self._lost())
        assert lost == [], lost
        return len(self.carts) >= VISITORS and self.reads > 0

    async def _lost(self) -> list[str]:
        async with connected(self.pairs, self.pair, self.postgres) as client:
            found = [(await client.sessions.get(session_id), number) for session_id, number in self.carts.items()]
            return [
                f"{session.cart_data if session else None} instead of {number}"
                for session, number in found
                if session is None or cast("int", session.cart_data["number"]) < number
            ]


async def _load(number: int) -> dict[str, int]:
    await asyncio.sleep(0.002)
    return {"id": number}


@contextlib.contextmanager
def shopping(pairs: Pairs, pair: str, postgres: Cluster) -> Generator[Shoppers]:
    """Shoppers on this pair during the block."""
    shoppers = Shoppers(pairs, pair, postgres)
    with meanwhile(shoppers.shop):
        eventually(lambda: shoppers.reads > 20 and len(shoppers.carts) >= VISITORS, "shoppers shop")
        yield shoppers
