"""Visitors' browsers at the gateway: pages with their files, each file once a visit."""

import asyncio
import gzip
import random
import re
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from html import unescape
from typing import Final, Literal

from kpi.http_client import Client, RequestFailed
from kpi.load import Run, answered_by, place_of
from kpi.routes import Catalogue
from kpi.workload import Visits, Workload

Kind = Literal["page", "static", "image"]
_FILES: Final = re.compile(r'(?:src|href)="(/_next/static/[^"]+)"')
_IMAGES: Final = re.compile(r'src="(/_next/image\?[^"]+)"')
IMAGES_AT_ONCE: Final = 6
"""How many of a page's images a browser shows first and so loads."""
IMAGES_OF_A_PRODUCT: Final = 4
"""On a product's page: the main picture and three thumbnails."""
HEADERS: Final = {"User-Agent": "Mozilla/5.0 simone-kpi", "Accept-Encoding": "gzip, br"}


@dataclass
class ResponseCounts:
    """Responses by kind: how many, how many of them from a cache, and of these from the edge's; the bytes of their
    bodies, and the seconds that each took.
    """

    visits: int = 0
    answers: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(("page", "static", "image"), 0))
    hits: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(("page", "static", "image"), 0))
    at_the_edge: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(("page", "static", "image"), 0))
    bytes: int = 0
    seconds: list[float] = field(default_factory=list[float])
    failed: int = 0

    def ratio(self, *kinds: Kind) -> float:
        """The share of hits among the responses of these kinds (0 to 1)."""
        return sum(self.hits[kind] for kind in kinds) / max(1, sum(self.answers[kind] for kind in kinds))


VISITS_PER_SECOND: Final = 1.0
"""A page takes a hundred times the work of an API response: few visits, but each like a browser's."""


async def browse(run: Run, *, pictures: bool) -> ResponseCounts:
    """Make the run's visits as browsers do, with or without `pictures`; stop with the run, even in a visit."""
    seen = ResponseCounts()
    with suppress(TimeoutError):
        async with asyncio.timeout(run.seconds), Client(run.base_url, timeout=30) as client:
            started = time.monotonic()
            async with asyncio.TaskGroup() as tasks:
                for visit in Visits(run.workload, rate=VISITS_PER_SECOND, stream=run.stream).until(run.seconds):
                    await asyncio.sleep(max(0.0, started + visit.start - time.monotonic()))
                    address = f"10.1.{random.randrange(256)}.{random.randrange(256)}"  # noqa: S311 - one of many visitors
                    headers = {**HEADERS, **place_of(visit.country), "CF-Connecting-IP": address}
                    pages = [_page(action.step, action.item, run.catalogue) for action in visit.actions[:8]]
                    tasks.create_task(_visit(client, pages, headers, seen, pictures=pictures))
    return seen


@contextmanager
def browsing(run: Run, *, pictures: bool) -> Generator[Future[ResponseCounts]]:
    """Browsers at the gateway during the block."""
    with ThreadPoolExecutor(1) as other:
        yield other.submit(asyncio.run, browse(run, pictures=pictures))


def picture_hits(workload: Workload, seconds: float) -> float:
    """The hit ratio of pictures at a shield that begins empty, in the second half of `seconds` of the load mix.

    The policy keeps pictures longer than that; each product counts as having pictures of its own, although many share.
    """
    numbered = Catalogue(products=range(workload.products), categories=range(workload.categories))
    kept = set[tuple[str, int]]()
    asked = hits = 0
    for visit in Visits(workload).until(seconds):
        of_visit = dict.fromkeys(
            (page, number)
            for action in visit.actions
            for page in [_page(action.step, action.item, numbered)]
            for number in range(IMAGES_OF_A_PRODUCT if page.startswith("/products/") else IMAGES_AT_ONCE)
        )
        if visit.start >= seconds / 2:
            asked += len(of_visit)
            hits += len(of_visit.keys() & kept)
        kept.update(of_visit)
    return hits / max(1, asked)


def _page(step: str, item: int, catalogue: Catalogue) -> str:
    match step:
        case "product" | "reviews" | "inventory":
            return f"/products/{catalogue.product(item)}"
        case "listing":
            return f"/categories/{catalogue.category(item)}"
        case "categories":
            return "/categories"
        case "search":
            return "/products"
        case _:
            return "/"


async def _visit(
    client: Client, pages: list[str], headers: dict[str, str], seen: ResponseCounts, *, pictures: bool
) -> None:
    seen.visits += 1
    had: set[str] = set()
    for page in pages:
        text = await _get(client, "page", page, {**headers, "Accept": "text/html"}, seen)
        files = dict.fromkeys(_FILES.findall(text))
        images = list(dict.fromkeys(map(unescape, _IMAGES.findall(text))))[:IMAGES_AT_ONCE] if pictures else []
        wanted: list[tuple[Kind, str]] = [
            *(("static", file) for file in files),
            *(("image", image) for image in images),
        ]
        for kind, target in wanted:
            if target not in had:
                had.add(target)
                accept = "image/avif,image/webp,*/*" if kind == "image" else "*/*"
                await _get(client, kind, target, {**headers, "Accept": accept}, seen)


async def _get(client: Client, kind: Kind, target: str, headers: dict[str, str], seen: ResponseCounts) -> str:
    began = time.perf_counter()
    try:
        answer = await client.request(
            "GET", target, {**headers, "Accept-Encoding": "gzip"} if kind == "page" else headers
        )
    except RequestFailed:
        seen.failed += 1
        return ""
    if answer.status != 200:
        seen.failed += answer.status >= 500
        return ""
    layer = answered_by(answer)
    seen.answers[kind] += 1
    seen.hits[kind] += layer in ("edge", "gateway", "api")
    seen.at_the_edge[kind] += layer == "edge"
    seen.bytes += answer.size
    seen.seconds.append(time.perf_counter() - began)
    if kind != "page":
        return ""
    body = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
    return body.decode("utf-8", "replace")
