"""The load mix as database calls: what visitors' steps cost when no cache is in front."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from app.database.queries import categories, inventory, products, reviews, sessions, users
from app.database.queries.narrowing import Narrowing
from app.database.queries.products import Sort
from kpi.workload import Workload, Zipf

SLOW_MS: Final = 100.0


@dataclass(frozen=True, slots=True)
class Load:
    """How the calls of the mix went, in milliseconds; `slow` is the share over 100 ms."""

    calls: int
    mean_ms: float
    p95_ms: float
    slow: float


class Mix:
    """Draws steps of the workload for the database's rows, the same ones for the same seed."""

    def __init__(self, workload: Workload, by_demand: list[int], user_count: int, category_count: int) -> None:
        self._workload = workload
        self._random = np.random.Generator(np.random.PCG64(workload.seed))
        self._by_demand, self._demand = by_demand, Zipf(len(by_demand), workload.zipf_exponent)
        self._users, self._categories = user_count, category_count
        self._names, shares = list(workload.mix), np.array(list(workload.mix.values()))
        self._shares = shares / shares.sum()
        self._steps: Mapping[str, Callable[[Any], Awaitable[object]]] = {
            "product": lambda db: products.get(db, self._product()),
            "listing": lambda db: products.listing(
                db, narrowing=Narrowing(category_id=self._one_of(self._categories)), sort=self._sort()
            ),
            "search": lambda db: products.search(
                db, Narrowing(text=workload.searches[self._one_of(len(workload.searches)) - 1])
            ),
            "reviews": lambda db: reviews.of_product(db, self._product()),
            "inventory": lambda db: inventory.stock(db, [self._product()]),
            "categories": categories.all_categories,
            "profile": lambda db: users.get(db, self._one_of(self._users)),
            "write_cart": lambda db: sessions.save(db, str(self._one_of(10**9)), ttl_seconds=3600),
            "write_review": lambda db: _review(db, self._product(), self._one_of(self._users)),
            "write_stock": lambda db: inventory.set_quantity(db, self._product(), "eu-central", 40),
        }

    @classmethod
    async def of(cls, connection: Any, workload: Workload) -> Self:
        """For the rows of a database."""
        rows = await connection.fetch("SELECT id FROM products WHERE status = 'active' ORDER BY popularity DESC")
        return cls(
            workload,
            [row["id"] for row in rows],
            await connection.fetchval("SELECT max(id) FROM users"),
            await connection.fetchval("SELECT max(id) FROM categories"),
        )

    async def step(self, db: Any) -> None:
        """Do the next step."""
        await self._steps[str(self._random.choice(self._names, p=self._shares))](db)

    def _one_of(self, count: int) -> int:
        return int(self._random.integers(1, count + 1))

    def _product(self) -> int:
        return self._by_demand[self._demand.rank(self._random.random())]

    def _sort(self) -> Sort:
        by_price = self._random.random() < self._workload.listing.sorts.get("price", 0.0)
        return Sort.PRICE if by_price else Sort.POPULARITY


async def run_mix(connection: Any, workload: Workload, *, calls: int) -> Load:
    """Run that many steps of the mix, one after the other, and roll back their writes."""
    mix = await Mix.of(connection, workload)
    times = np.empty(calls)
    transaction = connection.transaction()
    await transaction.start()
    try:
        for number in range(calls):
            begun = time.perf_counter()
            await mix.step(connection)
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
