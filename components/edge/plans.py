"""What each Cloudflare plan can do, as far as this program uses it.

Sources: the availability tables of https://developers.cloudflare.com/cache/how-to/cache-rules/,
…/cache-response-rules/, …/cache-keys/, …/tiered-cache/, …/purge-cache/ and /ruleset-engine/.
"""

from dataclasses import dataclass
from typing import Final, Literal

PlanName = Literal["free", "pro", "business", "enterprise"]
Feature = Literal["query_keys", "edge_ttls", "image_variants", "regional_tiers", "prefetch"]

EXPRESSION_LIMIT: Final = 4096
"""Characters in a rule's expression, on every plan."""

LOST: Final[dict[Feature, str]] = {
    "query_keys": "query parameters that don't count make copies of their own on routes that have counting ones; "
    "elsewhere a rewrite drops the query",
    "edge_ttls": "how long the edge keeps an answer comes from the origin's headers alone, without a rule that says so",
    "image_variants": "formats of images with a file extension aren't kept apart (those of /_next/image are)",
    "regional_tiers": "one upper tier for the world, far from some visitors",
    "prefetch": "the edge doesn't fetch a page's likely successors by itself (nor does it where query_keys are used)",
}


@dataclass(frozen=True, kw_only=True)
class ZonePlan:
    """`rules` for each phase; `minimum_edge_ttl` in seconds, for TTLs that a cache rule overrides.

    Purges: `purge_rate` requests/s and `purge_burst` requests for tags, hosts and prefixes, `purge_operations` of
    them in one request; `url_purge_operations` URLs in one.
    """

    name: PlanName
    rules: int
    minimum_edge_ttl: int
    features: frozenset[Feature]
    purge_rate: float
    purge_burst: int
    purge_operations: int = 100
    url_purge_operations: int = 100


_PAID: frozenset[Feature] = frozenset({"edge_ttls", "image_variants"})
PLANS: Final[dict[PlanName, ZonePlan]] = {
    "free": ZonePlan(
        name="free", rules=10, minimum_edge_ttl=7200, features=frozenset(), purge_rate=5 / 60, purge_burst=25
    ),
    "pro": ZonePlan(name="pro", rules=25, minimum_edge_ttl=3600, features=_PAID, purge_rate=5, purge_burst=25),
    "business": ZonePlan(name="business", rules=50, minimum_edge_ttl=1, features=_PAID, purge_rate=10, purge_burst=50),
    "enterprise": ZonePlan(
        name="enterprise",
        rules=300,
        minimum_edge_ttl=1,
        features=frozenset(LOST),
        purge_rate=50,
        purge_burst=500,
        url_purge_operations=500,
    ),
}


def with_feature(feature: Feature) -> str:
    """The plans that have a feature, for an error message."""
    return ", ".join(plan.name for plan in PLANS.values() if feature in plan.features)
