"""Cloudflare: what may be cached for everybody, TLS, and the plan's limits."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.edge.expressions import refusal, value_refusal
from explain.expression import ExpressionError, Facts, Test, parse
from policies.routes import PERSONAL, PUBLIC
from policies.rule import Finding, Findings, Parameters, Severity, rule
from stack.resource import Resource, Stack, dig

_DOCS = "https://developers.cloudflare.com"
_RULESET = ("ruleset:Ruleset",)
_WEAK_CIPHERS = re.compile(r"RC4|(?:DES|AES\d+)-(?:CBC3-)?SHA\b|NULL|EXPORT|MD5")
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
    protects="The next visitor would see one visitor's cart, orders or profile.",
    fix="Keep these routes out of every caching rule: app/caching.yaml gives them the audience `user` or `never`.",
    link=f"{_DOCS}/cache/how-to/cache-rules/",
    parameters={"routes": list(PERSONAL)},
)
def personal_routes(stack: Stack, parameters: Parameters) -> Findings:
    """No rule caches a personal route or its sub-paths for everybody, or leaves it to Cloudflare, which caches by file
    extension.
    """
    names = [*_names(stack)] or [""]
    for ruleset in _phase(stack, _REQUEST_PHASE):
        rules = [(entry, _test(entry)) for entry in _rules(ruleset) if _caches(entry) or _bypasses(entry)]
        for entry, test in rules:
            if test is None and _caches(entry):
                yield Finding(
                    f"these rules can't judge what the rule {dig(entry, 'ref')} caches: {_expression(entry)}", ruleset
                )
        for route in parameters["routes"]:
            for path in (route, f"{route}/1", f"{route}/1.pdf"):
                if fault := _kept_of(rules, [_visit(path, host, cookie) for host in names for cookie in _COOKIES]):
                    yield Finding(f"{fault} {path}", ruleset)


_COOKIES = ("", "session=1")


def _visit(path: str, host: str = "", cookie: str = "") -> Facts:
    return {
        "http.host": host,
        "http.request.method": "GET",
        "http.request.uri.path": path,
        "http.request.uri.query": "",
        "http.request.headers.names": ["host", "accept", *(["cookie"] if cookie else [])],
        "http.cookie": cookie,
        "http.user_agent": "Mozilla/5.0",
        "ip.src.country": "DE",
    }


def _kept_of(rules: Sequence[tuple[Mapping[str, Any], Test | None]], visits: Sequence[Facts]) -> str:
    """What caches the response to one of these requests; empty if nothing does."""
    for visit in visits:
        deciding = _last_match(rules, visit)
        if deciding is not None and _caches(deciding):
            return f"the rule {dig(deciding, 'ref')} caches"
        if deciding is None and str(visit["http.request.uri.path"]).endswith(".pdf"):
            return "no rule speaks of"
    return ""


def _names(stack: Stack) -> Iterator[str]:
    """The shop's names in the zone."""
    for named in stack.of("loadBalancer:LoadBalancer", "dnsRecord:DnsRecord", "record:Record"):
        yield str(named.get("name"))


def _expression(entry: Mapping[str, Any]) -> str:
    return str(dig(entry, "expression"))


def _test(entry: Mapping[str, Any]) -> Test | None:
    """The rule's expression; None if it uses parts of the language that aren't supported here."""
    try:
        return parse(_expression(entry))
    except ExpressionError:
        return None


def _last_match(rules: Sequence[tuple[Mapping[str, Any], Test | None]], facts: Facts) -> Mapping[str, Any] | None:
    """The rule that decides a request: of those that match, the last one."""
    matching = [entry for entry, test in rules if test is not None and test(facts)]
    return matching[-1] if matching else None


@rule(
    "edge-expressions",
    severity=Severity.HIGH,
    protects="Cloudflare would refuse the whole ruleset in the middle of a deployment.",
    fix="Correct the expression; the message is from Cloudflare's parser.",
    link=f"{_DOCS}/ruleset-engine/rules-language/",
)
def expressions(stack: Stack, _: Parameters) -> Findings:
    """Cloudflare's parser accepts each rule's expression, with the fields of its phase."""
    for ruleset in stack.of(*_RULESET):
        phase = str(ruleset.get("phase"))
        for entry in ruleset.get("rules") or ():
            headers = dig(entry, "actionParameters", "headers") or {}
            values = [dig(change, "expression") for change in headers.values()]
            said = [refusal(_expression(entry), phase), *(value_refusal(text, phase) for text in values if text)]
            for why in filter(None, said):
                yield Finding(f"the rule {dig(entry, 'ref')}: {why}", ruleset)


