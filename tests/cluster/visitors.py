"""Visitors of the shop on the cluster: over TLS with the edge's certificate, as Cloudflare and a balancer bring them.

The balancer knows what the cluster calls ready, and learns of a pod's end some seconds late, as a cloud's does.
"""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

import httpx
from running_cluster import Cluster, is_ready

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
        """Look again and again until it is over."""
        while not over.wait(LATE):
            self.look()


class Visitors:
    """Readers of cached and other answers, and shoppers with a session, whose cart must stay as they made it."""

    def __init__(self, cluster: Cluster, host: str) -> None:
        self._balancer = Balancer(cluster)
        self._host = host
        self.asked: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.lost: list[str] = []
        """Carts that the shop had acknowledged and did not show afterwards, to the session that made them."""
        self.times: list[float] = []

    def figures(self) -> str:
        worst = max(self.times, default=0.0)
        return (
            f"{self.asked.total()} requests, {self.failed.total()} failed {dict(self.failed) or ''}, "
            f"{len(self.lost)} carts lost, slowest {worst:.2f} s"
        )

    @contextmanager
    def running(self) -> Generator["Visitors"]:
        """Load during the block."""
        readers = [partial(self._until_over, partial(self._read, start=n * 97)) for n in range(READERS)]
        shoppers = [partial(self._until_over, self._shop) for _ in range(SHOPPERS)]
        with meanwhile(self._balancer.follow, *readers, *shoppers):
            eventually(lambda: self.asked.total() > 50, "the first answers")
            yield self
            self.go_on()

    def go_on(self) -> None:
        """Until some more was asked and answered."""
        before = self.asked.total() - self.failed.total()
        eventually(lambda: self.asked.total() - self.failed.total() > before + 100, "answers again")

    def _until_over(self, act: Callable[["_Visitor", int], None], over: threading.Event) -> None:
        visitor = _Visitor(self._host, self._balancer)
        number = 0
        while not over.is_set():
            number += 1
            act(visitor, number)
            over.wait(PAUSE)

    def _ask(self, visitor: "_Visitor", name: str, method: str, path: str, **more: object) -> httpx.Response | None:
        began = time.monotonic()
        self.asked[name] += 1
        try:
            answer = visitor.ask(method, path, **more)
        except httpx.HTTPError as error:
            self.failed[f"{name} {type(error).__name__}"] += 1
            return None
        finally:
            self.times.append(time.monotonic() - began)
        if answer.status_code >= 400:
            self.failed[f"{name} {answer.status_code}"] += 1
            return None
        return answer

    def _read(self, visitor: "_Visitor", number: int, start: int) -> None:
        product = 1 + (start + number) % 400
        self._ask(visitor, "product", "GET", f"/api/products/{product}")
        if number % 5 == 0:
            self._ask(visitor, "page", "GET", f"/products/{product}")

    def _shop(self, visitor: "_Visitor", number: int) -> None:
        items = [{"product_id": 1 + number % 50, "quantity": 1 + number % 3}]
        put = self._ask(visitor, "cart", "PUT", "/api/cart", json={"items": items})
        if put is None:
            return
        got = self._ask(visitor, "cart again", "GET", "/api/cart")
        if got is not None:
            kept = [(each["product_id"], each["quantity"]) for each in got.json().get("items", ())]
            if kept != [(items[0]["product_id"], items[0]["quantity"])]:
                self.lost.append(f"{items} became {kept}")


class _Visitor:
    """One visitor with cookies, whose connections go to one pod after another."""

    def __init__(self, host: str, balancer: Balancer) -> None:
        self._host, self._balancer, self._turn = host, balancer, 0
        transport = httpx.HTTPTransport(verify=edge_context(), local_address=VISITOR)
        self._client = httpx.Client(transport=transport, timeout=10, headers={"Host": host, "CF-IPCountry": "DE"})

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        self._turn += 1
        addresses = self._balancer.addresses
        if not addresses:
            raise httpx.ConnectError("no gateway is ready")
        address = addresses[self._turn % len(addresses)]
        cookies = dict(self._client.cookies)
        extra = {"cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())} if cookies else {}
        return self._client.request(
            method,
            f"https://{address}:8443{path}",
            headers=extra,
            extensions={"sni_hostname": self._host},
            **more,  # pyright: ignore[reportArgumentType]
        )
