"""Cloudflare: what may be cached for everybody, TLS, and the plan's limits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from explain.expression import ExpressionError, Test, parse
from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.resource import Resource, Stack, dig

_DOCS = "https://developers.cloudflare.com"
_RULESET = ("ruleset:Ruleset",)
_REQUEST_PHASE = "http_request_cache_settings"
_RESPONSE_PHASE = "http_response_cache_settings"


def _rules(ruleset: Resource) -> Sequence[Mapping[str, Any]]:
    return [entry for entry in ruleset.get("rules") or () if dig(entry, "enabled") is not False]


def _phase(stack: Stack, phase: str) -> Iterator[Resource]:
    return (ruleset for ruleset in stack.of(*_RULESET) if ruleset.get("phase") == phase)


def _caches(entry: Mapping[str, Any]) -> bool:
    return dig(entry, "actionParameters", "cache") is True


def _bypasses(entry: Mapping[str, Any]) -> bool:
    return dig(entry, "actionParameters", "cache") is False


@rule(
    "edge-personal-routes",
    severity=Severity.CRITICAL,
    protects="One visitor's cart, orders or profile would be shown to the next.",
    fix="Keep these routes out of every rule that caches: app/caching.yaml gives them the audience `user` or `never`.",
    link=f"{_DOCS}/cache/how-to/cache-rules/",
    parameters={
        "routes": [
            "/api/cart",
            "/api/checkout",
            "/api/orders",
            "/api/session",
            "/api/users",
            "/account",
            "/cart",
            "/checkout",
            "/dashboard",
            "/login",
            "/orders",
        ]
    },
)
def personal_routes(stack: Stack, parameters: Parameters) -> Findings:
    """No rule caches a personal route, or what is below it, for everybody."""
    for ruleset in _phase(stack, _REQUEST_PHASE):
        rules = [(entry, _test(entry)) for entry in _rules(ruleset) if _caches(entry) or _bypasses(entry)]
        for entry, test in rules:
            if test is None and _caches(entry):
                yield Finding(f"nobody can say what the rule {dig(entry, 'ref')} caches: {_expression(entry)}", ruleset)
        for route in parameters["routes"]:
            for path in (route, f"{route}/1"):
                facts = {"http.request.method": "GET", "http.request.uri.path": path}
                matching = [entry for entry, test in rules if test is not None and test(facts)]
                if matching and _caches(matching[-1]):  # the last match wins
                    yield Finding(f"the rule {dig(matching[-1], 'ref')} caches {path}", ruleset)


def _expression(entry: Mapping[str, Any]) -> str:
    return str(dig(entry, "expression"))


def _test(entry: Mapping[str, Any]) -> Test | None:
    """The rule's expression; None where it is outside of the part of the language that is understood here."""
    try:
        return parse(_expression(entry))
    except ExpressionError:
        return None


@rule(
    "edge-authorization-bypass",
    severity=Severity.CRITICAL,
    protects="An answer for a logged-in user could be stored and served to others.",
    fix="End the phase with a rule that doesn't cache requests with an Authorization header or a session cookie.",
    link=f"{_DOCS}/cache/how-to/cache-rules/order/",
)
def authorization_bypass(stack: Stack, _: Parameters) -> Findings:
    """Requests with credentials bypass the cache, by a rule after all that cache: the last match wins."""
    for ruleset in _phase(stack, _REQUEST_PHASE):
        entries = _rules(ruleset)
        caching = [index for index, entry in enumerate(entries) if _caches(entry)]
        guards = [
            index
            for index, entry in enumerate(entries)
            if _bypasses(entry) and "authorization" in str(dig(entry, "expression")).lower()
        ]
        if caching and not guards:
            yield Finding("no rule lets requests with credentials bypass the cache", ruleset)
        elif caching and max(guards) < max(caching):
            after = dig(entries[max(caching)], "ref")
            yield Finding(f"the bypass for credentials stands before the rule {after}, which wins", ruleset)


