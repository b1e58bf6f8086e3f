"""Purges every pod of the gateway, by tag."""

import asyncio
from collections.abc import Sequence

import httpx

from app.api.invalidation.layers import PurgeFailed


class Gateway:
    """The gateway's pods. `urls` are their purge addresses; each must confirm within `seconds`."""

    name: str = "gateway"
    tags_at_once: int = 1000

    def __init__(self, http: httpx.AsyncClient, urls: Sequence[str], *, seconds: float) -> None:
        self._http = http
        self._urls = tuple(urls)
        self._seconds = seconds

    async def purge(self, tags: Sequence[str]) -> None:
        """Purge every pod. Raises PurgeFailed, which names the pods that didn't confirm."""
        failures = await asyncio.gather(*(self._tell(url, tags) for url in self._urls))
        if told := "; ".join(failure for failure in failures if failure):
            raise PurgeFailed(f"gateway: {told}")

    async def _tell(self, url: str, tags: Sequence[str]) -> str:
        """What went wrong, if anything did."""
        try:
            answer = await self._http.post(url, json={"tags": list(tags)}, timeout=self._seconds)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            if _refused(error):
                # No nginx runs there, and the next one starts with an empty cache.
                return ""
            return f"{url}: {error or type(error).__name__}"
        return ""


def _refused(error: BaseException | None) -> bool:
    """Whether the pod refuses connections: then it holds nothing."""
    while error is not None and not isinstance(error, ConnectionRefusedError):
        error = error.__cause__ or error.__context__
    return error is not None
