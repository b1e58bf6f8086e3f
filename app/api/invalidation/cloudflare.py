"""Purges Cloudflare by tag, in batches, within the zone's plan.

By tag, because an address has many copies (by country, by device), and only a tag names all of them. The limits are
Cloudflare's ("Purge cache: availability and limits").
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Final, Literal

from cloudflare import APIConnectionError, APIStatusError, AsyncCloudflare
from pydantic import SecretStr

from app.api.invalidation.layers import PurgeFailed

TIMEOUT_SECONDS: Final = 10.0
AFTER_429_SECONDS: Final = 30.0
"""The pause after a 429 from Cloudflare without Retry-After."""

PlanName = Literal["free", "pro", "business", "enterprise"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A plan's limit of purge requests."""

    per_second: float
    burst: int


RATES: Final[Mapping[PlanName, Rate]] = {
    "free": Rate(5 / 60, 25),
    "pro": Rate(5, 25),
    "business": Rate(10, 50),
    "enterprise": Rate(50, 500),
}


class TokenBucket:
    """Lets `burst` requests through at once and `per_second` in the long run."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._at = clock()

    def take(self, wanted: int = 1) -> float:
        """Take `wanted` tokens, at most a burst. Returns 0, or the seconds until there are as many."""
        wanted = min(wanted, self._rate.burst)
        now = self._clock()
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_second)
        self._at = now
        if self._tokens >= wanted:
            self._tokens -= wanted
            return 0.0
        return (wanted - self._tokens) / self._rate.per_second

    def empty(self) -> None:
        """Record that Cloudflare has no calls left, whatever was counted here."""
        self._tokens = 0.0
        self._at = self._clock()


class Cloudflare:
    """One zone's cache."""

    name: str = "cloudflare"
    tags_at_once: int = 100

    def __init__(
        self, *, zone_id: str, token: SecretStr, base_url: str, plan: PlanName, clock: Callable[[], float] = monotonic
    ) -> None:
        self._client = AsyncCloudflare(
            api_token=token.get_secret_value(), base_url=base_url, max_retries=0, timeout=TIMEOUT_SECONDS
        )
        self._zone_id = zone_id
        self._bucket = TokenBucket(RATES[plan], clock)

    async def purge(self, tags: Sequence[str]) -> None:
        """Purge everything with one of the tags, in as few requests as possible. Raises PurgeFailed.

        Never waits: at the plan's limit the failure says when to try again.
        """
        # All or none: an unfinished purge would start again each time.
        wait = self._bucket.take(ceil(len(tags) / self.tags_at_once))
        if wait:
            raise PurgeFailed("cloudflare: the plan's limit is reached", retry_after=wait)
        for start in range(0, len(tags), self.tags_at_once):
            try:
                await self._client.cache.purge(
                    zone_id=self._zone_id, tags=list(tags[start : start + self.tags_at_once])
                )
            except APIStatusError as error:
                raise self._refused(error) from error
            except APIConnectionError as error:
                raise PurgeFailed(f"cloudflare: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _refused(self, error: APIStatusError) -> PurgeFailed:
        if error.status_code != 429:
            return PurgeFailed(f"cloudflare: status {error.status_code}")
        self._bucket.empty()
        try:
            pause = float(error.response.headers.get("retry-after", AFTER_429_SECONDS))
        except ValueError:
            pause = AFTER_429_SECONDS
        return PurgeFailed("cloudflare: too many requests", retry_after=pause)