@rule(
    "edge-set-cookie-bypass",
    severity=Severity.CRITICAL,
    protects="A session cookie in a stored answer would log everybody in as one user.",
    fix="End the response phase with a rule that doesn't store answers with Set-Cookie.",
    link=f"{_DOCS}/cache/concepts/cache-behavior/",
)
def set_cookie_bypass(stack: Stack, _: Parameters) -> Findings:
    """Answers that set a cookie are never stored."""
    caching = any(_caches(entry) for ruleset in _phase(stack, _REQUEST_PHASE) for entry in _rules(ruleset))
    if not caching:
        return
    guards = [
        (ruleset, index, len(_rules(ruleset)))
        for ruleset in _phase(stack, _RESPONSE_PHASE)
        for index, entry in enumerate(_rules(ruleset))
        if "set-cookie" in str(dig(entry, "expression")).lower()
    ]
    if not guards:
        yield Finding("no rule keeps answers with Set-Cookie out of the cache")
    elif not any(index == count - 1 for _ruleset, index, count in guards):
        yield Finding("the rule for Set-Cookie isn't the last of its phase", guards[0][0])


def _setting(stack: Stack, name: str) -> Iterator[tuple[Resource, str]]:
    for setting in stack.of("zoneSetting:ZoneSetting"):
        if setting.get("settingId") == name:
            yield setting, str(setting.get("value"))


@rule(
    "edge-minimum-tls",
    severity=Severity.HIGH,
    protects="TLS 1.0 and 1.1 can be broken.",
    fix="Set min_tls_version to 1.2 or 1.3.",
    link=f"{_DOCS}/ssl/edge-certificates/additional-options/minimum-tls/",
)
def minimum_tls(stack: Stack, _: Parameters) -> Findings:
    """Visitors connect with TLS 1.2 or newer."""
    found = list(_setting(stack, "min_tls_version"))
    for setting, value in found:
        if value not in ("1.2", "1.3"):
            yield Finding(f"min_tls_version is {value}", setting)
    if not found and any(True for _ in stack.of(*_RULESET)):
        yield Finding("min_tls_version isn't set, so TLS 1.0 is accepted")


@rule(
    "edge-strict-origin-tls",
    severity=Severity.CRITICAL,
    protects="Between the edge and the shop anybody could pose as the shop.",
    fix="Set the zone's ssl to strict.",
    link=f"{_DOCS}/ssl/origin-configuration/ssl-modes/full-strict/",
)
def strict_origin_tls(stack: Stack, _: Parameters) -> Findings:
    """The edge verifies the origin's certificate."""
    found = list(_setting(stack, "ssl"))
    for setting, value in found:
        if value not in ("strict", "origin_pull"):
            yield Finding(f"ssl is {value}", setting)
    if not found and any(True for _ in stack.of(*_RULESET)):
        yield Finding("ssl isn't set, so the origin's certificate may go unverified")


@rule(
    "edge-plan-limits",
    severity=Severity.HIGH,
    protects="Cloudflare refuses rules beyond the plan in the middle of an update.",
    fix="Merge rules, or set `rules_per_phase` to the plan's figure: 10 Free, 25 Pro, 50 Business, 300 Enterprise.",
    link=f"{_DOCS}/cache/how-to/cache-rules/#availability",
    types=_RULESET,
    parameters={"rules_per_phase": 10},
)
def plan_limits(ruleset: Resource, parameters: Parameters) -> Findings:
    """A phase has no more rules than the plan allows."""
    count = len(_rules(ruleset))
    if count > parameters["rules_per_phase"]:
        yield Finding(f"it has {count} rules; the plan allows {parameters['rules_per_phase']}", ruleset)


@rule(
    "edge-rules-named",
    severity=Severity.LOW,
    protects="Without `ref` a rule moved up shows as a replacement of all below it.",
    fix="Give each rule a `ref`, unique in its ruleset.",
    link=f"{_DOCS}/ruleset-engine/rulesets-api/",
    types=_RULESET,
)
def rules_named(ruleset: Resource, _: Parameters) -> Findings:
    """Rules have names that survive reordering."""
    refs = [dig(entry, "ref") for entry in ruleset.get("rules") or ()]
    if None in refs:
        yield Finding("a rule has no ref", ruleset)
    elif len(set(refs)) < len(refs):
        yield Finding("two rules have the same ref", ruleset)
