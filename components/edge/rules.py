"""Cloudflare's rules, made from the cache policy: what is kept at the edge, under which key, for how long.

In each phase every matching rule applies, in order, and the last word on a setting wins. So the order is: nothing is
kept, except the policy's public routes, except what is personal.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from app.caching_policy import Policy, Route
from components.edge.expressions import EVERYTHING, QUERY, any_route, chunks, one_of, quoted, refusal, value_refusal
from components.edge.plans import EXPRESSION_LIMIT
from components.edge.settings import EdgeSettings
from components.gateway.routes import (
    FAULT_STATUS,
    GOOD_STATUSES,
    MISSING_STATUSES,
    location_name,
)

Phase = Literal[
    "http_request_dynamic_redirect",
    "http_request_transform",
    "http_request_late_transform",
    "http_request_cache_settings",
    "http_response_cache_settings",
    "http_response_headers_transform",
    "http_response_compression",
]
COUNTRY_HEADER = "X-Country"
COUNTRY_PARAMETER = "country"
"""Of an address: the country that its visitor has chosen, whose prices are shown wherever the visitor is."""
NEVER_FROM_CLIENTS = ("X-Device", "X-Tier")
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
TEXT_TYPES = (
    "text/html",
    "text/css",
    "text/plain",
    "text/javascript",
    "text/x-component",
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/xml",
    "image/svg+xml",
)
COMPRESSED_TYPES = (
    "image/avif",
    "image/webp",
    "image/jpeg",
    "image/png",
    "image/gif",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "font/woff",
    "font/woff2",
    "application/zip",
    "application/gzip",
    "application/pdf",
)


class EdgeError(ValueError):
    """The policy can't be declared on the zone's plan; the message says which rule, which limit, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Whether a request's answer may be kept, and what tells copies apart beside the URL.

    `query` are the parameters that count; None leaves the whole query in the key, in any order.
    """

    cache: bool
    by_device: bool = False
    query: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """How long the edge keeps an answer, in seconds; browsers never see it. 0: not stale at all."""

    max_age: int = 0
    stale_while_revalidate: int = 0
    stale_if_error: int = 0
    no_store: bool = False


@dataclass(frozen=True, kw_only=True)
class Compress:
    """Content codings in order of preference."""

    algorithms: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RewriteHeaders:
    """Headers set to a text, set by an expression, or taken away."""

    values: tuple[tuple[str, str], ...] = ()
    expressions: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DropQuery:
    """Takes the query off the request."""


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """Answers 301 with an address that `target` makes; the query is kept."""

    target: str


Action = Keep | Lifetime | Compress | RewriteHeaders | DropQuery | Redirect


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`ref` keeps its identity when rules before it come and go; `description` names the policy's routes."""

    ref: str
    description: str
    expression: str
    action: Action


def build(settings: EdgeSettings, policy: Policy) -> dict[Phase, tuple[Rule, ...]]:
    """All rules by phase. Raises `EdgeError` where the plan can't hold them."""
    public = [route for route in policy.routes if route.audience == "public" and route.edge_ttl > 0]
    phases: dict[Phase, list[Rule]] = {
        "http_request_dynamic_redirect": _redirects(settings),
        "http_request_transform": [] if settings.has("query_keys") else _dropped_queries(public),
        "http_request_late_transform": _trusted_headers(policy),
        "http_request_cache_settings": [_keep_nothing(), *_kept(settings, public), _personal_requests(policy)],
        "http_response_cache_settings": [
            *([*_lifetimes(public), *_errors(policy)] if settings.has("edge_ttls") else []),
            _other_errors(),
            _personal_answers(policy),
        ],
        "http_response_headers_transform": [_security_headers()],
        "http_response_compression": _compression(),
    }
    for phase, rules in phases.items():
        _check(phase, rules, settings)
    return {phase: tuple(rules) for phase, rules in phases.items() if rules}


def _redirects(settings: EdgeSettings) -> list[Rule]:
    if not settings.redirects:
        return []
    return [
        Rule(
            ref="other-names",
            description=f"Redirect to {settings.hostname}: {', '.join(settings.redirects)}",
            expression=one_of("http.host", settings.redirects),
            action=Redirect(target=f'concat("https://{settings.hostname}", http.request.uri.path)'),
        )
    ]


def _keep_nothing() -> Rule:
    return Rule(
        ref="keep-nothing",
        description="Keep nothing that the cache policy doesn't list, whatever its file extension",
        expression=EVERYTHING,
        action=Keep(cache=False),
    )


