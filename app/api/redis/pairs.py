"""The shop's three pairs, and the topology that names their masters."""

import asyncio
from dataclasses import dataclass

from app.api.redis.connection import tls_context
from app.api.redis.pair import Pair
from app.api.redis.topology import Topology
from app.api.settings import Settings

PAIRS = ("sessions", "data", "computed")


@dataclass(frozen=True, kw_only=True)
class Redis:
    """The three pairs, and the topology that names their masters."""

    topology: Topology
    sessions: Pair
    data: Pair
    computed: Pair

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All three."""
        return (self.sessions, self.data, self.computed)

    async def start(self) -> None:
        """Connect to all, at the same time; those that are away are tried again in the background."""
        self.topology.start()
        await asyncio.gather(*(pair.start() for pair in self.pairs))

    async def stop(self) -> None:
        """Disconnect."""
        await self.topology.stop()
        await asyncio.gather(*(pair.stop() for pair in self.pairs))


def make_redis(settings: Settings) -> Redis:
    """The pairs, not connected yet."""
    username, secret = settings.redis_username, settings.redis_password
    password = secret.get_secret_value() if secret is not None else None
    tls = tls_context(settings.redis_ca)
    topology = Topology(settings.redis_sentinels, username=username if password else None, password=password, tls=tls)
    sessions, data, computed = (
        Pair(
            name,
            topology,
            timeout_seconds=settings.redis_timeout_seconds,
            username=username if password else None,
            password=password,
            tls=tls,
        )
        for name in PAIRS
    )
    return Redis(topology=topology, sessions=sessions, data=data, computed=computed)
