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


async def measure(api_url: str, gateway_url: str, products: list[int], admin_token: str, *, pages: int) -> Freshness:
    """Rename each product, once, and read it where visitors do; the old name comes back at the end.

    The first `pages` of them are looked for on their page too, which the worker's purges reach. Raises RuntimeError for
    a write that is refused, and for a page that keeps its old value for 20 s.
    """
    found = Freshness()
    async with Client(api_url) as api, Client(gateway_url) as gateway:
        for number, product in enumerate(products):
            target = f"/api/products/{product}"
            name = str(orjson.loads((await _get(api, target)).body)["name"])
            # Everybody has a copy before the write.
            for client in (api, api, gateway, gateway):
                await _get(client, target)
            if number < pages:
                await _get(gateway, f"/products/{product}")
            marked = f"{name} {time.time_ns():x}"
            await _rename(api, target, marked, admin_token)
            written = time.perf_counter()
            for place, client in (("api", api), ("gateway", gateway)):
                await _until(found, place, client, target, marked, written)
            if number < pages:
                await _until(found, "page", gateway, f"/products/{product}", marked, written)
            await _rename(api, target, name, admin_token)
    return found


async def _until(  # noqa: PLR0917 - one call's own words
    found: Freshness, place: str, client: Client, target: str, wanted: str, written: float
) -> None:
    first = True
    while wanted.encode() not in (await _get(client, target)).body:
        found.stale[place] += first
        first = False
        if time.perf_counter() - written > PATIENCE_SECONDS:
            raise RuntimeError(f"{target} still shows the old value {PATIENCE_SECONDS:.0f} s after the write ({place})")
    found.seconds[place].append(time.perf_counter() - written)


async def _get(client: Client, target: str) -> Answer:
    return await client.request("GET", target, {"Accept": "*/*", "Accept-Encoding": "identity", "X-Country": "DE"})


async def _rename(client: Client, target: str, name: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    answer = await client.request("PUT", target, headers, orjson.dumps({"name": name}))
    if answer.status != 200:
        raise RuntimeError(
            f"PUT {target} answered {answer.status}: {answer.body.decode()[:200]} (is ADMIN_TOKEN right?)"
        )
