"""A zone's caching, computed as Cloudflare does it: phase by phase, every matching rule; the last one wins.

Sources: https://developers.cloudflare.com/cache/how-to/cache-rules/order/, …/cache-response-rules/,
…/cache/concepts/cdn-cache-control/ (who wins), …/cache/concepts/vary/, …/cache/concepts/cache-behavior/.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from components.edge.expressions import refusal
from explain.expression import ExpressionError, Facts, Test, field_value, parse
from stack.resource import Resource

RULESET = "cloudflare:index/ruleset:Ruleset"
DEFAULT_TTLS = {200: 7200, 206: 7200, 301: 7200, 302: 1200, 303: 1200, 404: 180, 410: 180}
"""Cloudflare's default lifetimes in seconds, by status."""


class ZoneError(ValueError):
    """The rendered environment has no edge, or rules that can't be evaluated here."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A visitor's request as it reaches the edge; header names in lower case, the query without `?`."""

    path: str
    query: str = ""
    method: str = "GET"
    host: str = "shop"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    country: str = "DE"
    device: str = "desktop"


@dataclass(frozen=True, kw_only=True)
class OriginResponse:
    """The origin's response; header names in lower case."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class EdgeVerdict:
    """What the edge does. `ttl` and the stale times are seconds; `why` the reasons in the order they were found.

    `key` is the copy's cache key, None if nothing is kept. `sent` are the headers that the origin gets.
    """

    stored: bool
    key: tuple[tuple[str, str], ...] | None
    ttl: int
    stale_while_revalidate: int
    stale_if_error: int
    rules: tuple[str, ...]
    why: tuple[str, ...]
    sent: Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """A rule of a rendered ruleset; `parameters` as the provider takes them."""

    phase: str
    ref: str
    description: str
    test: Test
    action: str
    parameters: Mapping[str, Any]


class Zone:
    """The rulesets of a rendered environment."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> "Zone":
        """Raises `ZoneError` without an edge, or with an expression that Cloudflare refuses, or that can't be evaluated
        here.
        """
        rules: list[Rule] = []
        for resource in resources:
            if resource.type != RULESET:
                continue
            for given in resource.inputs["rules"]:
                said = refusal(given["expression"], resource.inputs["phase"])
                if said:
                    raise ZoneError(
                        f"rule {given['ref']!r} of {resource.inputs['phase']}: Cloudflare refuses it: {said}"
                    )
                try:
                    test = parse(given["expression"])
                except ExpressionError as error:
                    raise ZoneError(f"rule {given['ref']!r} of {resource.inputs['phase']}: {error}") from error
                rules.append(
                    Rule(
                        resource.inputs["phase"],
                        given["ref"],
                        given["description"],
                        test,
                        given["action"],
                        given.get("actionParameters", {}),
                    )
                )
        if not rules:
            raise ZoneError("no edge is declared (simone:edge is not set)")
        return cls(rules)

    def judge(self, request: Request, answer: OriginResponse) -> EdgeVerdict:
        """What the edge does with a request and its response."""
        return _Judgement(self.rules, request, answer).verdict()