def _kept(settings: EdgeSettings, public: Sequence[Route]) -> list[Rule]:
    exact_keys = settings.has("query_keys")

    def key(route: Route) -> Keep:
        return Keep(
            cache=True,
            by_device="device" in route.vary,
            query=tuple(sorted(route.query)) if exact_keys else None,
        )

    return [
        Rule(
            ref=f"keep-{location_name(routes[0])}",
            description=_describe("Keep", routes),
            expression=any_route(routes),
            action=key(routes[0]),
        )
        for routes in _grouped(public, key)
    ]


def _personal_requests(policy: Policy) -> Rule:
    terms = [f"any(http.request.headers.names[*] == {quoted(name.lower())})" for name in policy.bypass.request_headers]
    terms += [f"http.cookie contains {quoted(name + '=')}" for name in policy.bypass.request_cookies]
    named = ", ".join((*policy.bypass.request_headers, *(f"cookie {name}" for name in policy.bypass.request_cookies)))
    return Rule(
        ref="personal-requests",
        description=f"Keep no response to requests with {named} (bypass)",
        expression=" or ".join(terms),
        action=Keep(cache=False),
    )


def _lifetimes(public: Sequence[Route]) -> list[Rule]:
    def lifetime(route: Route) -> Lifetime:
        return Lifetime(
            max_age=route.edge_ttl,
            stale_while_revalidate=route.stale_while_revalidate,
            stale_if_error=route.stale_if_error,
        )

    good = one_of("http.response.code", GOOD_STATUSES)
    return [
        Rule(
            ref=f"lifetime-{location_name(routes[0])}",
            description=_describe(f"Keep for {routes[0].edge_ttl} s", routes),
            expression=f"{good} and ({any_route(routes)})",
            action=lifetime(routes[0]),
        )
        for routes in _grouped(public, lifetime, margin=len(good) + 8)
    ]


def _errors(policy: Policy) -> list[Rule]:
    return [
        Rule(
            ref="missing",
            description=f"Keep missing pages for {policy.errors.not_found_ttl} s (errors.not_found_ttl)",
            expression=one_of("http.response.code", MISSING_STATUSES),
            action=Lifetime(max_age=policy.errors.not_found_ttl),
        ),
        Rule(
            ref="faults",
            description=f"Keep server errors for {policy.errors.server_error_ttl} s (errors.server_error_ttl)",
            expression=one_of("http.response.code", [FAULT_STATUS]),
            action=Lifetime(max_age=policy.errors.server_error_ttl),
        ),
    ]


def _other_errors() -> Rule:
    known = one_of("http.response.code", (*MISSING_STATUSES, FAULT_STATUS))
    return Rule(
        ref="other-errors",
        description="Keep no other errors",
        expression=f"http.response.code ge 400 and not {known}",
        action=Lifetime(no_store=True),
    )


def _personal_answers(policy: Policy) -> Rule:
    terms = [
        f"any(http.response.headers.names[*] == {quoted(name.lower())})" for name in policy.bypass.response_headers
    ]
    terms += [
        f'any(http.response.headers["cache-control"][*] contains {quoted(word)})' for word in ("private", "no-store")
    ]
    return Rule(
        ref="personal-answers",
        description=f"Keep no response with {', '.join(policy.bypass.response_headers)}, private or no-store (bypass)",
        expression=" or ".join(terms),
        action=Lifetime(no_store=True),
    )


def _dropped_queries(public: Sequence[Route]) -> list[Rule]:
    without = [route for route in public if not route.query]
    return [
        Rule(
            ref=f"drop-query-{location_name(routes[0])}",
            description=_describe("Drop the query", routes),
            expression=f'{QUERY} ne "" and ({any_route(routes)})',
            action=DropQuery(),
        )
        for routes in chunks(without, EXPRESSION_LIMIT - 40)
    ]


def _trusted_headers(policy: Policy) -> list[Rule]:
    """Which of the policy's countries a visitor counts as: the one that the address names, else where the visitor is.

    A copy depends on that header (Vary), so countries that are given the same answers share their copies; a key by
    `geo` would make one for each of two hundred.
    """
    countries = policy.countries
    rules = [
        Rule(
            ref="trusted-headers",
            description=f"Drop clients' headers of country, device and tier; set the country to {countries.others}",
            expression=EVERYTHING,
            action=RewriteHeaders(values=((COUNTRY_HEADER, countries.others),), removed=NEVER_FROM_CLIENTS),
        )
    ]
    if countries.own:
        rules.append(
            Rule(
                ref="countries",
                description=f"Set the country of visitors from {', '.join(countries.own)} (countries.own)",
                expression=one_of("ip.src.country", countries.own),
                action=RewriteHeaders(expressions=((COUNTRY_HEADER, "ip.src.country"),)),
            )
        )
        rules += [_chosen(country) for country in (countries.others, *countries.own)]
    return rules


