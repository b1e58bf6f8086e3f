"""The running stand-in for the edge and the simulator agree on made-up requests and answers.

Both read the rulesets that `prod` declares. A real Varnish runs what `local/edge/vcl.py` makes of them.
"""

import dataclasses
import itertools
from collections.abc import Callable, Generator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from running_edge import Edge, Origin, running_place

from explain.expression import parse
from explain.zone import OriginResponse, Request, Rule, Zone, ZoneError
from local.edge.pods import HERE, configuration
from local.edge.vcl import Place, program
from stack.render import Rendered
from testing.network_namespace import own_network
from testing.servers import serving
from testing.waits import free_port

EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOSTS = itertools.count()


@pytest.fixture(scope="module")
def zone(rendered: Callable[[str], Rendered]) -> Zone:
    return Zone.of(rendered("prod").resources)


@pytest.fixture(scope="module")
def edge(rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory) -> Generator[Edge]:
    directory = tmp_path_factory.mktemp("edge")
    with own_network():
        origin = Origin(free_port())
        programs = configuration(rendered("prod").resources, (HERE, origin.server_port))
        places = [running_place(directory, name, programs[name]) for name in ("upper", "eu")]
        with serving(origin), places[0] as upper, places[1] as eu:
            yield Edge(origin, directory / "eu", {"upper": upper, "eu": eu})


paths = st.sampled_from(
    [
        "/", "/products", "/products/5", "/products/", "/products/5/6", "/categories/lamps", "/api/products",
        "/api/products/7", "/api/products/7/inventory", "/api/search", "/_next/static/a.js", "/_next/static/",
        "/_next/image", "/images/a/b.png", "/account", "/api/cart", "/api/reviews/9", "/nothing", "/a%20b", "/x.css",
    ]
)  # fmt: skip
queries = st.sampled_from(
    [
        "",
        "limit=5&sort=price",
        "sort=price&limit=5",
        "utm_source=m",
        "limit=5&utm=1&sort=price",
        "q=lamp",
        "_rsc=x",
        "&&a",
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    return Request(
        path=draw(paths),
        query=draw(queries),
        method=draw(st.sampled_from(["GET", "GET", "GET", "GET", "HEAD", "POST", "DELETE"])),
        headers=draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "authorization": st.just("Bearer x"),
                    "cookie": st.sampled_from(["sid=1", "tier=premium", "a=b"]),
                    "accept-encoding": st.sampled_from(["br", "gzip, br", "identity"]),
                    "accept": st.sampled_from(["image/avif,image/webp,*/*", "image/webp", "text/html"]),
                    "x-country": st.sampled_from(["XX", "US"]),
                    "x-device": st.just("mobile"),
                    "rsc": st.just("1"),
                },
            )
        ),
        country=draw(st.sampled_from(["DE", "US", "JP"])),
        device=draw(st.sampled_from(["desktop", "mobile", "tablet"])),
    )


lifetimes = st.sampled_from(
    [
        "public, max-age=60", "max-age=600, stale-while-revalidate=30", "private", "no-store", "no-cache, max-age=5",
        "s-maxage=40, stale-if-error=9", "max-age=0", "public", "max-age=9, stale-while-revalidate=5, stale-if-error=8",
    ]
)  # fmt: skip


@st.composite
def answers(draw: st.DrawFn) -> OriginResponse:
    return OriginResponse(
        status=draw(st.sampled_from([200, 200, 200, 301, 302, 404, 410, 429, 500, 503])),
        headers=draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "cache-control": lifetimes,
                    "cloudflare-cdn-cache-control": lifetimes,
                    "cdn-cache-control": lifetimes,
                    "set-cookie": st.just("a=b"),
                    "vary": st.sampled_from(
                        ["Accept-Encoding", "X-Country, Accept-Encoding", "Accept", "User-Agent", "*", "RSC,X-Device"]
                    ),
                },
            )
        ),
    )


@given(first=requests(), second=requests(), answer=answers())
@EXAMPLES
def test_the_edge_keeps_what_the_simulator_says_under_the_same_key_as_long(
    edge: Edge, zone: Zone, first: Request, second: Request, answer: OriginResponse
) -> None:
    host = f"h{next(HOSTS)}"
    first, second = dataclasses.replace(first, host=host), dataclasses.replace(second, host=host)
    edge.origin.answers[host] = answer
    verdict = zone.judge(first, answer)
    status, headers, _ = edge.ask(first)
    assert status == answer.status
    assert headers["x-content-type-options"] == "nosniff"
    assert not {"cache-tag", "cloudflare-cdn-cache-control", "xkey", "via"} & headers.keys()
    asked = edge.origin.asked[host]
    assert {name: asked[0].get(name) for name in ("x-country", "x-device", "x-tier")} == {
        name: verdict.sent.get(name) for name in ("x-country", "x-device", "x-tier")
    }
    assert not [name for name in asked[0] if name.startswith("edge-")]
    edge.ask(first)
    assert (len(asked) == 1) == verdict.stored, verdict.why
    if verdict.stored:
        stale = max(verdict.stale_while_revalidate, verdict.stale_if_error)
        assert edge.lifetimes(host)[-1] == (verdict.ttl, stale)
    before = len(asked)
    other = zone.judge(second, answer)
    edge.ask(second)
    assert (len(asked) == before) == (verdict.stored and other.stored and other.key == verdict.key)


def rule(phase: str, action: str, parameters: dict[str, object], expression: str = "true") -> Rule:
    return Rule(phase, "odd", "An odd one", parse(expression), action, parameters)


def settings_rule(parameters: dict[str, object], expression: str = "true") -> Rule:
    return rule("http_request_cache_settings", "set_cache_settings", parameters, expression)


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (rule("http_ratelimit", "block", {}), "knows no phase http_ratelimit, in which 'odd' is"),
        (
            settings_rule({"cache": True, "cacheReserve": {}}),
            "cacheReserve",
        ),
        (
            settings_rule({"edgeTtl": {"mode": "override_origin"}}),
            "edgeTtl: {'mode': 'override_origin'}",
        ),
        (
            rule(
                "http_request_cache_settings",
                "set_cache_settings",
                {"cacheKey": {"customKey": {"user": {"geo": True}}}},
            ),
            "the cache key",
        ),
        (
            settings_rule({"vary": {"default": {"action": "passthrough"}}}),
            "a Vary of its own, or another default than bypass",
        ),
        (rule("http_response_cache_settings", "set_cache_control", {"sMaxage": {"operation": "set"}}), "sMaxage"),
        (rule("http_request_transform", "rewrite", {"uri": {"path": {"value": "/x"}}}), "rewrite"),
        (rule("http_request_late_transform", "rewrite", {"headers": {"A": {"operation": "add"}}}), "add of A"),
        (rule("http_request_dynamic_redirect", "redirect", {"fromList": {}}), "redirect"),
        (
            rule(
                "http_response_cache_settings", "set_cache_control", {}, 'http.response.content_type.media_type eq "x"'
            ),
            "http.response.content_type.media_type",
        ),
        (settings_rule({}, 'http.request.uri.path lt "a"'), "lt"),
    ],
)
def test_a_rule_that_varnish_cannot_follow_is_refused_by_name(odd: Rule, reason: str) -> None:
    place = Place(name="eu", country="DE", origin=(HERE, 1), upper=(HERE, 2))
    with pytest.raises(ZoneError) as refused:
        program([odd], place)
    assert "'odd'" in str(refused.value)
    assert reason in str(refused.value)
