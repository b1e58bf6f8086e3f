"""docs/pictures/request.svg, purge.svg, layers.svg: how a request and a purge travel, and what each cache keeps.

Lifetimes come from app/caching.yaml, sizes from production's stack file, limits from the code that has them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.api.invalidation.coherence import LEASE_SECONDS, REPLAYED_SECONDS
from app.api.settings import Settings as ApiProcess
from app.api.writes import WORKER_DELAY_SECONDS
from app.caching_policy import Entity, Policy, Route, load
from components.edge.plans import PLANS
from components.settings.environment import Settings, parse
from components.settings.quantities import format_bytes, format_duration
from stack.environments import stack_config
from stack.secret_placeholders import with_placeholders
from tools.docs.drawing import HEADER, MARGIN, Accent, Drawing

_ENVIRONMENT: Final = "prod"
_SHOWN: Final = (
    ("a product", "/api/products/{product_id}"),
    ("its stock", "/api/products/{product_id}/inventory"),
    ("its reviews", "/api/reviews/{product_id}"),
    ("categories", "/api/categories"),
    ("a customer", "/api/users/{user_id}"),
    ("a product's page", "/products/{product_id}"),
    ("the cart", "/api/cart"),
)
_PROCESS: Final[dict[str, Any]] = {name: field.default for name, field in ApiProcess.model_fields.items()}


def _settings() -> Settings:
    config = stack_config(_ENVIRONMENT)
    secrets = with_placeholders(config.get("simone:secrets"), None, config)
    return parse(config | {"simone:secrets": secrets}, _ENVIRONMENT)


def request() -> str:
    """Where a request may be answered on its way, and for how long each place keeps what."""
    policy = load()
    stations: Sequence[tuple[str, Sequence[str], Accent]] = (
        ("browser", ("its own cache,", "the service worker"), "outside"),
        ("edge", ("a Cloudflare place,", "then the upper tier"), "outside"),
        ("gateway", ("nginx: one fetch", "of a missing response"), "service"),
        ("API", ("the memory of", "each process"), "service"),
        ("Redis", ("responses, and what", "they are made from"), "store"),
        ("Postgres", ("through pgBouncer:", "one query for a miss"), "store"),
    )
    width, gap, label, top = 142, 22, 116, HEADER + 6
    columns = [MARGIN + label + number * (width + gap) for number in range(len(stations))]
    row, first = 30, top + 214
    drawing = Drawing(
        "How a request travels: the first place that has the response gives it",
        columns[-1] + width + MARGIN,
        first + len(_SHOWN) * row + MARGIN,
        about="A browser asks Cloudflare, Cloudflare the gateway, the gateway the API or, for pages, the storefront, "
        "which asks the API. The API asks its memory, then Redis, then Postgres. Below: how long each keeps what.",
    )
    for number, (name, details, accent) in enumerate(stations):
        drawing.box(columns[number], top, width, 74, name, *details, accent=accent)
        if number:
            drawing.arrow(columns[number] - gap, top + 37, columns[number], top + 37)
    drawing.box(columns[2], top + 116, width, 50, "storefront", "makes pages")
    drawing.arrow(columns[2] + width / 2, top + 74, columns[2] + width / 2, top + 116)
    middle = columns[3] + width / 2
    drawing.way((columns[2] + width, top + 141), (middle, top + 141), (middle, top + 74))
    drawing.text(MARGIN, first - 8, "kept for", "muted")
    for number, (name, path) in enumerate(_SHOWN):
        y = first + 20 + number * row
        drawing.line(MARGIN, y - 19, columns[-1] + width, y - 19)
        drawing.text(MARGIN, y, name)
        for column, kept in zip(columns, _lifetimes(policy, _route(policy, path)), strict=True):
            drawing.text(column + width / 2, y, kept, "text" if kept[0].isdigit() else "muted", "middle")
    return drawing.svg()


def _route(policy: Policy, path: str) -> Route:
    """The one that is read; raises LookupError, which names the path that isn't in the policy any more."""
    for route in policy.routes:
        if route.route == path and "GET" in route.methods:
            return route
    raise LookupError(f"{path} is drawn in docs/pictures/request.svg and isn't a route of app/caching.yaml")


_ENTITIES: Final[Mapping[str, Entity]] = {
    "/api/products/{product_id}": "product",
    "/api/products/{product_id}/inventory": "stock",
    "/api/reviews/{product_id}": "reviews",
    "/api/categories": "categories",
    "/api/users/{user_id}": "user",
}


def _lifetimes(policy: Policy, route: Route) -> Sequence[str]:
    """Browser, edge, gateway, the API's memory, Redis, Postgres."""
    if route.audience == "never":
        return ("-", "-", "-", "-", "-", "the source")
    entity = _ENTITIES.get(route.route)
    redis = _time(route.api_ttl) + (f", entity {_time(policy.entities[entity].ttl)}" if entity else "")
    return (
        _time(route.browser_ttl) if route.browser_ttl else "asks each time",
        _time(route.edge_ttl),
        _time(route.shield_ttl),
        _time(min(_PROCESS["local_cache_seconds"], route.api_ttl)),
        redis,
        "the source",
    )