def _chosen(country: str) -> Rule:
    """Not `contains`, which a longer value or another parameter's would satisfy."""
    chosen = f"{COUNTRY_PARAMETER}={country}"
    places = (chosen, f"{chosen}&*", f"*&{chosen}", f"*&{chosen}&*")
    return Rule(
        ref=f"chosen-{country.lower()}",
        description=f"Set the country to {country} for addresses with {chosen}",
        expression=" or ".join(f"{QUERY} strict wildcard {quoted(place)}" for place in places),
        action=RewriteHeaders(values=((COUNTRY_HEADER, country),)),
    )


def _security_headers() -> Rule:
    return Rule(
        ref="security-headers",
        description="Add security headers to every response",
        expression=EVERYTHING,
        action=RewriteHeaders(values=tuple(SECURITY_HEADERS.items()), removed=("X-Powered-By",)),
    )


def _compression() -> list[Rule]:
    media_type = "http.response.content_type.media_type"
    return [
        Rule(
            ref="compress-text",
            description="Compress text, with Brotli if possible",
            expression=one_of(media_type, TEXT_TYPES),
            action=Compress(algorithms=("brotli", "gzip")),
        ),
        Rule(
            ref="leave-compressed",
            description="Compress nothing that is compressed already",
            expression=one_of(media_type, COMPRESSED_TYPES),
            action=Compress(algorithms=("none",)),
        ),
    ]


def _grouped(routes: Sequence[Route], key: Callable[[Route], Hashable], *, margin: int = 0) -> list[list[Route]]:
    """Routes that share a rule, in the policy's order, split where an expression would grow too long."""
    groups: dict[Hashable, list[Route]] = {}
    for route in routes:
        groups.setdefault(key(route), []).append(route)
    return [part for group in groups.values() for part in chunks(group, EXPRESSION_LIMIT - margin)]


def _describe(what: str, routes: Sequence[Route]) -> str:
    """At most 500 characters, Cloudflare's limit for a description."""
    text = f"{what}: {', '.join(route.route for route in routes)}"
    return text if len(text) <= 500 else f"{text[:499]}…"


def _check(phase: str, rules: Sequence[Rule], settings: EdgeSettings) -> None:
    limits = settings.limits
    if len(rules) > limits.rules:
        raise EdgeError(
            f"the cache policy needs {len(rules)} rules in {phase}, and the plan {limits.name!r} allows "
            f"{limits.rules}. Give more routes the same TTLs and variations, or choose a larger plan (simone:edge.plan)"
        )
    for rule in rules:
        if len(rule.expression) > EXPRESSION_LIMIT:
            raise EdgeError(
                f"the expression of rule {rule.ref!r} in {phase} has {len(rule.expression)} characters, and Cloudflare "
                f"allows {EXPRESSION_LIMIT}. Shorten the names in: {rule.description}"
            )
        values = rule.action.expressions if isinstance(rule.action, RewriteHeaders) else ()
        refusals = [refusal(rule.expression, phase), *(value_refusal(text, phase) for _, text in values)]
        for said in filter(None, refusals):
            raise EdgeError(
                f"Cloudflare's parser refuses the rule {rule.ref!r} in {phase}: {said}. Correct the routes or names of "
                f"the cache policy that it is made from: {rule.description}"
            )
        kept = rule.action.max_age if isinstance(rule.action, Lifetime) and not rule.action.no_store else None
        if kept is not None and kept < limits.minimum_edge_ttl:
            raise EdgeError(
                f"rule {rule.ref!r} keeps answers {kept} s at the edge, and rules of the plan {limits.name!r} may not "
                f"go below {limits.minimum_edge_ttl} s ({rule.description}). Choose a larger plan, or add edge_ttls to "
                "simone:edge.without: then the origin's headers say it, for which there is no minimum"
            )
    if len({rule.ref for rule in rules}) != len(rules):
        raise EdgeError(f"two rules in {phase} have the same ref: {', '.join(rule.ref for rule in rules)}")