@rule(
    "edge-authorization-bypass",
    severity=Severity.CRITICAL,
    protects="A signed-in user's response could be stored and served to others.",
    fix="End the phase with a rule that doesn't cache requests with an Authorization header or a session cookie.",
    link=f"{_DOCS}/cache/how-to/cache-rules/order/",
    parameters={"paths": list(PUBLIC)},
)
def authorization_bypass(stack: Stack, parameters: Parameters) -> Findings:
    """Requests with credentials bypass the cache wherever others are answered from it."""
    for ruleset in _phase(stack, _REQUEST_PHASE):
        rules = [(entry, _test(entry)) for entry in _rules(ruleset) if _caches(entry) or _bypasses(entry)]
        for path in parameters["paths"]:
            plain: Facts = {
                "http.request.method": "GET",
                "http.request.uri.path": path,
                "http.request.uri.query": "",
                "http.request.headers.names": ["host", "accept"],
                "http.cookie": "",
            }
            with_credentials: Facts = {**plain, "http.request.headers.names": ["host", "accept", "authorization"]}
            caching, deciding = _last_match(rules, plain), _last_match(rules, with_credentials)
            if caching is not None and _caches(caching) and deciding is not None and _caches(deciding):
                yield Finding(
                    f"a request for {path} with an Authorization header is answered from the cache, by the rule "
                    f"{dig(deciding, 'ref')}",
                    ruleset,
                )


@rule(
    "edge-lifetimes",
    severity=Severity.HIGH,
    protects="A page kept for a year shows last year's prices, and nobody can purge a browser.",
    fix="Keep pages for {seconds} s at most; only files named by their content's hash may stay a year.",
    link=f"{_DOCS}/cache/how-to/cache-response-rules/",
    parameters={"paths": list(PUBLIC), "seconds": 86400},
)
def lifetimes(stack: Stack, parameters: Parameters) -> Findings:
    """The edge and browsers keep pages and API responses no longer than `seconds`, fresh or stale."""
    for setting, value in _setting(stack, "browser_cache_ttl"):
        if int(value) > parameters["seconds"]:
            yield Finding(f"browsers keep everything for {value} s", setting)
    for phase in (_REQUEST_PHASE, _RESPONSE_PHASE):
        for ruleset in _phase(stack, phase):
            rules = [(entry, _test(entry)) for entry in _rules(ruleset)]
            for path in parameters["paths"]:
                facts: Facts = {
                    "http.request.method": "GET",
                    "http.request.uri.path": path,
                    "http.response.code": 200,
                    "http.response.content_type.media_type": "text/html",
                }
                for entry in (entry for entry, test in rules if test is not None and test(facts)):
                    for seconds in _seconds(entry):
                        if seconds > parameters["seconds"]:
                            yield Finding(f"the rule {dig(entry, 'ref')} keeps {path} for {seconds} s", ruleset)


def _seconds(entry: Mapping[str, Any]) -> Iterator[int]:
    """The lifetimes that a rule sets, at the edge and in the browser."""
    action = dig(entry, "actionParameters") or {}
    yield from (int(dig(action, part, "default") or 0) for part in ("edgeTtl", "browserTtl"))
    yield from (int(dig(action, part, "value") or 0) for part in _LIFETIMES)
    yield from (int(dig(one, "value") or 0) for one in dig(action, "edgeTtl", "statusCodeTtls") or ())


_LIFETIMES = ("maxAge", "sMaxage", "staleWhileRevalidate", "staleIfError")


