"""The load mix as database calls: what visitors' steps cost when no cache is in front."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.database.queries import categories, inventory, products, reviews, sessions, users
from app.database.queries.products import Sort
from kpi.workload import Workload

SLOW_MS: Final = 100.0


@dataclass(frozen=True, slots=True)
class Load:
    """How the calls of the mix went, in milliseconds; `slow` is the share over 100 ms."""

    calls: int
    mean_ms: float
    p95_ms: float
    slow: float


Step = Callable[[Any, np.random.Generator], Awaitable[object]]


async def run_mix(connection: Any, workload: Workload, *, calls: int) -> Load:
    """Run that many steps of the mix, one after the other, and undo what they write."""
    random = np.random.Generator(np.random.PCG64(workload.seed))
    by_demand = [
        row["id"]
        for row in await connection.fetch("SELECT id FROM products WHERE status = 'active' ORDER BY popularity DESC")
    ]
    weights = np.arange(1, len(by_demand) + 1) ** -workload.zipf_exponent
    wanted = iter(random.choice(by_demand, calls, p=weights / weights.sum()).tolist())
    user_count = await connection.fetchval("SELECT max(id) FROM users")
    category_count = await connection.fetchval("SELECT max(id) FROM categories")
    words = list(workload.searches)

    def someone() -> int:
        return int(random.integers(1, user_count + 1))

    def category() -> int:
        return int(random.integers(1, category_count + 1))

    steps: dict[str, Callable[[], Awaitable[object]]] = {
        "product": lambda: products.get(connection, next(wanted)),
        "listing": lambda: products.listing(
            connection,
            category_id=category(),
            sort=Sort.PRICE if random.random() < workload.listing.sorts.get("price", 0.0) else Sort.POPULARITY,
        ),
        "search": lambda: products.search(connection, words[int(random.integers(0, len(words)))]),
        "reviews": lambda: reviews.of_product(connection, next(wanted)),
        "inventory": lambda: inventory.stock(connection, [next(wanted)]),
        "categories": lambda: categories.all_categories(connection),
        "profile": lambda: users.get(connection, someone()),
        "write_cart": lambda: sessions.save(connection, str(random.integers(0, 10**9)), ttl_seconds=3600),
        "write_review": lambda: _review(connection, next(wanted), someone()),
        "write_stock": lambda: inventory.set_quantity(connection, next(wanted), "eu-central", 40),
    }
    shares = dict(workload.mix)
    names = random.choice(list(shares), calls, p=np.array(list(shares.values())) / sum(shares.values())).tolist()
    times = np.empty(calls)
    transaction = connection.transaction()
    await transaction.start()
    try:
        for number, name in enumerate(names):
            begun = time.perf_counter()
            await steps[name]()
            times[number] = (time.perf_counter() - begun) * 1000
    finally:
        await transaction.rollback()
    return Load(calls, float(times.mean()), float(np.percentile(times, 95)), float((times > SLOW_MS).mean()))


async def _review(connection: Any, product_id: int, user_id: int) -> None:
    try:
        async with connection.transaction():
            await reviews.add(connection, product_id=product_id, user_id=user_id, rating=5, title="", body="")
    except reviews.AlreadyReviewed:
        return
