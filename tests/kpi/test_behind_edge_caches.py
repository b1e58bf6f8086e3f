"""Caches of others as the edge: what the gateway sends is fresh when it arrives there, and they can answer with it."""

import asyncio
import contextlib
import re
import time
from collections.abc import Generator, Iterator
from itertools import count, islice
from pathlib import Path

import httpx
import pytest

from app.caching_policy import Policy, load, parse
from components.gateway.settings import GatewaySettings, Limits
from components.kubernetes.flows import GATEWAY_PORT
from kpi.edge.caches import EDGES, PORT, EdgeCache, running_edge
from kpi.http_client import Client
from kpi.routes import Catalogue, request_of
from kpi.workload import PUBLIC_READS, Visits, Workload
from testing.api_stack import AMOUNTS, ROOT, running_stack
from testing.gateway_server import Gateway, Seen, StubResponse, running_gateway
from testing.waits import eventually

POLICY = load(ROOT / "app" / "caching.yaml")
GENEROUS = Limits.model_validate({"requests_per_second": 100_000, "burst": 100_000, "connections": 10_000})
LIFETIME = 10
"""Seconds at the edge, where the gateway keeps the same for ten minutes."""
SHORT_OUTSIDE = f"""
version: 1
errors: {{not_found_ttl: 2, server_error_ttl: 2}}
bypass: {{request_headers: [], request_cookies: [], response_headers: [Set-Cookie]}}
routes:
  - {{route: "/api/short/{{name}}", audience: public, browser_ttl: {LIFETIME}, edge_ttl: {LIFETIME}, shield_ttl: 600}}
  - {{route: "/short/{{name}}", audience: public, browser_ttl: {LIFETIME}, edge_ttl: {LIFETIME}, shield_ttl: 600}}
"""
HOST = "shop.example"
MOST_STALE, FEWEST_HITS = 0.05, 0.8

pytestmark = pytest.mark.parametrize(
    "edge",
    [
        pytest.param(
            edge,
            id=edge.name,
            marks=pytest.mark.skipif(
                not edge.installed, reason=f"NOT TESTED behind {edge.name}: the Debian package is missing (make setup)"
            ),
        )
        for edge in EDGES
    ],
)


@contextlib.contextmanager
def behind(
    edge: EdgeCache, directory: Path, policy: Policy, api_address: str | None = None
) -> Generator[tuple[Gateway, str]]:
    """A gateway, whose scripted origins send the policy's headers, behind `edge`; and the edge's address."""

    def answer(seen: Seen) -> StubResponse:
        found = policy.match("GET", seen.target.partition("?")[0])
        assert found is not None
        headers = {"Cache-Control": found.route.cache_control, "Vary": found.route.vary_header or ""}
        if found.route.cdn_cache_control:
            headers["Cloudflare-CDN-Cache-Control"] = found.route.cdn_cache_control
        return StubResponse(seen.target, headers={name: text for name, text in headers.items() if text})

    (directory / "gateway").mkdir()
    (directory / "edge").mkdir()
    settings = GatewaySettings(limits=GENEROUS)
    with running_gateway(directory / "gateway", policy, settings, api_address=api_address) as gateway:
        gateway.api.answer = gateway.storefront.answer = answer
        with running_edge(edge, directory / "edge", gateway.address, GATEWAY_PORT) as address:
            yield gateway, address


def asked(gateway: Gateway) -> int:
    """Requests that have reached the gateway, once its processes have told each other."""

    def told() -> int:
        found = re.findall(r"^gateway_requests_total\{.*\} (\d+)$", gateway.metrics(), re.MULTILINE)
        return sum(map(int, found))

    def settled() -> tuple[int] | None:
        before = told()
        time.sleep(0.5)  # they tell five times a second
        return (before,) if told() == before else None

    return eventually(settled, "counting")[0]


def reads(workload: Workload, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Country and target of the mix's public reads, without end."""
    numbers = count()
    for visit in Visits(workload).until(float("inf")):
        for action in visit.actions:
            if action.step in PUBLIC_READS:
                yield visit.country, request_of(action, catalogue, next(numbers)).target


async def play(address: str, wanted: list[tuple[str, str]]) -> None:
    """Ask the edge for all of it, as eight visitors at a time."""
    waiting = iter(wanted)

    async with Client(f"http://{address}:{PORT}", timeout=60) as client:

        async def visitor() -> None:
            for country, target in waiting:
                sent = {"X-Country": country, "Accept-Encoding": "gzip", "Accept": "*/*"}
                answer = await client.request("GET", target, sent)
                assert answer.status in (200, 404), (target, answer.status)

        await asyncio.gather(*(visitor() for _ in range(8)))


def hit_ratio(gateway: Gateway, address: str, stream: Iterator[tuple[str, str]], warming: int, counted: int) -> float:
    asyncio.run(play(address, list(islice(stream, warming))))
    before = asked(gateway)
    asyncio.run(play(address, list(islice(stream, counted))))
    return 1 - (asked(gateway) - before) / counted


def test_9111_4_2_what_the_gateway_has_kept_for_long_is_fresh_when_it_arrives_at_the_edge(
    edge: EdgeCache, tmp_path: Path
) -> None:
    targets = [f"{base}/{number}" for base in ("/short", "/api/short") for number in range(20)]
    with behind(edge, tmp_path, parse(SHORT_OUTSIDE)) as (gateway, address):
        for target in targets:
            gateway.get(target, Host=HOST)
        time.sleep(LIFETIME + 1)
        before = asked(gateway)
        with httpx.Client(
            base_url=f"http://{address}:{PORT}", headers={"Host": HOST}, trust_env=False, timeout=60
        ) as client:
            for target in targets:
                first, second = client.get(target), client.get(target)
                assert first.text == second.text == target
        stale = asked(gateway) - before - len(targets)
        assert len(gateway.api.seen) + len(gateway.storefront.seen) == len(targets)
    assert stale <= MOST_STALE * len(targets)


def test_the_edge_answers_four_fifths_of_the_mix_itself(edge: EdgeCache, tmp_path: Path) -> None:
    workload = Workload.load().model_copy(update={"products": 100})
    catalogue = Catalogue(products=range(1, 101), categories=range(1, 61))
    with behind(edge, tmp_path, POLICY) as (gateway, address):
        ratio = hit_ratio(gateway, address, reads(workload, catalogue), 3000, 1000)
    assert ratio >= FEWEST_HITS


@pytest.mark.full
def test_the_edge_answers_four_fifths_of_the_whole_mix_of_the_real_api(edge: EdgeCache, tmp_path: Path) -> None:
    products, workload = AMOUNTS["products"], Workload.load()
    catalogue = Catalogue(products=range(1, products + 1), categories=range(1, workload.categories + 1))
    with running_stack(sentinels=1) as stack:
        api = stack.api(REDIS_TIMEOUT_SECONDS="2")
        with behind(edge, tmp_path, POLICY, api.url.removeprefix("http://")) as (gateway, address):
            ratio = hit_ratio(gateway, address, reads(workload, catalogue), 30_000, 10_000)
    print(f"{edge.name}: {ratio:.1%} of the load mix answered at the edge")
    assert ratio >= FEWEST_HITS
