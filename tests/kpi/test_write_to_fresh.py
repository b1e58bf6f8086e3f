"""A read that begins after a write's answer never gets the old value, at the API or through the gateway: as measured by
`make edge-report`, whose own measuring is tested with it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.caching_policy import load
from components.gateway.settings import GatewaySettings, Limits
from components.kubernetes.flows import GATEWAY_PORT, GATEWAY_PURGE_PORT
from kpi.edge.freshness import measure
from testing.api_stack import ADMIN_TOKEN, Stack, running_stack
from testing.gateway_server import Gateway, running_gateway
from testing.waits import own_address

pytestmark = pytest.mark.full

POLICY = load(Path("app/caching.yaml"))
GENEROUS = Limits.model_validate({"requests_per_second": 100_000, "burst": 100_000, "connections": 10_000})
PRODUCTS = list(range(11, 31))
PATIENT = {"COOKIE_SECURE": "0", "WARM_PRODUCTS": "0", "REDIS_TIMEOUT_SECONDS": "2", "PURGE_SECONDS": "5"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(sentinels=1) as stack:
        stack.sql("UPDATE products SET status = 'active'")
        yield stack


def door(gateway: Gateway) -> str:
    return f"http://{gateway.address}:{GATEWAY_PORT}"


def test_every_first_read_after_a_write_is_fresh(stack: Stack, tmp_path: Path) -> None:
    address = own_address()
    api = stack.api(wait=True, GATEWAY_PURGE_URLS=f"http://{address}:{GATEWAY_PURGE_PORT}/purge", **PATIENT)
    settings = GatewaySettings(limits=GENEROUS)
    with running_gateway(tmp_path, POLICY, settings, api_address=api.url[7:], address=address) as gateway:
        found = asyncio.run(measure(api.url, {"gateway": door(gateway)}, PRODUCTS, ADMIN_TOKEN, pages=0))
    assert found.stale == {"api": 0, "gateway": 0}
    assert len(found.seconds["api"]) == len(found.seconds["gateway"]) == len(PRODUCTS)


def test_a_gateway_that_nobody_purges_is_found_out(stack: Stack, tmp_path: Path) -> None:
    api = stack.api(wait=True, **PATIENT)
    settings = GatewaySettings(limits=GENEROUS)
    with (
        running_gateway(tmp_path, POLICY, settings, api_address=api.url[7:]) as gateway,
        pytest.raises(RuntimeError, match="at the gateway shows its old value"),
    ):
        asyncio.run(measure(api.url, {"gateway": door(gateway)}, PRODUCTS[:1], ADMIN_TOKEN, pages=0, patience=1))