def _time(seconds: float) -> str:
    return format_duration(int(seconds)) if seconds else "-"


def layers() -> str:
    """The three layers of cache: what each keeps, how much, and how it forgets."""
    settings = _settings()
    gateway = settings.gateway
    width, height = 1000, 92
    plan = PLANS[settings.edge.plan] if settings.edge else None
    rate = f"{plan.purge_rate:g} purges/s on the plan {plan.name}" if plan else "no edge"
    memory = format_bytes(settings.api.local_cache)
    pairs = {name: settings.redis.pairs()[name].maxmemory for name in ("data", "computed")}
    redis = ", ".join(f"pair {name} {format_bytes(size)}" for name, size in pairs.items())
    rows: Sequence[tuple[str, Accent, str, Sequence[str]]] = (
        (
            "1. edge",
            "outside",
            "Cloudflare: places near visitors, one upper tier",
            ("public responses, by address, country and device", f"purged by the worker, by tag: {rate}"),
        ),
        (
            "2. gateway",
            "service",
            f"nginx: {gateway.pods} pods, {format_bytes(gateway.shield.size)} each",
            (
                "public responses; queries are sorted, unknown parameters dropped",
                "purged before the writer gets its response; a purge marks tags and covers all variants",
            ),
        ),
        (
            "3. API: memory",
            "service",
            f"{memory} in each process, for {_time(settings.api.local_cache_time)}, then Redis is asked again",
            (
                "public responses and a customer's own, in each encoding",
                f"purged before the response; trusted for {LEASE_SECONDS:g} s after it last heard that it missed none",
            ),
        ),
        (
            "3. API: Redis",
            "store",
            redis,
            (
                "responses, and the entities that they are made from",
                "purged first; versions of tags refuse what a slow reader stores",
            ),
        ),
    )
    drawing = Drawing(
        f"Three layers of cache ({_ENVIRONMENT})",
        width,
        HEADER + len(rows) * (height + 16) + MARGIN - 16,
        about="; ".join(f"{name}: {where}; {'; '.join(facts)}" for name, _, where, facts in rows),
    )
    for number, (name, accent, where, facts) in enumerate(rows):
        y = HEADER + number * (height + 16)
        drawing.box(MARGIN, y, 170, height, name, accent=accent)
        drawing.bar(MARGIN + 186, y, width - 2 * MARGIN - 186, height, accent)
        drawing.text(MARGIN + 204, y + 28, where, "strong")
        for line, fact in enumerate(facts):
            drawing.text(MARGIN + 204, y + 52 + 21 * line, fact)
    return drawing.svg()


def purge() -> str:
    """The order of a purge, from the inside outwards."""
    lanes: Mapping[str, Accent] = {
        "writer": "service",
        "Postgres": "store",
        "Redis": "store",
        "API pods": "service",
        "gateways": "service",
        "worker": "job",
        "storefront": "service",
        "Cloudflare": "outside",
    }
    step = 138
    place = {name: MARGIN + 62 + number * step for number, name in enumerate(lanes)}
    steps = (
        ("writer", "Postgres", "change and its purge, one transaction"),
        ("writer", "Redis", "1  deletes by tag, raises the tags' versions"),
        ("writer", "API pods", f"2  each confirms, or its lease of {LEASE_SECONDS:g} s ends"),
        ("writer", "gateways", "3  each pod confirms"),
        ("", "writer", f"the client gets its response: each wait above ends after {_PROCESS['purge_seconds']:g} s"),
        ("worker", "Postgres", f"takes the purge, {WORKER_DELAY_SECONDS:g} s after the change"),
        ("worker", "Redis", "4  only what 1 and 2 didn't confirm"),
        ("worker", "storefront", "5  pages"),
        ("worker", "gateways", "6  again: their pages came from the storefront"),
        ("worker", "Cloudflare", "7  by tag, at the plan's rate"),
    )
    row, top = 38, HEADER + 60
    drawing = Drawing(
        "How a purge travels: from the inside outwards, each layer after the one that it fills from",
        2 * MARGIN + 124 + (len(lanes) - 1) * step,
        top + len(steps) * row + 44 + MARGIN,
        about="; ".join(f"{source or 'then'} to {target}: {what}" for source, target, what in steps),
    )
    bottom = top + len(steps) * row + 8
    for name, accent in lanes.items():
        drawing.line(place[name], HEADER + 40, place[name], bottom, dashed=True)
        drawing.box(place[name] - 62, HEADER, 124, 40, name, accent=accent)
    for number, (source, target, what) in enumerate(steps):
        y = top + (number + 1) * row - 8
        if not source:
            drawing.bar(MARGIN, y - 20, drawing.width - 2 * MARGIN, 28, "outside")
            drawing.text(MARGIN + 12, y, what, "text")
            continue
        drawing.arrow(place[source], y, place[target], y)
        start = min(place[source], place[target])
        drawing.label(start + 8, y - 9, what)
    repeated = (
        f"A new Redis master is read only after the purges of the last {REPLAYED_SECONDS:g} s are repeated on it."
    )
    drawing.text(MARGIN, bottom + 30, repeated, "muted")
    return drawing.svg()
