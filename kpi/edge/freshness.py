"""From a write's answer until a reader has the new value: at the API, at the gateway, and on the product's page."""

import time
from dataclasses import dataclass, field

import orjson

from kpi.http_client import Answer, Client

PATIENCE_SECONDS = 20.0


@dataclass
class Freshness:
    """Seconds of each write, by where it was read; `stale` first reads had the old value."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"api": [], "gateway": [], "page": []})
    stale: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("api", "gateway", "page"), 0))


async def measure(
    api_url: str,
    gateway_url: str,
    products: list[int],
    admin_token: str,
    *,
    pages: int,
    patience: float = PATIENCE_SECONDS,
) -> Freshness:
    """Rename each product, once, and read it where visitors do; the old name comes back at the end.

    The first `pages` of them are looked for on their page too, which the worker's purges reach. Raises RuntimeError for
    a write that is refused, and for an address that shows its old value for longer than `patience` seconds.
    """
    found = Freshness()
    async with Client(api_url) as api, Client(gateway_url) as gateway:
        for number, product in enumerate(products):
            target = f"/api/products/{product}"
            read = [("api", api, target), ("gateway", gateway, target)]
            if number < pages:
                read.append(("page", gateway, f"/products/{product}"))
            name = str(orjson.loads((await _get(api, target)).body)["name"])
            for _, client, address in read * 2:
                await _get(client, address)  # everybody has a copy before the write
            marked = f"{name} {time.time_ns():x}".encode()
            await _rename(api, target, marked.decode(), admin_token)
            written = time.perf_counter()
            try:
                for place, client, address in read:
                    reads = 1
                    while marked not in (await _get(client, address)).body:
                        reads += 1
                        if time.perf_counter() - written > patience:
                            raise RuntimeError(f"{address} at the {place} shows its old value {patience:.0f} s after")
                    found.stale[place] += reads > 1
                    found.seconds[place].append(time.perf_counter() - written)
            finally:
                await _rename(api, target, name, admin_token)
    return found


async def _get(client: Client, target: str) -> Answer:
    return await client.request("GET", target, {"Accept": "*/*", "Accept-Encoding": "identity", "X-Country": "DE"})


async def _rename(client: Client, target: str, name: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = await client.request("PUT", target, headers, orjson.dumps({"name": name}))
    if answer.status != 200:
        raise RuntimeError(
            f"PUT {target} answered {answer.status}: {answer.body.decode()[:200]} (is ADMIN_TOKEN right?)"
        )
