"""Purges reach every layer, in order, whatever fails on the way: the worker with stand-ins for the layers outside."""

import contextlib
import hashlib
import hmac
import json
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from testing.api_stack import ADMIN_TOKEN, REVALIDATION_KEY, Stack, running_stack
from testing.servers import serving
from testing.waits import eventually

ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
DIES = 0
"""Instead of a status: the connection breaks in the middle of a request."""


class Outside:
    """Gateway, storefront and Cloudflare in one: takes notes, and answers what it was told to."""

    def __init__(self) -> None:
        self.heard: dict[str, list[list[str]]] = defaultdict(list)
        self.order: list[str] = []
        self.signatures: list[tuple[str, bytes]] = []
        self.answers: dict[str, list[int]] = defaultdict(list)
        self._lock = threading.Lock()
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                layer = "cloudflare" if "purge_cache" in self.path else self.path.strip("/")
                with outside._lock:
                    status = outside.answers[layer].pop(0) if outside.answers[layer] else 200
                    if status == 200:
                        outside.heard[layer].append(json.loads(body)["tags"])
                        outside.order.append(layer)
                    if layer == "revalidate":
                        outside.signatures.append((self.headers["x-signature"], body))
                if status == DIES:
                    self.close_connection = True
                    return
                reply = b'{"success": true, "errors": [], "messages": [], "result": {"id": "1"}}'
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(reply)))
                if status == 429:
                    self.send_header("retry-after", "1")
                self.end_headers()
                # Who waited no longer has hung up.
                with contextlib.suppress(BrokenPipeError):
                    self.wfile.write(reply)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def forget(self) -> None:
        self.heard.clear()
        self.order.clear()

    def was_told(self, layer: str, tag: str) -> bool:
        return any(tag in tags for tags in self.heard[layer])


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    outside = Outside()
    with serving(outside.server):
        yield outside


@pytest.fixture(scope="module")
def environment(outside: Outside) -> dict[str, str]:
    return {
        "GATEWAY_PURGE_URLS": f"{outside.url}/gateway",
        "STOREFRONT_URL": outside.url,
        "CLOUDFLARE_ZONE_ID": "0123456789abcdef0123456789abcdef",
        "CLOUDFLARE_API_URL": outside.url,
        "CLOUDFLARE_PLAN": "enterprise",
        "WARM_PRODUCTS": "0",
        "PURGE_SECONDS": "5",
    }


@pytest.fixture(scope="module")
def stack(environment: dict[str, str]) -> Iterator[Stack]:
    with running_stack(sentinels=1) as stack:
        (stack.secrets / "cloudflare-token").write_text("a-test-cloudflare-token")
        yield stack


@pytest.fixture(scope="module")
def client(stack: Stack, environment: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.api(wait=True, **environment).url, timeout=30) as client:
        yield client


def waiting(stack: Stack) -> int:
    return int(stack.sql("SELECT count(*) FROM invalidation_outbox WHERE completed_at IS NULL"))


def test_a_write_reaches_every_layer_from_the_inside_outwards(
    stack: Stack, client: httpx.Client, outside: Outside, environment: dict[str, str]
) -> None:
    worker = stack.worker(**environment)
    eventually(lambda: waiting(stack) == 0, "the sample data's own purge")
    outside.forget()
    assert client.put("/api/products/5", json={"name": "Told"}, headers=ADMIN).status_code == 200
    assert outside.was_told("gateway", "product:5"), "the gateway is told before the writer's answer"
    eventually(lambda: waiting(stack) == 0, "draining")
    worker.stop()
    assert worker.process.returncode == 0
    assert all(outside.was_told(layer, "product:5") for layer in ("revalidate", "gateway", "cloudflare"))
    # The pages at the gateway are made by the storefront, and those at Cloudflare by both.
    after_storefront = outside.order[outside.order.index("revalidate") :]
    assert "gateway" in after_storefront
    assert "cloudflare" in after_storefront[after_storefront.index("gateway") :]
    assert outside.signatures
    assert all(_signed_by_us(signature, body) for signature, body in outside.signatures)


