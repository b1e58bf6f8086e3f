"""The cache policy as the gateway needs it: nginx locations, and the table that shield.lua reads."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from app.caching_policy import Policy, Route

GOOD_STATUSES = (200, 301, 308)
MISSING_STATUSES = (404, 410)
FAULT_STATUS = 500
IMAGE_TYPES = ("image/avif", "image/webp")
"""What the image optimizer makes, best first; other clients get the original's type."""
ENCODINGS = ("br", "gzip")
"""The content codings that the origins know, best first. For any other coding they send the answer unencoded."""

PAGE_STYLE = (
    "body{font:1.125rem/1.6 system-ui,sans-serif;color-scheme:light dark;max-width:34rem;margin:20vh auto;"
    "padding:0 1.5rem}h1{font:2rem/1.2 Georgia,serif}"
)
"""Of the pages by which the gateway refuses."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    f"style-src 'sha256-{b64encode(sha256(PAGE_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of every answer whose origin gives none: data, and the gateway's own pages."""

ROUTER_HEADERS = ("Next-Router-Prefetch", "Next-Router-Segment-Prefetch", "Next-Router-State-Tree")
"""What Next.js's answers to its own router depend on, beside RSC."""


@dataclass(frozen=True)
class Location:
    """A public route as nginx sees it. TTLs in seconds."""

    name: str
    route: Route
    match: str
    upstream: str

    @property
    def stored(self) -> bool:
        """Whether the shield keeps its answers at all."""
        return self.route.shield_ttl > 0

    @property
    def revalidates(self) -> bool:
        """Whether a stale answer may be served while a new one is fetched."""
        return self.route.stale_while_revalidate > 0


def locations(policy: Policy) -> tuple[Location, ...]:
    """The public routes, in the policy's order. Responses of all others pass through unstored."""
    return tuple(
        Location(
            name=location_name(route),
            route=route,
            match=_match(route),
            upstream=route.backend,
        )
        for route in policy.routes
        if route.audience == "public"
    )


def location_name(route: Route) -> str:
    """A name for nginx, metrics and logs: `/api/products/{product_id}` is `api-products-product_id`."""
    return re.sub(r"[^a-z0-9_]+", "-", route.route.lower()).strip("-") or "home"


def pattern(route: Route) -> str:
    """The route as a regular expression for PCRE, with a named group for each parameter."""
    parts: list[str] = []
    for segment in route.segments:
        name = segment.strip("{}*")
        if segment.endswith("*}"):
            parts.append(f"(?<{name}>.+)")
        elif segment.startswith("{"):
            parts.append(f"(?<{name}>[^/]+)")
        else:
            parts.append(re.escape(segment))
    return r"\A/" + "/".join(parts) + r"\z"


def lifetime(route: Route) -> int:
    """Seconds after which the shield may not serve an answer any more, however the origin fares."""
    return route.shield_ttl + max(route.stale_while_revalidate, route.stale_if_error)


def table(policy: Policy) -> str:
    """`routes.json`, which shield.lua reads at start."""
    public = locations(policy)
    return json.dumps(
        {
            "routes": {location.name: _entry(location, policy) for location in public},
            "countries": dict.fromkeys((policy.countries.others, *policy.countries.own), True),
            "bypass_headers": [name.lower().replace("-", "_") for name in policy.bypass.request_headers],
            "bypass_cookies": list(policy.bypass.request_cookies),
            "unkept_headers": ["Set-Cookie", *policy.bypass.response_headers],
            "content_security_policy": CONTENT_SECURITY_POLICY,
            "encodings": ENCODINGS,
            "image_types": IMAGE_TYPES,
            "mark_lifetimes": _mark_lifetimes(policy),
            "longest_lifetime": max((lifetime(location.route) for location in public), default=0),
        },
        indent=1,
        sort_keys=True,
    )


def _match(route: Route) -> str:
    if not route.parameters:
        return f"= {route.route}"
    return f'~ "{pattern(route)}"'


def _entry(location: Location, policy: Policy) -> dict[str, Any]:
    route = location.route
    ttl = {str(status): route.shield_ttl for status in GOOD_STATUSES}
    ttl |= {str(status): policy.errors.not_found_ttl for status in MISSING_STATUSES}
    ttl[str(FAULT_STATUS)] = policy.errors.server_error_ttl
    entry: dict[str, Any] = {
        "pattern": pattern(route),
        "upstream": location.upstream,
        "query": dict.fromkeys(route.query, True),
        "vary": dict.fromkeys(sorted(route.vary), True),
        "tags": route.tags,
        "ttl": ttl,
        "stale": {"revalidate": route.stale_while_revalidate, "error": route.stale_if_error},
    }
    if route.backend == "storefront":
        entry["headers"] = _headers(route, policy)
    return entry


def _headers(route: Route, policy: Policy) -> dict[str, dict[str, str]]:
    """What the gateway says of the storefront's answers, by status; the API says it itself."""
    varying = [route.vary_header] if route.vary_header else []
    if "rsc" in route.vary:
        varying += ROUTER_HEADERS
    always = {"Vary": ", ".join(varying)} if varying else {}
    good = always | {"Cache-Control": route.cache_control}
    if route.cdn_cache_control:
        good["Cloudflare-CDN-Cache-Control"] = route.cdn_cache_control
    links = [f"<{target}>; rel=prefetch" for target in route.prefetch if "{" not in target]
    if links:
        good["Link"] = ", ".join(links)

    def error(ttl: int) -> dict[str, str]:
        return always | {"Cache-Control": "no-cache", "Cloudflare-CDN-Cache-Control": f"max-age={ttl}"}

    headers = {str(status): good for status in GOOD_STATUSES}
    headers |= {str(status): error(policy.errors.not_found_ttl) for status in MISSING_STATUSES}
    headers[str(FAULT_STATUS)] = error(policy.errors.server_error_ttl)
    headers["other"] = always | {"Cache-Control": "no-store"}
    return headers


def _mark_lifetimes(policy: Policy) -> dict[str, int]:
    """How long a purged tag matters, by its first word: until the last answer that may have it is too old anyway."""
    lifetimes: dict[str, int] = {}
    for location in locations(policy):
        lists = location.route.lists
        for tag in (*location.route.tags, *([lists.tag] if lists else [])):
            word = tag.split(":")[0]
            lifetimes[word] = max(lifetimes.get(word, 0), lifetime(location.route))
    return lifetimes
