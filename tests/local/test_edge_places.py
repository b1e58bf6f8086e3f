"""What the places of the stand-in for the edge do together: tiers, stale answers, purges through Cloudflare's API, and
the analytics that it gives of them.
"""

import contextlib
import dataclasses
import hashlib
import itertools
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from running_edge import Edge, Origin, running_place

from app.api.invalidation.cloudflare import Cloudflare
from app.api.invalidation.layers import PurgeFailed
from app.operations.cloudflare_analytics import AnalyticsError, ZoneAnalytics
from explain.expression import parse
from explain.zone import OriginResponse, Request, Rule
from local.edge import cloudflare
from local.edge.pods import HERE, PORTS, UPPER, programs, purge_port
from testing.network_namespace import own_network
from testing.servers import serving
from testing.waits import eventually, free_port

KEPT = {"cache": True, "vary": {"default": {"action": "bypass"}, "headers": {}}}
RULES = [
    Rule("http_request_cache_settings", "keep", "Everything is kept", parse("true"), "set_cache_settings", KEPT),
    Rule(
        "http_request_dynamic_redirect",
        "apex",
        "Leads to the shop",
        parse('http.host eq "apex"'),
        "redirect",
        {
            "fromValue": {
                "statusCode": 301,
                "preserveQueryString": True,
                "targetUrl": {"expression": 'concat("https://shop", http.request.uri.path)'},
            }
        },
    ),
]
"""The origin's own headers decide, so that a test needn't wait for a shop's lifetimes."""
ZONE, TOKENS = "0" * 32, {"purge": "may purge", "analytics": "may read"}
HOSTS = itertools.count()


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Generator[Edge]:
    directory = tmp_path_factory.mktemp("edge")
    with own_network():
        origin = Origin(free_port())
        texts = programs(RULES, (HERE, origin.server_port))
        with serving(origin), contextlib.ExitStack() as stack:
            running = {name: stack.enter_context(running_place(directory, name, texts[name])) for name in PORTS}
            yield Edge(origin, directory / "eu", running)


@pytest.fixture(scope="module")
def api(edge: Edge) -> Generator[str]:
    """The stand-in's API; its address."""
    port = free_port()
    zone = cloudflare.Zone(
        {
            "address": (HERE, port),
            "zone": ZONE,
            "tokens": {right: hashlib.sha256(token.encode()).hexdigest() for right, token in TOKENS.items()},
            "per_second": 0.5,
            "burst": 6,
            "places": [(HERE, purge_port(name)) for name in PORTS],
            "directories": [str(edge.directory), str(edge.directory.with_name("us"))],
        }
    )
    with serving(zone):
        yield f"http://{HERE}:{port}/client/v4"


def zone_at(api: str, token: str = TOKENS["purge"]) -> Cloudflare:
    return Cloudflare(zone_id=ZONE, token=SecretStr(token), base_url=api, plan="enterprise")


@pytest.fixture
def product(edge: Edge) -> Request:
    """A product that the origin lets the edge keep for an hour."""
    request = Request(path="/api/products/5", host=f"shop{next(HOSTS)}")
    headers = {"cache-control": "max-age=3600", "cache-tag": "products,product:5"}
    edge.origin.answers[request.host] = OriginResponse(status=200, headers=headers)
    return request


def test_a_place_asks_the_upper_tier_so_the_origin_is_asked_once(edge: Edge, product: Request) -> None:
    _, first, _ = edge.ask(product)
    _, again, _ = edge.ask(product)
    _, elsewhere, body = edge.ask(product, "us")
    assert [each["cf-cache-status"] for each in (first, again, elsewhere)] == ["MISS", "HIT", "HIT"]
    assert body == "answer 1"
    assert elsewhere["cf-ray"].endswith("-us")


async def test_a_purge_by_tag_has_reached_every_place_when_it_is_confirmed(
    edge: Edge, api: str, product: Request
) -> None:
    for place in ("eu", "us"):
        edge.ask(product, place)
    await zone_at(api).purge(["product:6"])
    assert edge.ask(product)[2] == "answer 1"
    await zone_at(api).purge(["product:5", "category:9"])
    assert [edge.ask(product, place)[2] for place in ("eu", "us")] == ["answer 2", "answer 2"]


