"""The layers that hold stored responses, and the one contract by which each is purged."""

from collections.abc import Sequence
from time import monotonic
from typing import Final, Protocol

import structlog

from app.api.metrics import Metrics

log = structlog.get_logger(__name__)

REDIS: Final = "redis"
"""Redis and the memory of every process of the API."""


class PurgeFailed(Exception):
    """A layer didn't confirm. `retry_after` is in seconds, if the layer named it."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Layer(Protocol):
    """A layer that holds stored responses."""

    @property
    def name(self) -> str:
        """The layer's name in metrics, logs and the outbox."""
        ...

    @property
    def tags_at_once(self) -> int:
        """The most tags that one request may name."""
        ...

    async def purge(self, tags: Sequence[str]) -> None:
        """Return once the layer serves nothing that it held under one of the tags. Raises PurgeFailed."""
        ...


async def purge(layer: Layer, tags: Sequence[str], metrics: Metrics) -> None:
    """Purge one layer, counted and logged. Raises PurgeFailed."""
    started = monotonic()
    try:
        await layer.purge(tags)
    except PurgeFailed as failure:
        metrics.purges.labels(layer.name, "failed").inc()
        log.warning("layer not purged", layer=layer.name, tags=list(tags), error=str(failure))
        raise
    took = monotonic() - started
    metrics.purges.labels(layer.name, "done").inc()
    metrics.purge_seconds.labels(layer.name).observe(took)
    log.info("purged", layer=layer.name, tags=list(tags), milliseconds=round(took * 1000, 1))


async def purge_in_order(layers: Sequence[Layer], tags: Sequence[str], metrics: Metrics) -> frozenset[str]:
    """Purge layers, given from the inside outwards, each after the one that it fills from. Returns the names of those
    that confirmed.

    After a failure the outer layers are purged all the same: they may hold the value for longer.
    """
    confirmed = set[str]()
    for layer in layers:
        try:
            await purge(layer, tags, metrics)
        except PurgeFailed:
            continue
        confirmed.add(layer.name)
    return frozenset(confirmed)
