"""Counts the keys that Redis evicts, by entity. Redis itself counts all keys together."""

from typing import Any, Final, get_args

from app.api.metrics import Metrics
from app.api.redis import Pair
from app.api.redis.subscription import Subscription
from app.caching_policy import Entity

CHANNEL: Final = "__keyevent@0__:evicted"
"""Masters publish each evicted key's name there: `notify-keyspace-events Ee`."""
ENTITIES: Final = frozenset((*get_args(Entity), "response"))
OTHER: Final = "other"
"""The label of locks, tags and whatever else isn't a value: labels stay few."""


class Evictions:
    """One instance for all processes, in the worker: every instance counts every eviction."""

    def __init__(self, pairs: tuple[Pair, ...], metrics: Metrics) -> None:
        self._events = metrics.entity_events
        self._subscriptions = [Subscription(pair, [CHANNEL], self._hear) for pair in pairs]

    def start(self) -> None:
        """Begin to count."""
        for subscription in self._subscriptions:
            subscription.start()

    async def stop(self) -> None:
        """Stop counting."""
        for subscription in self._subscriptions:
            await subscription.stop()

    def _hear(self, push: list[Any]) -> None:
        if push[0] == b"message":
            self._events.labels(entity_of(push[2].decode(errors="replace")), "evicted").inc()


def entity_of(key: str) -> str:
    """The entity of a key: `product` of `cache:product:5:v1.page`, `session` of a session's key, else `other`."""
    kind, _, rest = key.partition(":")
    if kind == "session":
        return kind
    entity = rest.partition(":")[0]
    return entity if kind == "cache" and entity in ENTITIES else OTHER