@rule(
    "edge-keys-tell-apart",
    severity=Severity.CRITICAL,
    protects="A visitor would see the results of somebody else's search.",
    fix="Leave the query parameters in the cache key, as app/caching.yaml says.",
    link=f"{_DOCS}/cache/how-to/cache-keys/",
    parameters={
        "queries": {
            "/api/products": ["category_id", "cursor", "sort"],
            "/api/search": ["category_id", "q"],
            "/_next/image": ["q", "url", "w"],
        }
    },
)
def keys_tell_apart(stack: Stack, parameters: Parameters) -> Findings:
    """Responses that differ by a query parameter have different cache keys."""
    for ruleset in _phase(stack, _REQUEST_PHASE):
        rules = [(entry, _test(entry)) for entry in _rules(ruleset)]
        for path, queries in parameters["queries"].items():
            deciding = _last_match(rules, _visit(path))
            if deciding is None or not _caches(deciding):
                continue
            kept = dig(deciding, "actionParameters", "cacheKey", "customKey", "queryString") or {}
            for name in queries:
                if not _in_the_key(name, kept):
                    yield Finding(f"the rule {dig(deciding, 'ref')} gives {path} one key whatever {name} is", ruleset)
    for setting, value in _setting(stack, "cache_level"):
        if value != "aggressive":
            yield Finding(f"cache_level {value} leaves the query out of keys", setting)


def _in_the_key(name: str, query: Mapping[str, Any]) -> bool:
    included, excluded = (dig(query, part) or {} for part in ("include", "exclude"))
    if included and not dig(included, "all"):
        return name in (dig(included, "lists") or ())
    return not dig(excluded, "all") and name not in (dig(excluded, "lists") or ())


@rule(
    "edge-phases",
    severity=Severity.HIGH,
    protects="A ruleset of another phase can redirect requests, or switch TLS and the firewall off.",
    fix="Use a judged phase, or add the phase to the list with a rule that judges it.",
    link=f"{_DOCS}/ruleset-engine/reference/phases-list/",
    types=_RULESET,
    parameters={
        "phases": [
            "http_ratelimit",
            _REQUEST_PHASE,
            "http_request_dynamic_redirect",
            "http_request_firewall_custom",
            "http_request_firewall_managed",
            "http_request_late_transform",
            "http_request_transform",
            _RESPONSE_PHASE,
            "http_response_compression",
            "http_response_headers_transform",
        ]
    },
)
def phases(ruleset: Resource, parameters: Parameters) -> Findings:
    """Each ruleset's phase is one that a rule judges."""
    if ruleset.get("phase") not in parameters["phases"]:
        yield Finding(f"no rule judges the phase {ruleset.get('phase')}", ruleset)


@rule(
    "edge-redirects-home",
    severity=Severity.CRITICAL,
    protects="Visitors would land in somebody else's shop, or on plain HTTP.",
    fix="Redirect to https:// and a name that the stack declares.",
    link=f"{_DOCS}/rules/url-forwarding/single-redirects/",
)
def redirects_home(stack: Stack, _: Parameters) -> Findings:
    """Redirects lead to the shop's own names, by HTTPS."""
    names = set(_names(stack))
    for ruleset in _phase(stack, "http_request_dynamic_redirect"):
        for entry in _rules(ruleset):
            target = dig(entry, "actionParameters", "fromValue", "targetUrl") or {}
            text = str(dig(target, "value") or dig(target, "expression"))
            led = re.match(r'(?:\w+\()?"?(https?)://([^/"?#]+)', text)
            if led is None or led[1] != "https" or led[2] not in names:
                yield Finding(f"the rule {dig(entry, 'ref')} leads to {text}", ruleset)


@rule(
    "edge-headers",
    severity=Severity.HIGH,
    protects="A visitor's own country or tier would decide what others see; foreign frames and "
    "scripts could act as the shop.",
    fix="Leave the first rules of the two transform phases as components/edge has them.",
    link=f"{_DOCS}/rules/transform/",
    parameters={
        "dropped": ["x-country", "x-device", "x-tier"],
        "protections": ["referrer-policy", "x-content-type-options", "x-frame-options"],
    },
)
def headers(stack: Stack, parameters: Parameters) -> Findings:
    """Headers that only the edge may set are dropped from requests; security headers are on every response."""
    if not stack.of(*_RULESET):
        return
    for phase, wanted, why in (
        ("http_request_late_transform", "dropped", "is taken as the visitor sends it"),
        ("http_response_headers_transform", "protections", "isn't set on every response"),
    ):
        rulesets = [*_phase(stack, phase)]
        entries = [entry for ruleset in rulesets for entry in _rules(ruleset) if _expression(entry) == "true"]
        changed = {name.lower(): dig(change, "operation") for entry in entries for name, change in _changed(entry)}
        for name in parameters[wanted]:
            if changed.get(name) not in (("set", "remove") if wanted == "dropped" else ("set",)):
                yield Finding(f"{name} {why}", rulesets[0] if rulesets else None)


