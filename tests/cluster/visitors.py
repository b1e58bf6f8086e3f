"""Visitors of the shop on the cluster: over TLS with the edge's certificate, as Cloudflare and a balancer bring them.

The balancer knows what the cluster calls ready, and learns of a pod's end some seconds late, as a cloud's does.
"""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import httpx
from running_cluster import Cluster, is_ready

from cluster import stack
from cluster.layout import PKI, VISITOR
from testing.waits import eventually, meanwhile

LATE = 3.0  # seconds until the balancer knows that a pod has left
READERS, SHOPPERS = 3, 3
PAUSE = 0.05


def edge_context() -> ssl.SSLContext:
    """TLS as the edge speaks it: with the certificate that the gateway asks for."""
    context = ssl.create_default_context(cafile=str(PKI / "ca.crt"))
    context.load_cert_chain(PKI / "edge.crt", PKI / "edge.key")
    return context


class Balancer:
    """The gateway's pods that a visitor may be sent to."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.addresses: list[str] = []
        self.look()

    def look(self) -> None:
        self.addresses = [pod["status"]["podIP"] for pod in self._cluster.pods("gateway") if is_ready(pod)]

    def follow(self, over: threading.Event) -> None:
        """Look again and again until it is over. While the API server is away, a balancer keeps what it knows."""
        while not over.wait(LATE):
            with suppress(AssertionError):
                self.look()


class Visitors:
    """Readers of cached and other answers, and shoppers with a session, whose cart must stay as they made it."""

    def __init__(self, cluster: Cluster, host: str) -> None:
        self._balancer = Balancer(cluster)
        self._host = host
        self._numbers = count(1)
        self.products: list[int] = []
        self.asked: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._began_failing: list[float] = []
        self.examples: dict[str, str] = {}
        """When each kind of failure was first seen, and what was answered."""
        self.kept = 0
        """Carts that were shown as they had been made."""
        self.lost: list[str] = []
        """Carts that the shop had acknowledged and did not show afterwards, to the session that made them."""
        self.times: list[float] = []

    def figures(self) -> str:
        worst = max(self.times, default=0.0)
        return (
            f"{self.asked.total()} requests, {self.failed.total()} failed {dict(self.failed) or ''}, "
            f"{len(self.lost)} carts lost, slowest {worst:.2f} s {self.examples or ''} {self.lost[:3] or ''}"
        )

    @contextmanager
    def running(self) -> Generator["Visitors"]:
        """Load during the block."""
        first = _Visitor(self._host, self._balancer, next(self._numbers))
        listing = eventually(lambda: first.ask("GET", "/api/products?limit=50"), "the shop's products")
        self.products = [product["id"] for product in listing.json()["items"]]
        readers = [partial(self._until_over, partial(self._read, start=n * 97)) for n in range(READERS)]
        shoppers = [partial(self._until_over, self._shop) for _ in range(SHOPPERS)]
        with meanwhile(self._balancer.follow, *readers, *shoppers):
            eventually(lambda: self.asked.total() > 50, "the first answers")
            yield self
            self.go_on()

    def gateways(self) -> Sequence[str]:
        """The addresses of the gateways that are ready."""
        return tuple(self._balancer.addresses)

    def ask_at(self, gateway: str, method: str, path: str, **more: Any) -> httpx.Response:
        """A new visitor's request at one gateway."""
        return _Visitor(self._host, self._balancer, next(self._numbers)).ask(method, path, at=gateway, **more)

    def rename(self, product: int, name: str, token: str = "") -> httpx.Response:
        """An operator's write to the database: a product's new name. `token`: another than the stack's own."""
        token = token or stack.plain_secrets()["api"]["admin_token"]
        headers = {"authorization": f"Bearer {token}"}
        path = f"/api/products/{product}"
        return self.ask_at(self.gateways()[0], "PUT", path, json={"name": name}, headers=headers)

    def failed_since(self, moment: float) -> int:
        """Requests that began after this time.monotonic() and failed."""
        return sum(began > moment for began in self._began_failing)

    def go_on(self) -> None:
        """Until some more was asked and answered."""
        before = self.asked.total() - self.failed.total()
        eventually(lambda: self.asked.total() - self.failed.total() > before + 100, "answers again")

    def writes_go_on(self) -> None:
        """Until some more carts were kept."""
        before = self.kept
        eventually(lambda: self.kept > before + 20, "carts again")

    def _until_over(self, act: Callable[["_Visitor", int], None], over: threading.Event) -> None:
        visitor = _Visitor(self._host, self._balancer, next(self._numbers))
        number = 0
        while not over.is_set():
            number += 1
            act(visitor, number)
            over.wait(PAUSE)

    def _ask(self, visitor: "_Visitor", name: str, method: str, path: str, **more: Any) -> httpx.Response | None:
        began = time.monotonic()
        self.asked[name] += 1
        try:
            answer = visitor.ask(method, path, **more)
        except httpx.HTTPError as error:
            self._fail(f"{name} {type(error).__name__}", str(error), began)
            return None
        finally:
            self.times.append(time.monotonic() - began)
        if answer.status_code >= 400:
            self._fail(f"{name} {answer.status_code}", answer.text[:200], began)
            return None
        return answer

    def _fail(self, what: str, said: str, began: float) -> None:
        self.failed[what] += 1
        self._began_failing.append(began)
        self.examples.setdefault(what, f"{datetime.now(UTC):%H:%M:%S} {said}")

    def _read(self, visitor: "_Visitor", number: int, start: int) -> None:
        product = self.products[(start + number) % len(self.products)]
        self._ask(visitor, "product", "GET", f"/api/products/{product}")
        if number % 5 == 0:
            self._ask(visitor, "page", "GET", f"/products/{product}")

    def _shop(self, visitor: "_Visitor", number: int) -> None:
        product = self.products[number % len(self.products)]
        items = [{"product_id": product, "quantity": 1 + number % 3}]
        put = self._ask(visitor, "cart", "PUT", "/api/cart", json={"items": items})
        if put is None:
            return
        got = self._ask(visitor, "cart again", "GET", "/api/cart")
        if got is not None:
            kept = [(each["product_id"], each["quantity"]) for each in got.json().get("items", ())]
            if kept == [(items[0]["product_id"], items[0]["quantity"])]:
                self.kept += 1
            else:
                self.lost.append(f"{datetime.now(UTC):%H:%M:%S} {items} became {kept}")


