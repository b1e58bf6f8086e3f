"""Finds what an address means to the cache: the route, its tags, and a key of which clients can't make many."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, urlencode

from app.api.metrics import UNLISTED, EndpointCollector, EndpointStats
from app.api.responses.stored import SCHEMA
from app.caching_policy import Match, Policy, Route

CURRENCIES: Final = {"US": "USD", "GB": "GBP"}
"""Currencies by country; every other country pays in euro."""
DEFAULT_CURRENCY: Final = "EUR"

LONGEST_REMEMBERED: Final = 256
"""Characters of an address that is remembered."""
REMEMBERED_BYTES: Final = 16 * 1024 * 1024


@lru_cache(maxsize=1024)
def currency_of(country: bytes) -> str:
    """The currency for a value of `X-Country`. There are few, so a made-up country makes no new variant."""
    return CURRENCIES.get(country.decode("latin-1").strip().upper(), DEFAULT_CURRENCY)


@dataclass(frozen=True, slots=True)
class Target:
    """What an address means."""

    route: Route | None
    stats: EndpointStats
    parameters: dict[str, str]
    query: str
    """Only the parameters that count, sorted: what the application gets instead of the client's."""
    tags: tuple[str, ...]
    cacheable: bool
    """Anybody's answers to GET and HEAD are kept."""
    computed: bool
    """Kept with the computed results (listings, searches) instead of with the data."""
    key: str

    @property
    def size(self) -> int:
        """Bytes in memory, roughly: the texts, counted twice for the key that finds the target, and the objects."""
        return 1000 + 2 * (len(self.key) + len(self.query)) + 100 * len(self.tags)

    def variant_key(self, currency: str, tier: str) -> str:
        """The key of one variant, in the scheme of docs/redis.md: `cache:response:<address>:<variant>`."""
        return f"cache:response:{self.key}:v{SCHEMA}.{currency}.{tier}"


class Targets:
    """Targets by address, remembered for recent addresses."""

    def __init__(self, policy: Policy, endpoints: EndpointCollector, *, limit: int = REMEMBERED_BYTES) -> None:
        self._policy = policy
        self._endpoints = endpoints
        self._unlisted = endpoints.of(UNLISTED)
        for route in policy.routes:
            if route.backend == "api":
                endpoints.of(route.route)
        self._limit = limit
        self.size = 0
        """Bytes of what is remembered, roughly."""
        self._remembered: OrderedDict[tuple[str, bytes], Target] = OrderedDict()

    def known(self, path: str, query: bytes) -> Target | None:
        """The remembered result of `read`, if there is one. Any thread may call it."""
        address = (path, query)
        target = self._remembered.get(address)
        if target is not None:
            try:
                self._remembered.move_to_end(address)
            except KeyError:  # forgotten since by the event loop's thread
                return None
        return target

    def read(self, path: str, query: bytes) -> Target:
        """The target of a GET or HEAD, from the decoded path and the raw query."""
        target = self.known(path, query)
        if target is not None:
            return target
        target = self._read(path, query)
        # What isn't listed is understood at once. Beyond ASCII, a text takes four times its length.
        if target.route is not None and len(path) + len(query) <= LONGEST_REMEMBERED and path.isascii():
            self._remembered[path, query] = target
            self.size += target.size
            while self.size > self._limit:
                self.size -= self._remembered.popitem(last=False)[1].size
        return target

    def write(self, method: str, path: str) -> Target:
        """The target of any other method."""
        return self._target(self._policy.match(method, path), path, "")

    def _read(self, path: str, query: bytes) -> Target:
        match = self._policy.match("GET", path)
        return self._target(match, path, _normalised(query, match.route.query) if match else "")

    def _target(self, match: Match | None, path: str, query: str) -> Target:
        if match is None or match.route.backend != "api":
            return Target(None, self._unlisted, {}, query, (), False, False, "")
        route = match.route
        return Target(
            route=route,
            stats=self._endpoints.of(route.route),
            parameters=dict(match.parameters),
            query=query,
            tags=route.rendered_tags(match.parameters),
            cacheable=route.audience == "public" and route.api_ttl > 0,
            computed=bool(route.query),
            key=f"{path}?{query}" if query else path,
        )


def _normalised(query: bytes, known: tuple[str, ...]) -> str:
    """The known parameters, sorted by name. A parameter given twice stays twice, so that the application refuses it.

    Bytes that aren't UTF-8 become U+FFFD in the key and in what the application sees.
    """
    if not known or not query:
        return ""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return urlencode(sorted((name, value) for name, value in pairs if name in known))
