"""No read that begins after a write's answer sees the old value, at the API or through the gateway, whatever dies
meanwhile (docs/decisions/coherence.md)."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import httpx
import pytest

from app.caching_policy import load
from components.gateway.settings import GatewaySettings, Limits
from components.kubernetes.flows import GATEWAY_PORT, GATEWAY_PURGE_PORT
from testing.api_stack import ADMIN_TOKEN, ROOT, Api, Stack, running_stack
from testing.gateway_server import Gateway, running_gateway
from testing.servers import end
from testing.waits import own_address

POLICY = load(ROOT / "app" / "caching.yaml")
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
GENEROUS = Limits.model_validate({"requests_per_second": 100_000, "burst": 100_000, "connections": 10_000})
PRODUCTS = (11, 12, 13, 14)
READERS = 2
"""At each door."""


@dataclass
class Watch:
    """What was answered to writers so far, and reads that saw less."""

    answered: dict[int, int] = field(default_factory=dict)
    reads: Counter[str] = field(default_factory=Counter)
    stale: list[str] = field(default_factory=list)
    stop: bool = False
    writing: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=20, trust_env=False))

    async def read(self, door: str, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
            number = 0
            while not self.stop:
                number += 1
                product = PRODUCTS[number % len(PRODUCTS)]
                before = self.answered.get(product, 0)
                try:
                    answer = await client.get(f"/api/products/{product}")
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)  # whoever listened there was killed
                    continue
                if answer.status_code == 200:
                    self.reads[door] += 1
                    if answer.json()["price"] < before:
                        self.stale.append(f"{door}: {answer.json()['price']} after {before}: {answer.headers}")
                await asyncio.sleep(0.005)

    async def write(self, urls: list[str], value: int) -> None:
        """One write, through whichever process answers."""
        product = PRODUCTS[value % len(PRODUCTS)]
        for attempt in range(200):
            url = urls[(value + attempt) % len(urls)]
            with contextlib.suppress(httpx.HTTPError):
                price = dict.fromkeys(("EUR", "USD", "GBP"), value)
                body = {"prices": {"free": price, "premium": price}}
                answer = await self.writing.put(f"{url}/api/products/{product}", json=body, headers=ADMIN)
                if answer.status_code == 200:
                    self.answered[product] = value
                    return
            await asyncio.sleep(0.05)
        raise AssertionError("no process takes a write")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack(replicas=True) as stack:
        stack.sql("UPDATE products SET status = 'active'")
        yield stack


@pytest.fixture
def address() -> str:
    return own_address()


@pytest.fixture
def apis(stack: Stack, address: str) -> Iterator[list[Api]]:
    environment = {
        "GATEWAY_PURGE_URLS": f"http://{address}:{GATEWAY_PURGE_PORT}/purge",
        # A machine that stands still for longer isn't an outage, in which a write is answered with less (coherence.md).
        "REDIS_TIMEOUT_SECONDS": "2",
        "PURGE_SECONDS": "10",
        "COOKIE_SECURE": "0",
        "WARM_PRODUCTS": "0",
    }
    started = [stack.api(wait=True, **environment) for _ in range(2)]
    yield started
    for api in started:
        api.stop(signal.SIGKILL)


@pytest.fixture
def gateway(apis: list[Api], address: str, tmp_path: Path) -> Iterator[Gateway]:
    settings = GatewaySettings(limits=GENEROUS)
    with running_gateway(tmp_path, POLICY, settings, api_address=apis[0].url[7:], address=address) as running:
        yield running


@pytest.fixture
def restart_gateway(gateway: Gateway, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Ends nginx and starts it anew on what it has left on disk."""
    restarted: list[subprocess.Popen[bytes]] = []

    def restart() -> None:
        old = int((tmp_path / "run" / "nginx.pid").read_text())
        os.kill(old, signal.SIGTERM)
        while Path(f"/proc/{old}").exists() and "Z" not in Path(f"/proc/{old}/stat").read_text().split()[2]:
            os.sched_yield()
        restarted.append(subprocess.Popen(["/usr/sbin/nginx", "-c", str(tmp_path / "run" / "nginx.conf")]))

    yield restart
    for process in restarted:
        end(process)


def unconfirmed(apis: list[Api]) -> list[str]:
    """What the processes say of purges that were answered without a layer's confirmation."""
    return [line for api in apis for line in api.log.read_text().splitlines() if "layer not purged" in line]


@contextlib.asynccontextmanager
async def watching(apis: list[Api], gateway: Gateway) -> AsyncGenerator[Watch]:
    watch = Watch()
    doors = {"gateway": f"http://{gateway.address}:{GATEWAY_PORT}", "api 0": apis[0].url, "api 1": apis[1].url}
    tasks = [asyncio.create_task(watch.read(door, url)) for door, url in doors.items() for _ in range(READERS)]
    try:
        yield watch
    finally:
        watch.stop = True
        await asyncio.gather(*tasks)
        await watch.writing.aclose()


