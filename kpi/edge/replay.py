"""The load mix in virtual time, through caches that obey the cache policy: what an edge requests from the origin, with
and without the shield behind it, with and without stale responses.

Nothing is measured: half an hour of load is calculated in seconds from the policy's lifetimes. That covers lifetimes of
minutes and an edge of many places, which one machine doesn't have. Writes aren't played.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from typing import Final

from app.caching_policy import Policy, Route
from kpi.routes import Catalogue, request_of
from kpi.workload import PUBLIC_READS, Visits, Workload

PLACES_IN_A_COUNTRY: Final = 4
"""Data centres of the edge, each with its own copies, that a country's visitors reach; Cloudflare has more."""
ANSWER_SECONDS: Final = 0.1
"""Between two steps of a visit, beside thinking."""


@dataclass(frozen=True, slots=True)
class Read:
    """A public read: its time, country and target."""

    at: float
    place: str
    key: str
    route: Route


@dataclass(frozen=True, slots=True)
class ReplayCounts:
    """The origin's requests from a chain of caches. For `waited` of them a visitor was waiting."""

    reads: int
    origin: int
    waited: int

    @property
    def served(self) -> float:
        """The share of reads that were answered from a cache, fresh or stale."""
        return 1 - self.waited / max(1, self.reads)


def reads(workload: Workload, policy: Policy, seconds: float) -> Iterator[Read]:
    """The public reads of the mix in the order of time."""
    catalogue = Catalogue(products=range(1, workload.products + 1), categories=range(1, workload.categories + 1))
    waiting: list[tuple[float, int, Read]] = []
    number = 0
    for ordinal, visit in enumerate(Visits(workload).until(seconds)):
        while waiting and waiting[0][0] <= visit.start:
            yield heappop(waiting)[2]
        place = f"{visit.country}-{ordinal % PLACES_IN_A_COUNTRY}"
        at = visit.start
        for action in visit.actions:
            if at > seconds:
                break
            if action.step in PUBLIC_READS:
                target = request_of(action, catalogue, number).target
                match = policy.match("GET", target.partition("?")[0])
                if match is not None:
                    country = policy.countries.shared(visit.country) if "country" in match.route.vary else ""
                    number += 1
                    heappush(waiting, (at, number, Read(at, place, f"{country}{target}", match.route)))
            at += action.think + ANSWER_SECONDS
    while waiting:
        yield heappop(waiting)[2]


def play(
    asked: Sequence[Read],
    *,
    edge: bool = True,
    shield: bool = True,
    stale: bool = True,
    after: float,
    until: float = inf,
) -> ReplayCounts:
    """Count from second `after` to `until`; before, the caches fill. Without `edge`: the shield alone, as locally."""
    places: dict[Hashable, float] = {}
    behind: dict[Hashable, float] = {}
    counted = origin = waited = 0
    for read in asked:
        counts = after <= read.at < until
        counted += counts
        served, fetches = False, True
        if edge:
            served, fetches = _look(places, (read.place, read.key), read, read.route.edge_ttl, stale=stale)
        if fetches and shield:
            held, fetches = _look(behind, read.key, read, read.route.shield_ttl, stale=stale)
            served = served or held
        origin += counts and fetches
        waited += counts and fetches and not served
    return ReplayCounts(counted, origin, waited)


def _look(kept: dict[Hashable, float], key: Hashable, read: Read, ttl: int, *, stale: bool) -> tuple[bool, bool]:
    """Returns (served from here, fetched from behind). A fetched response is stored at once."""
    until = kept.get(key)
    if until is not None and read.at < until:
        return True, False
    served = until is not None and stale and read.at < until + read.route.stale_while_revalidate
    kept[key] = read.at + ttl
    return served, True