class _Visitor:
    """One visitor with an address and cookies of its own, whose connections go to one pod after another."""

    def __init__(self, host: str, balancer: Balancer, number: int) -> None:
        self._host, self._balancer, self._turn = host, balancer, 0
        self._cookies: dict[str, str] = {}
        transport = httpx.HTTPTransport(verify=edge_context(), local_address=VISITOR)
        known = {"Host": host, "CF-IPCountry": "DE", "CF-Connecting-IP": f"198.51.100.{number % 250 + 1}"}
        self._client = httpx.Client(transport=transport, timeout=10, headers=known)

    def ask(
        self, method: str, path: str, *, at: str = "", headers: Mapping[str, str] | None = None, json: object = None
    ) -> httpx.Response:
        self._turn += 1
        addresses = [at] if at else self._balancer.addresses
        if not addresses:
            raise httpx.ConnectError("no gateway is ready")
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        response = self._client.request(
            method,
            f"https://{addresses[self._turn % len(addresses)]}:8443{path}",
            headers={**(headers or {}), **({"cookie": cookies} if cookies else {})},
            json=json,
            extensions={"sni_hostname": self._host},
        )
        # A pod's address is no cookie's domain: the shop's host is.
        self._cookies |= dict(response.cookies)
        self._client.cookies.clear()
        return response
