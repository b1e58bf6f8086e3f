"""Warming: makes the most popular responses before anybody asks for them."""

import asyncio
from time import monotonic
from typing import Any, Final

import structlog

from app.api.application import App
from app.api.shop import Shop

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
CODINGS: Final = (b"br", b"gzip")
"""What browsers and gateways ask for; the first one makes all of them, in Redis."""
PAGES: Final = ("/api/categories", "/api/products")


def start_warming(shop: Shop, app: App) -> asyncio.Task[None]:
    """Warm once, in the background. Tries again while the database is away."""
    return asyncio.create_task(_warm(shop, app))


async def _warm(shop: Shop, app: App) -> None:
    pause = FIRST_PAUSE_SECONDS
    while True:
        started = monotonic()
        try:
            ids = await shop.entities.warm_products(shop.settings.warm_products)
        except Exception as error:  # whatever it is, the shop serves without
            log.info("warming waits for the database", error=type(error).__name__, seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            continue
        for path in (*PAGES, *(f"/api/products/{product_id}" for product_id in ids)):
            await _ask(app, path)
            # Between two answers, real requests come first.
            await asyncio.sleep(0.002)
        log.info("warmed", products=len(ids), seconds=round(monotonic() - started, 2))
        return


async def _ask(app: App, path: str) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Any) -> None:
        return

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"warming"), (b"accept-encoding", b"br")],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
        "state": {},
    }
    await app(scope, receive, send)
