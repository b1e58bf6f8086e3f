"""Time from a write's response until readers get the new value: at the API, further out, and on the product's page."""

import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import orjson

from kpi.http_client import Client, Response
from kpi.load import place_of

PATIENCE_SECONDS = 20.0


@dataclass
class Freshness:
    """Seconds of each write, by where it was read; `stale` first reads had the old value."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict[str, list[float]](list))
    stale: dict[str, int] = field(default_factory=lambda: defaultdict[str, int](int))


async def measure(
    api_url: str,
    readers: Mapping[str, str],
    products: list[int],
    admin_token: str,
    *,
    pages: int,
    patience: float = PATIENCE_SECONDS,
) -> Freshness:
    """Rename each product, once, and read it at the API and at `readers`, which are addresses by name; the old name
    comes back at the end.

    The first `pages` of them are looked for on their page too, at the first reader, which the worker's purges reach.
    Raises RuntimeError for a write that is refused, and for an address that shows its old value for longer than
    `patience` seconds.
    """
    found = Freshness()
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(Client(api_url))
        outside = {name: await stack.enter_async_context(Client(url)) for name, url in readers.items()}
        for number, product in enumerate(products):
            target = f"/api/products/{product}"
            read = [("api", api, target), *((name, client, target) for name, client in outside.items())]
            if number < pages:
                read.append(("page", next(iter(outside.values())), f"/products/{product}"))
            name = str(orjson.loads((await _get(api, target)).body)["name"])
            for _, client, address in read * 2:
                await _get(client, address)  # each place must have a copy before the write
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


async def _get(client: Client, target: str) -> Response:
    return await client.request("GET", target, {"Accept": "*/*", "Accept-Encoding": "identity", **place_of("DE")})


async def _rename(client: Client, target: str, name: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = await client.request("PUT", target, headers, orjson.dumps({"name": name}))
    if answer.status != 200:
        raise RuntimeError(
            f"PUT {target} answered {answer.status}: {answer.body.decode()[:200]} (is ADMIN_TOKEN right?)"
        )
