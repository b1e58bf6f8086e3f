"""The edge's rendered rules, worked out, agree with the cache policy; nothing personal is ever storable."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.caching_policy import Policy, Route, load
from explain.expression import ExpressionError, parse
from explain.origin import policy_headers
from explain.zone import EdgeVerdict, OriginResponse, Request, Zone
from stack.environments import deployed_environments
from stack.render import Rendered

POLICY: Policy = load(Path("app/caching.yaml"))
EXAMPLES = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
GOOD = (200, 301, 308)

words = st.text("abz09-_.~", min_size=1, max_size=6)
odd = st.sampled_from(["", "..", "%2F", "%0A", "a/b", "*", '"', "\\", "a%20b", "ä"])


@st.composite
def paths(draw: st.DrawFn) -> str:
    """Paths of the policy's routes with made-up parameters, and paths near them."""
    route: Route = draw(st.sampled_from(POLICY.routes))
    segments = [draw(words | odd) if part.startswith("{") else part for part in route.segments]
    suffix = draw(st.sampled_from(["", "", "", "", "/", "/x", ".css"]))
    return "/" + "/".join(segments) + suffix


@st.composite
def requests(draw: st.DrawFn) -> Request:
    headers = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "authorization": st.just("Bearer x"),
                "x-admin-update": st.just("1"),
                "cookie": st.sampled_from(["sid=1", "tier=premium", "a=b; tier=x"]),
                "accept-encoding": st.sampled_from(["br", "gzip, br", "identity"]),
                "x-country": st.sampled_from(["XX", "US"]),
                "rsc": st.just("1"),
            },
        )
    )
    return Request(
        path=draw(paths()),
        query=draw(st.sampled_from(["", "utm_source=m", "sort=price&limit=5", "limit=5&sort=price&x=1", "_rsc=abc"])),
        method=draw(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE"])),
        headers=headers,
        country=draw(st.sampled_from(["DE", "US", "JP"])),
        device=draw(st.sampled_from(["desktop", "mobile", "tablet"])),
    )


@pytest.fixture(scope="module", params=deployed_environments())
def zone(request: pytest.FixtureRequest, rendered: Callable[[str], Rendered]) -> Zone:
    """The rules of each environment that has an edge."""
    return Zone.of(rendered(request.param).resources)


def judge(zone: Zone, request: Request, status: int = 200, **more: str) -> EdgeVerdict:
    headers = policy_headers(POLICY, request, status) | {name.replace("_", "-"): value for name, value in more.items()}
    return zone.judge(request, OriginResponse(status=status, headers=headers))


def is_personal(request: Request) -> bool:
    named = {name.lower() for name in POLICY.bypass.request_headers}
    return bool(named & request.headers.keys()) or "tier=" in request.headers.get("cookie", "")


@given(request=requests(), status=st.sampled_from([200, 200, 301, 302, 404, 429, 500, 503]))
@EXAMPLES
def test_the_edge_keeps_what_the_policy_calls_public_and_nothing_else(
    zone: Zone, request: Request, status: int
) -> None:
    verdict = judge(zone, request, status)
    found = POLICY.match("GET", unquote(request.path))
    public = found is not None and found.route.audience == "public" and found.route.edge_ttl > 0
    if verdict.stored:
        assert public
        assert not is_personal(request)
        assert request.method in ("GET", "HEAD")
    if public and found and not is_personal(request) and request.method in ("GET", "HEAD") and "%" not in request.path:
        route = found.route
        if status in GOOD:
            assert (verdict.ttl, verdict.stale_while_revalidate, verdict.stale_if_error) == (
                route.edge_ttl,
                route.stale_while_revalidate,
                route.stale_if_error,
            )
        elif status in (404, 500):
            expected = {404: POLICY.errors.not_found_ttl, 500: POLICY.errors.server_error_ttl}
            assert verdict.ttl == expected[status]
        elif status >= 400:
            assert not verdict.stored


@given(request=requests(), value=st.sampled_from(["private", "no-store", "private, max-age=60"]))
@EXAMPLES
def test_an_answer_that_sets_a_cookie_or_calls_itself_personal_is_never_kept(
    zone: Zone, request: Request, value: str
) -> None:
    assert not judge(zone, request, set_cookie="sid=1").stored
    assert not judge(zone, request, cache_control=value).stored


@given(
    request=requests(), country=st.sampled_from(["DE", "US", "GB", "AT"]), device=st.sampled_from(["desktop", "mobile"])
)
@EXAMPLES
def test_copies_are_kept_apart_by_what_the_policy_says_they_depend_on(
    zone: Zone, request: Request, country: str, device: str
) -> None:
    found = POLICY.match("GET", unquote(request.path))
    here = judge(zone, request)
    changed = Request(
        path=request.path, query=request.query, method=request.method, headers=request.headers,
        country=country, device=device,
    )  # fmt: skip
    there = judge(zone, changed)
    if not (here.stored and there.stored and found):
        return
    shared = POLICY.countries.shared
    differs = (shared(country) != shared(request.country) and "country" in found.route.vary) or (
        device != request.device and "device" in found.route.vary
    )
    assert (here.key != there.key) == differs


@given(request=requests())
@EXAMPLES
def test_the_clients_word_on_its_country_counts_for_nothing(zone: Zone, request: Request) -> None:
    assert judge(zone, request).sent["x-country"] == POLICY.countries.shared(request.country)


@pytest.mark.parametrize(
    ("query", "country"),
    [
        ("country=GB", "GB"),
        ("sort=price&country=US", "US"),
        ("country=DE&sort=price", "DE"),
        ("sort=price&country=GB&rating=3", "GB"),
        ("country=XX", "US"),
        ("country=GBP", "US"),
        ("x-country=GB", "US"),
        ("brand=country=GB", "US"),
        ("country=", "US"),
    ],
)
def test_a_country_in_the_address_counts_more_than_the_place(zone: Zone, query: str, country: str) -> None:
    """And the copies are the visitor's by place no more: the pages' links differ."""
    verdict = judge(zone, Request(path="/products", query=query, country="US"))
    assert verdict.sent["x-country"] == country
    if f"country={country}" in query:
        assert verdict.key != judge(zone, Request(path="/products", country="US")).key


def test_parameters_that_dont_count_make_no_copies_where_the_plan_can_tell(
    rendered: Callable[[str], Rendered],
) -> None:
    prod = Zone.of(rendered("prod").resources)
    first = judge(prod, Request(path="/api/products", query="limit=5&sort=price"))
    second = judge(prod, Request(path="/api/products", query="utm_source=x&sort=price&limit=5"))
    assert first.key == second.key
    assert first.key != judge(prod, Request(path="/api/products", query="limit=6&sort=price")).key


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ('http.request.uri.path matches "x"', "an operator"),
        ('http.request.body.raw eq "x"', "isn't understood"),
        ("len(http.cookie) gt 1", "isn't understood"),
        ('http.request.uri.path eq "a" or', "a field expected at the end"),
        ('http.request.headers.names[*] == "a"', "belongs inside any"),
        ('(http.cookie contains "a"', "expected at the end"),
        ('http.cookie contains "a" xor true', "the end expected"),
    ],
)
def test_an_expression_outside_the_known_language_is_an_error(expression: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('http.request.uri.path strict wildcard "/a/*" and not http.request.uri.path strict wildcard "/a/*/*"', True),
        ('http.request.uri.path eq "/x" or http.request.method in {"GET" "HEAD"}', True),
        ("not (http.response.code ge 400) and http.response.code in {200 301}", True),
        ('any(http.request.headers.names[*] == "cookie")', False),
        ('http.request.uri.path wildcard "/A/B"', True),
        ('http.request.uri.path strict wildcard "/A/B"', False),
        ("false or true and false", False),
    ],
)
def test_expressions_mean_what_cloudflare_says_they_mean(expression: str, expected: bool) -> None:
    facts = {
        "http.request.uri.path": "/a/b",
        "http.request.method": "GET",
        "http.response.code": 200,
        "http.request.headers.names": ["accept"],
    }
    assert parse(expression)(facts) is expected