def _changed(entry: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    return [*(dig(entry, "actionParameters", "headers") or {}).items()]


@rule(
    "edge-set-cookie-bypass",
    severity=Severity.CRITICAL,
    protects="A stored session cookie would sign everybody in as one user.",
    fix="End the response phase with a rule that doesn't store responses with Set-Cookie.",
    link=f"{_DOCS}/cache/concepts/cache-behavior/",
)
def set_cookie_bypass(stack: Stack, _: Parameters) -> Findings:
    """Responses that set a cookie are never stored."""
    caching = any(_caches(entry) for ruleset in _phase(stack, _REQUEST_PHASE) for entry in _rules(ruleset))
    if not caching:
        return
    for path in PUBLIC:
        facts: Facts = {
            "http.request.method": "GET",
            "http.request.uri.path": path,
            "http.response.code": 200,
            "http.response.headers.names": ["content-type", "set-cookie"],
            "http.response.headers": {"set-cookie": ["session=1"]},
            "http.response.content_type.media_type": "text/html",
        }
        deciding = [
            entry
            for ruleset in _phase(stack, _RESPONSE_PHASE)
            for entry in _rules(ruleset)
            if (test := _test(entry)) is not None and test(facts)
        ]
        if not deciding or not _stores_nothing(deciding[-1]):
            yield Finding(f"a response of {path} with Set-Cookie may be stored")
            return


def _stores_nothing(entry: Mapping[str, Any]) -> bool:
    action = dig(entry, "actionParameters") or {}
    return any(dig(action, name, "operation") == "set" for name in ("noStore", "no_store"))


@rule(
    "edge-switched-on",
    severity=Severity.HIGH,
    protects="Visitors could be overheard or redirected; the origin could be reached past the edge.",
    fix="Leave the zone's settings as components/edge/zone.py has them.",
    link=f"{_DOCS}/ssl/edge-certificates/additional-options/",
    parameters={
        "on": ["always_use_https", "automatic_https_rewrites", "tls_1_3"],
        "off": ["0rtt", "development_mode"],
        "hsts_seconds": 15552000,
    },
)
def switched_on(stack: Stack, parameters: Parameters) -> Findings:
    """HTTPS always, current TLS, and HSTS for half a year or more."""
    given = {setting.get("settingId") for setting in stack.of("zoneSetting:ZoneSetting")}
    if stack.of(*_RULESET):
        for name in {*parameters["on"], "security_header"} - given:
            yield Finding(f"{name} isn't declared, so that anybody may have switched it off")
    for wanted in ("on", "off"):
        for name in parameters[wanted]:
            for setting, value in _setting(stack, name):
                if value != wanted and not (name == "tls_1_3" and value == "zrt"):
                    yield Finding(f"{name} is {value}", setting)
    for setting in stack.of("zoneSetting:ZoneSetting"):
        if setting.get("settingId") == "security_header":
            hsts = setting.get("value", "strict_transport_security") or {}
            age = int(dig(hsts, "max_age") or 0)
            if dig(hsts, "enabled") is not True or age < parameters["hsts_seconds"]:
                yield Finding(f"HSTS is {'on' if dig(hsts, 'enabled') else 'off'}, for {age} s", setting)


@rule(
    "edge-guarded",
    severity=Severity.HIGH,
    protects="The origin could be reached past the edge, and requests could skip its firewall.",
    fix="Declare authenticated origin pulls, and no rule that skips the firewall.",
    link=f"{_DOCS}/ssl/origin-configuration/authenticated-origin-pull/",
)
def guarded(stack: Stack, _: Parameters) -> Findings:
    """The origin verifies the edge's certificate; nothing skips the firewall."""
    pulls = stack.of(":AuthenticatedOriginPullsSettings", ":AuthenticatedOriginPulls")
    for one in pulls:
        if one.get("enabled") is not True:
            yield Finding("the edge shows the origin no certificate", one)
    if not pulls and stack.of(*_RULESET):
        yield Finding("authenticated origin pulls aren't declared, so the origin can't tell the edge from anybody")
    for setting, value in (*_setting(stack, "waf"), *_setting(stack, "security_level")):
        if value in ("off", "essentially_off"):
            yield Finding(f"{setting.get('settingId')} is {value}", setting)
    for ruleset in stack.of(*_RULESET):
        for entry in ruleset.get("rules") or ():
            if dig(entry, "action") == "skip":
                yield Finding(f"the rule {dig(entry, 'ref')} lets requests past the firewall", ruleset)
            overrides = dig(entry, "actionParameters", "overrides") or {}
            parts = [overrides, *(dig(overrides, "rules") or ()), *(dig(overrides, "categories") or ())]
            if any(dig(part, "enabled") is False or dig(part, "action") == "log" for part in parts):
                yield Finding(f"the rule {dig(entry, 'ref')} switches rules of the firewall off", ruleset)


@rule(
    "edge-proxied",
    severity=Severity.CRITICAL,
    protects="An unproxied record publishes the origin's address, and everybody can bypass the edge.",
    fix="Set proxied: true.",
    link=f"{_DOCS}/dns/proxy-status/",
    parameters={"types": ["A", "AAAA", "CNAME"]},
)
def proxied(stack: Stack, parameters: Parameters) -> Findings:
    """The shop's names lead to the edge; only the origin's own name leads past it."""
    pools = stack.of("loadBalancerPool:LoadBalancerPool")
    origins = {dig(origin, "address") for pool in pools for origin in pool.get("origins") or ()}
    for record in stack.of("dnsRecord:DnsRecord", "record:Record", "loadBalancer:LoadBalancer"):
        of_a_server = record.type.endswith("LoadBalancer") or record.get("type") in parameters["types"]
        if of_a_server and record.get("proxied") is not True and record.get("name") not in origins:
            yield Finding(f"{record.get('name')} isn't proxied", record)


@rule(
    "edge-no-page-rules",
    severity=Severity.HIGH,
    protects="Page rules may override the rulesets' caching and TLS.",
    fix="Use app/caching.yaml or components/edge; Cloudflare is retiring page rules.",
    link=f"{_DOCS}/rules/page-rules/",
    types=("pageRule:PageRule",),
)
def no_page_rules(page_rule: Resource, _: Parameters) -> Findings:
    """There are no page rules."""
    yield Finding(f"it changes {page_rule.get('target')}", page_rule)


def _setting(stack: Stack, name: str) -> Iterator[tuple[Resource, str]]:
    for setting in stack.of("zoneSetting:ZoneSetting"):
        if setting.get("settingId") == name:
            yield setting, str(setting.get("value"))


@rule(
    "edge-minimum-tls",
    severity=Severity.HIGH,
    protects="TLS 1.0 and 1.1 are broken.",
    fix="Set min_tls_version to 1.2 or 1.3.",
    link=f"{_DOCS}/ssl/edge-certificates/additional-options/minimum-tls/",
)
def minimum_tls(stack: Stack, _: Parameters) -> Findings:
    """Visitors connect with TLS 1.2 or newer."""
    for setting in stack.of("zoneSetting:ZoneSetting"):
        if setting.get("settingId") == "ciphers" and (weak := _WEAK_CIPHERS.findall(str(setting.get("value")))):
            yield Finding(f"it takes weak ciphers: {', '.join(dict.fromkeys(weak))}", setting)
    found = list(_setting(stack, "min_tls_version"))
    for setting, value in found:
        if value not in ("1.2", "1.3"):
            yield Finding(f"min_tls_version is {value}", setting)
    if not found and any(True for _ in stack.of(*_RULESET)):
        yield Finding("min_tls_version isn't set, so TLS 1.0 is accepted")


@rule(
    "edge-strict-origin-tls",
    severity=Severity.CRITICAL,
    protects="Anybody between edge and origin could pose as the shop.",
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
    protects="Cloudflare would refuse the others in the middle of an update.",
    fix="Merge rules, or set `rules_per_phase` to the plan's limit: 10 Free, 25 Pro, 50 Business, 300 Enterprise.",
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
    protects="Without it a moved rule shows as a replacement of all below it.",
    fix="Give each rule a `ref`, unique in its ruleset.",
    link=f"{_DOCS}/ruleset-engine/rulesets-api/",
    types=_RULESET,
)
def rules_named(ruleset: Resource, _: Parameters) -> Findings:
    """Each rule has a `ref`."""
    refs = [dig(entry, "ref") for entry in ruleset.get("rules") or ()]
    if None in refs:
        yield Finding("a rule has no ref", ruleset)
    elif len(set(refs)) < len(refs):
        yield Finding("two rules have the same ref", ruleset)
