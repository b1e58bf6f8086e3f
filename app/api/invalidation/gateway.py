"""Purges at the gateway: every pod of it is told, by tag and by path."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final

import httpx
import structlog

from app.api.metrics import Metrics

log = structlog.get_logger(__name__)

TARGET: Final = "gateway"


class Gateway:
    """`urls` are the pods' purge addresses, of which each must confirm."""

    def __init__(self, http: httpx.AsyncClient, urls: Sequence[str], metrics: Metrics) -> None:
        self._http = http
        self._urls = tuple(urls)
        self._metrics = metrics

    async def purge(self, tags: Sequence[str], paths: Sequence[str], *, within: float) -> bool:
        """Purge on every pod; False if one hasn't confirmed within `within` seconds."""
        if not self._urls:
            return True
        started = monotonic()
        # A prefix has no meaning at the gateway: its answers carry the tags.
        body = {"tags": list(tags), "paths": [path for path in paths if not path.endswith("*")]}
        results = await asyncio.gather(*(self._tell(url, body, within) for url in self._urls))
        done = all(results)
        self._metrics.purges.labels(TARGET, "done" if done else "failed").inc()
        if done:
            self._metrics.purge_seconds.labels(TARGET).observe(monotonic() - started)
        return done

    async def _tell(self, url: str, body: dict[str, list[str]], within: float) -> bool:
        try:
            answer = await self._http.post(url, json=body, timeout=within)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            log.warning("gateway not purged", url=url, error=str(error) or type(error).__name__)
            return False
        return True