def _signed_by_us(signature: str, body: bytes) -> bool:
    fields = dict(part.split("=", 1) for part in signature.split(","))
    expected = hmac.new(REVALIDATION_KEY.encode(), f"{fields['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return fields["v1"] == expected


def test_no_purge_is_lost_while_the_worker_is_killed_and_cloudflare_refuses(
    stack: Stack, client: httpx.Client, outside: Outside, environment: dict[str, str]
) -> None:
    outside.forget()
    outside.answers["cloudflare"] = [500, DIES, 429, 500]
    outside.answers["revalidate"] = [503, DIES]
    worker = stack.worker(**environment)
    for number in range(20, 30):
        assert client.put(f"/api/products/{number}", json={"name": "x"}, headers=ADMIN).status_code == 200
        if number == 24:
            worker.stop(signal.SIGKILL)
            outside.answers["cloudflare"] = [500, DIES, 429, 500]  # for its successor, whatever it has had itself
            stack.redis.master("data").stop()
            stack.redis.nodes["data"][0].start()
    # What the killed worker had in hand is offered again when its lease ends; here, at once.
    stack.sql("UPDATE invalidation_outbox SET available_at = now() WHERE completed_at IS NULL")
    successor = stack.worker(**environment)
    eventually(lambda: waiting(stack) == 0, "draining")
    for number in range(20, 30):
        assert all(outside.was_told(layer, f"product:{number}") for layer in ("revalidate", "gateway", "cloudflare"))
    assert successor.metric("api_purges_total", layer="cloudflare", result="failed") >= 1
    successor.stop()


def test_a_purge_by_hand_goes_the_same_way(stack: Stack, outside: Outside, environment: dict[str, str]) -> None:
    outside.forget()
    stack.run("purge", "--tag", "product:77")
    worker = stack.worker(**environment)
    eventually(lambda: outside.was_told("cloudflare", "product:77"), "the purge")
    worker.stop()


BROKEN = [500] * 100_000


def test_what_waits_for_one_layer_is_in_no_other_s_way(
    stack: Stack, client: httpx.Client, outside: Outside, environment: dict[str, str]
) -> None:
    """As many as a busy day leaves behind while Cloudflare refuses; then it takes them all, in few requests."""
    outside.forget()
    outside.answers["cloudflare"] = list(BROKEN)
    stack.sql(
        """
        INSERT INTO invalidation_outbox (tags, reason, finished_targets, created_at)
        SELECT ARRAY['product:' || n % 300, 'products'], 'outage', '{redis,storefront,gateway}',
               now() - interval '1 day'
        FROM generate_series(1, 20000) n
        """
    )
    worker = stack.worker(**environment)
    eventually(lambda: stack.sql("SELECT count(*) FROM invalidation_queue") == "20000", "the backlog, shared out")
    for number in range(40, 60):
        assert client.put(f"/api/products/{number}", json={"name": "y"}, headers=ADMIN).status_code == 200
    for layer in ("revalidate", "gateway"):
        eventually(
            lambda layer=layer: all(outside.was_told(layer, f"product:{number}") for number in range(40, 60)), layer
        )
    assert not outside.heard["cloudflare"]
    assert waiting(stack) == 20_020
    outside.answers["cloudflare"] = []
    # Cloudflare is asked again within half a minute, and what waited for it within five; here, at once.
    stack.sql("UPDATE invalidation_queue SET due_at = now()")
    eventually(lambda: waiting(stack) == 0, "draining")
    assert all(outside.was_told("cloudflare", f"product:{number}") for number in range(300))
    assert len(outside.heard["cloudflare"]) < 250
    worker.stop()


def test_a_layer_that_fails_spares_the_outer_ones_nothing(
    stack: Stack, client: httpx.Client, outside: Outside, environment: dict[str, str]
) -> None:
    """They may hold the old value for longer: they are told at once, and once more after it."""
    outside.forget()
    outside.answers["revalidate"] = list(BROKEN)
    worker = stack.worker(**environment)
    assert client.put("/api/products/61", json={"name": "z"}, headers=ADMIN).status_code == 200
    eventually(lambda: outside.was_told("cloudflare", "product:61"), "Cloudflare, out of turn")
    assert waiting(stack) == 1
    outside.forget()
    outside.answers["revalidate"] = []
    eventually(lambda: waiting(stack) == 0, "draining")
    assert [layer for layer in outside.order if layer != "gateway"] == ["revalidate", "cloudflare"]
    worker.stop()