@pytest.mark.parametrize(
    ("token", "tags", "said"),
    [("wrong", ["a"], "status 403"), (TOKENS["analytics"], ["a"], "status 403"), (TOKENS["purge"], [""], None)],
)
async def test_only_the_token_that_may_purge_does(api: str, token: str, tags: list[str], said: str | None) -> None:
    if said is None:
        await zone_at(api, token).purge(tags)
        return
    with pytest.raises(PurgeFailed, match=said):
        await zone_at(api, token).purge(tags)


async def test_purges_beyond_the_plan_are_told_when_to_come_again(api: str) -> None:
    async def purge_often() -> None:
        for _ in range(20):
            await zone_at(api).purge(["a"])

    with pytest.raises(PurgeFailed, match="too many requests") as refused:
        await purge_often()
    assert refused.value.retry_after
    assert 0 < refused.value.retry_after <= 2


def test_a_stale_answer_is_served_while_a_new_one_is_fetched(edge: Edge, product: Request) -> None:
    edge.origin.answers[product.host] = OriginResponse(
        headers={"cache-control": "max-age=1, stale-while-revalidate=600"}
    )
    edge.ask(product)
    time.sleep(2.1)  # the Varnishes' clock is real
    _, headers, body = edge.ask(product)
    assert (headers["cf-cache-status"], body) == ("UPDATING", "answer 1")
    eventually(lambda: edge.ask(product)[2] != "answer 1", "the new answer is served")


def test_a_stale_answer_is_served_where_the_origin_fails_and_not_before(edge: Edge, product: Request) -> None:
    edge.origin.answers[product.host] = OriginResponse(headers={"cache-control": "max-age=1, stale-if-error=600"})
    edge.ask(product)
    time.sleep(2.1)
    assert edge.ask(product)[2] == "answer 2"
    time.sleep(2.1)
    edge.origin.answers[product.host] = OriginResponse(status=500, headers={"cache-control": "no-store"})
    status, headers, body = edge.ask(product)
    assert (status, headers["cf-cache-status"], body) == (200, "STALE", "answer 2")


def test_a_place_asks_the_origin_where_the_upper_tier_is_gone(edge: Edge, product: Request) -> None:
    edge.places[UPPER].suspend()
    try:
        eventually(lambda: edge.ask(product)[0] == 200, "the place finds its upper tier gone", within=60)
    finally:
        edge.places[UPPER].resume()


def test_a_redirect_is_the_edges_own(edge: Edge) -> None:
    status, headers, _ = edge.ask(Request(path="/products/5", query="utm=1", host="apex"))
    assert (status, headers["location"]) == (301, "https://shop/products/5?utm=1")
    assert "apex" not in edge.origin.asked


def test_what_a_visitor_says_of_address_and_country_counts_for_nothing(edge: Edge, product: Request) -> None:
    forged = {"CF-Connecting-IP": "192.0.2.1", "CF-IPCountry": "XX", "Edge-Cache": "0", "Edge-Status": "HIT"}
    _, headers, _ = edge.ask(dataclasses.replace(product, headers=forged, country="JP"))
    asked = edge.origin.asked[product.host][0]
    assert (asked["cf-connecting-ip"], asked["cf-ipcountry"], headers["cf-cache-status"]) == (HERE, "JP", "MISS")


def test_the_analytics_tell_what_the_places_answered(edge: Edge, api: str, product: Request) -> None:
    analytics = ZoneAnalytics(ZONE, "shop", TOKENS["analytics"], api)
    since = datetime.now(UTC).replace(second=0, microsecond=0)

    def counted() -> bool:
        # Its readers begin when they do: what was asked before isn't theirs.
        edge.ask(product)
        edge.ask(dataclasses.replace(product, country="US"), "us")
        groups = analytics.traffic(since, since + timedelta(hours=1))
        hits = {each.region: each.requests for each in groups if each.cache_status == "hit"}
        return hits.keys() >= {"eu", "us"}

    eventually(counted, "both places' hits are counted")
    assert 0 < analytics.latency(since, since + timedelta(hours=1))["eu"]["0.95"] < 60
    with pytest.raises(AnalyticsError, match="Authentication error"):
        ZoneAnalytics(ZONE, "shop", TOKENS["purge"], api).traffic(since, since)