class _Judgement:
    def __init__(self, rules: Sequence[Rule], request: Request, answer: OriginResponse) -> None:
        self._rules = rules
        self._request, self._answer = request, answer
        self._query = request.query
        self._sent = dict(request.headers)
        self._matched: list[str] = []
        self._why: list[str] = []

    def verdict(self) -> EdgeVerdict:
        if self._matching("http_request_dynamic_redirect"):
            self._no("the edge itself answers with a redirect")
            self._sent.clear()
            return self._verdict(None, None, {})
        for rule in self._matching("http_request_transform"):
            if "uri" in rule.parameters:
                self._query = rule.parameters["uri"]["query"].get("value", "")
        for rule in self._matching("http_request_late_transform"):
            self._rewrite_headers(rule)
        settings: dict[str, Any] = {}
        for rule in self._matching("http_request_cache_settings"):
            settings |= rule.parameters
        directives: dict[str, Any] = {}
        for rule in self._matching("http_response_cache_settings"):
            directives |= rule.parameters
        times = self._times(directives) if self._eligible(settings) else None
        return self._verdict(times, self._varied(settings) if times else None, settings)

    def _verdict(
        self,
        times: tuple[int, int, int] | None,
        varied: tuple[tuple[str, str], ...] | None,
        settings: Mapping[str, Any],
    ) -> EdgeVerdict:
        stored = times is not None and varied is not None
        fresh, revalidated, on_error = times if times and stored else (0, 0, 0)
        return EdgeVerdict(
            stored=stored,
            key=self._key(settings, varied or ()) if stored else None,
            ttl=fresh,
            stale_while_revalidate=revalidated,
            stale_if_error=on_error,
            rules=tuple(self._matched),
            why=tuple(self._why),
            sent=self._sent,
        )

    def _matching(self, phase: str) -> list[Rule]:
        facts = self._facts()
        found = [rule for rule in self._rules if rule.phase == phase and rule.test(facts)]
        self._matched += [f"{phase.removeprefix('http_')}: {rule.ref} ({rule.description})" for rule in found]
        return found

    def _facts(self) -> Facts:
        headers = self._sent
        answer = {name: [part.strip() for part in value.split(",")] for name, value in self._answer.headers.items()}
        return {
            "http.host": self._request.host,
            "http.request.method": self._request.method,
            "http.request.uri.path": self._request.path,
            "http.request.uri.query": self._query,
            "http.request.headers.names": list(headers),
            "http.cookie": headers.get("cookie", ""),
            "http.user_agent": headers.get("user-agent", ""),
            "ip.src.country": self._request.country,
            "http.response.code": self._answer.status,
            "http.response.headers": answer,
            "http.response.headers.names": list(answer),
            "http.response.content_type.media_type": self._answer.headers.get("content-type", "").split(";")[0],
        }

    def _rewrite_headers(self, rule: Rule) -> None:
        facts = self._facts()
        for name, change in rule.parameters.get("headers", {}).items():
            if change["operation"] == "remove":
                self._sent.pop(name.lower(), None)
            else:
                given = change.get("expression")
                self._sent[name.lower()] = field_value(given)(facts) if given else change["value"]

    def _eligible(self, settings: Mapping[str, Any]) -> bool:
        if not settings.get("cache"):
            return self._no("no rule makes the request eligible, or the last one that speaks takes it out")
        if self._request.method not in ("GET", "HEAD"):
            return self._no(f"{self._request.method} is never kept")
        if settings.get("edgeTtl", {}).get("mode") != "respect_origin":
            raise ZoneError("only edge_ttl respect_origin is understood: overriding keeps bodies that set cookies")
        return True

    def _times(self, directives: Mapping[str, Any]) -> tuple[int, int, int] | None:
        """(fresh, stale while revalidating, stale on error), or None where the answer must not be kept."""
        headers = self._answer.headers
        source = "Cloudflare-CDN-Cache-Control"
        said = headers.get(source.lower()) or headers.get("cdn-cache-control")
        if said is None:
            source, said = "Cache-Control", headers.get("cache-control")
        origin = _directives(said or "")
        if directives.get("noStore", {}).get("operation") == "set":
            return self._nothing("a response rule forbids it")
        if "set-cookie" in headers:
            return self._nothing("the answer sets a cookie")
        if "maxAge" in directives:
            chosen = {
                "max-age": directives["maxAge"]["value"],
                "stale-while-revalidate": directives.get("staleWhileRevalidate", {}).get("value", 0),
                "stale-if-error": directives.get("staleIfError", {}).get("value", 0),
            }
            source = "a response rule"
        elif {"private", "no-store", "no-cache"} & origin.keys():
            return self._nothing(f"the origin's {source} says {said}")
        else:
            chosen = origin
        if self._request.headers.get("authorization") and "public" not in _directives(headers.get("cache-control", "")):
            return self._nothing("the request is authorised and the answer isn't public")
        fresh = chosen.get("s-maxage", chosen.get("max-age", DEFAULT_TTLS.get(self._answer.status, 0)))
        if fresh == 0:
            return self._nothing("nobody gives it a lifetime" if said is None else f"{source} gives it no lifetime")
        # s-maxage implies proxy-revalidate, which rules stale answers out.
        stale = "s-maxage" not in chosen
        self._why.append(f"kept {fresh} s because of {source if said or 'maxAge' in directives else 'the default'}")
        return (
            fresh,
            chosen.get("stale-while-revalidate", 0) if stale else 0,
            chosen.get("stale-if-error", 0) if stale else 0,
        )

    def _varied(self, settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
        """What Vary adds to the key, or None where it names a header that keeps the answer out."""
        vary = settings.get("vary", {})
        parts: list[tuple[str, str]] = []
        for raw in (self._answer.headers.get("vary") or "").split(","):
            name = raw.strip().lower()
            if not name:
                continue
            rule = vary.get("headers", {}).get(name, vary.get("default", {"action": "bypass"}))
            if name == "*" or rule["action"] == "bypass":
                self._no(f"it varies by {raw.strip()}, which no rule allows")
                return None
            value = self._sent.get(name, "")
            parts.append((name, _normalised(value, rule) if rule["action"] == "normalize" else value))
        return tuple(parts)

    def _key(self, settings: Mapping[str, Any], varied: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        given = settings.get("cacheKey", {})
        custom = given.get("customKey", {})
        parts = [("host", self._request.host), ("path", self._request.path)]
        query = custom.get("queryString", {})
        pairs = parse_qsl(self._query, keep_blank_values=True)
        if query.get("exclude", {}).get("all"):
            pairs = []
        elif "include" in query:
            pairs = [pair for pair in pairs if pair[0] in query["include"]["lists"]]
        parts.append(("query", urlencode(sorted(pairs) if given.get("ignoreQueryStringsOrder") else pairs)))
        if custom.get("user", {}).get("geo"):
            parts.append(("country", self._request.country))
        if given.get("cacheByDeviceType"):
            parts.append(("device", self._request.device))
        return (*parts, *varied)

    def _no(self, reason: str) -> bool:
        self._why.append(f"not kept: {reason}")
        return False

    def _nothing(self, reason: str) -> None:
        self._no(reason)


def _directives(text: str) -> dict[str, int]:
    """Cache-Control's directives; those without a number are 1."""
    found: dict[str, int] = {}
    for part in text.lower().split(","):
        name, _, value = part.strip().partition("=")
        if name:
            found[name] = int(value) if re.fullmatch(r"\d+", value) else 1
    return found


def _normalised(value: str, rule: Mapping[str, Any]) -> str:
    """A header's value among the few that make a difference."""
    wanted = rule.get("mediaTypes") or ("br", "gzip")
    return ",".join(name for name in wanted if name in value.lower())