async def test_reads_are_fresh_while_everything_works(apis: list[Api], gateway: Gateway) -> None:
    async with watching(apis, gateway) as watch:
        for value in range(1000, 1040):
            await watch.write([api.url for api in apis], value)
    assert watch.stale == [], unconfirmed(apis)
    assert min(watch.reads.values()) > 10


@pytest.mark.parametrize("pair", ["data", pytest.param("computed", marks=pytest.mark.full)])
async def test_reads_are_fresh_while_a_redis_master_dies(
    stack: Stack, apis: list[Api], gateway: Gateway, pair: str
) -> None:
    lost = stack.redis.master(pair)
    async with watching(apis, gateway) as watch:
        for value in range(2000, 2040):
            if value == 2010:
                lost.stop()
            await watch.write([api.url for api in apis], value)
    lost.start()
    assert watch.stale == [], unconfirmed(apis)


async def test_reads_are_fresh_while_processes_die(
    stack: Stack, apis: list[Api], gateway: Gateway, restart_gateway: Callable[[], None]
) -> None:
    worker = stack.worker(GATEWAY_PURGE_URLS=f"http://{gateway.address}:{GATEWAY_PURGE_PORT}/purge")
    events: dict[int, Callable[[], None]] = {
        3010: lambda: worker.stop(signal.SIGKILL),
        3020: restart_gateway,
        3040: lambda: apis[1].stop(signal.SIGKILL),
    }
    async with watching(apis, gateway) as watch:
        for value in range(3000, 3050):
            events.get(value, lambda: None)()
            await watch.write([api.url for api in apis], value)
    assert watch.stale == [], unconfirmed(apis)


@pytest.mark.full
@pytest.mark.timeout(3600)
async def test_ten_thousand_writes_of_hot_products_are_never_read_late(
    stack: Stack, apis: list[Api], gateway: Gateway, restart_gateway: Callable[[], None]
) -> None:
    worker = stack.worker(GATEWAY_PURGE_URLS=f"http://{gateway.address}:{GATEWAY_PURGE_PORT}/purge")
    lost = stack.redis.master("data")
    first, undisturbed = 10_000, 2_000
    events: dict[int, Callable[[], None]] = {
        first + 3_000: lost.stop,
        first + 4_500: lost.start,
        first + 5_000: lambda: worker.stop(signal.SIGKILL),
        first + 6_500: restart_gateway,
        first + 8_000: lambda: apis[1].stop(signal.SIGKILL),
    }
    took: list[float] = []
    through = f"http://{gateway.address}:{GATEWAY_PORT}"
    async with watching(apis, gateway) as watch:

        async def write_as(writer: int) -> None:
            # Each has a product of its own, so that a value is never overtaken.
            for value in range(first + writer, first + 10_000, len(PRODUCTS)):
                events.pop(value, lambda: None)()
                began = time.perf_counter()
                await watch.write([api.url for api in apis], value)
                if value < first + undisturbed:
                    read = await watch.writing.get(f"{through}/api/products/{PRODUCTS[value % len(PRODUCTS)]}")
                    assert read.json()["price"] == value
                    took.append(time.perf_counter() - began)

        await asyncio.gather(*(write_as(writer) for writer in range(len(PRODUCTS))))
    assert not events
    p50, p99 = (1000 * quantile for quantile in (median(took), quantiles(took, n=100)[98]))
    reads = ", ".join(f"{count:,} at {door}" for door, count in watch.reads.items())
    print(f"a write until it is read through the gateway: p50 {p50:.0f} ms, p99 {p99:.0f} ms; reads: {reads}")
    assert watch.stale == [], unconfirmed(apis)


async def test_a_process_that_hung_while_others_wrote_serves_nothing_old_when_it_wakes(apis: list[Api]) -> None:
    writing, hanging = apis
    watch = Watch()
    await watch.write([writing.url], 4000)
    product, again = PRODUCTS[4000 % len(PRODUCTS)], 4000 + len(PRODUCTS)
    limits = httpx.Limits(max_connections=20, max_keepalive_connections=20)
    async with httpx.AsyncClient(base_url=hanging.url, timeout=60, trust_env=False, limits=limits) as client:

        async def ask() -> tuple[int, str]:
            answer = await client.get(f"/api/products/{product}")
            return answer.json()["price"], answer.headers["cache-status"]

        assert {price for price, _ in await asyncio.gather(*(ask() for _ in range(20)))} == {4000}
        os.killpg(hanging.process.pid, signal.SIGSTOP)
        try:
            await watch.write([writing.url], again)
            asking = [asyncio.create_task(ask()) for _ in range(20)]
            await asyncio.sleep(0.2)
        finally:
            os.killpg(hanging.process.pid, signal.SIGCONT)
        assert {price for price, _ in await asyncio.gather(*asking)} == {again}
