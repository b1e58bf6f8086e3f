"""Each rewritten query gives exactly the rows of the form that it replaces, on any data, for less work."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testing.queries.calls import Facts, gather_facts
from testing.queries.effort import effort_of
from testing.queries.slow_forms import REWRITES, Rewrite

START = datetime(2026, 1, 1, tzinfo=UTC)

every_rewrite = pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite.name.replace(" ", "-"))


@dataclass(frozen=True)
class Shop:
    """A very small shop, with many equals: ties are where rewrites go wrong."""

    products: list[tuple[int, str, int, int, int, str]]  # category, status, popularity, price, created, name
    shelves: list[tuple[int, int]]  # quantity in the first warehouse, and in the second
    orders: list[tuple[int, str, int, str]]  # user, status, created, currency
    lines: list[tuple[int, int, int]]  # order, product, quantity
    reviews: list[tuple[int, int, int, int]]  # user, product, rating, created


USERS, CATEGORIES = 4, 3
STATUSES = st.sampled_from(["active", "active", "active", "draft", "discontinued"])
ORDER_STATUSES = st.sampled_from(["pending", "processing", "shipped", "delivered", "cancelled"])
NAMES = st.sampled_from(["Oak Desk Lamp", "desk lamp, black", "Desk-lamp", "Chair", "Lamp for a desk", "DESK LAMPS"])


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    small, hours = st.integers(0, 5), st.integers(0, 60)
    products = draw(
        st.lists(st.tuples(st.integers(1, CATEGORIES), STATUSES, small, small, hours, NAMES), min_size=1, max_size=30)
    )
    orders = draw(
        st.lists(
            st.tuples(st.integers(1, USERS), ORDER_STATUSES, hours, st.sampled_from(["EUR", "USD"])),
            min_size=1,
            max_size=30,
        )
    )
    product, order = st.integers(1, len(products)), st.integers(1, len(orders))
    lines = draw(st.lists(st.tuples(order, product, st.integers(1, 3)), max_size=30, unique_by=lambda line: line[:2]))
    reviews = draw(
        st.lists(
            st.tuples(st.integers(1, USERS), product, st.integers(1, 5), hours),
            max_size=30,
            unique_by=lambda review: review[:2],
        )
    )
    shelves = draw(st.lists(st.tuples(small, st.integers(-1, 3)), max_size=len(products)))
    return Shop(products, shelves, orders, lines, reviews)


async def fill(connection: Any, shop: Shop) -> Facts:
    """The shop into the empty tables; gives what to ask about."""
    await connection.execute(
        f"""
        INSERT INTO categories (id, slug, name, department, position)
        SELECT n, 'c' || n, 'C' || n, 'D', n % 2 FROM generate_series(1, {CATEGORIES}) n;
        INSERT INTO users (id, email, name, country)
        SELECT n, 'User.' || n || '@Example.com', 'U' || n, 'DE' FROM generate_series(1, {USERS}) n;
        """
    )
    await connection.executemany(
        """
        INSERT INTO products (id, category_id, sku, slug, name, brand, description, status, popularity, prices, image,
                              image_width, image_height, image_blurhash, created_at)
        VALUES ($1::bigint, $2, 's' || $1::text, 'p' || $1::text, $3, 'B', 'D', $4, $5, $6, 'i', 1, 1, 'b', $7)
        """,
        [
            (number, category, name, status, popularity,
             f'{{"free": {{"EUR": {price}}}, "premium": {{"EUR": {price}}}}}', START + timedelta(hours=created))
            for number, (category, status, popularity, price, created, name) in enumerate(shop.products, 1)
        ],
    )  # fmt: skip
    await connection.executemany(
        "INSERT INTO inventory (product_id, warehouse, quantity) VALUES ($1, $2, $3)",
        [
            (product, warehouse, quantity)
            for product, shelf in enumerate(shop.shelves, 1)
            for warehouse, quantity in zip(("eu-central", "us-east"), shelf, strict=True)
            if quantity >= 0
        ],
    )
    # Orders arrive in order of time, as ids do.
    await connection.executemany(
        "INSERT INTO orders (id, user_id, status, currency, total, created_at) VALUES ($1, $2, $3, $4, 100, $5)",
        [
            (number, user, status, currency, START + timedelta(hours=created))
            for number, (user, status, created, currency) in enumerate(
                sorted(shop.orders, key=lambda order: order[2]), 1
            )
        ],
    )
    await connection.executemany(
        "INSERT INTO order_items (order_id, product_id, quantity, unit_price) VALUES ($1, $2, $3, 100)", shop.lines
    )
    await connection.executemany(
        "INSERT INTO reviews (user_id, product_id, rating, created_at) VALUES ($1, $2, $3, $4)",
        [(user, product, rating, START + timedelta(hours=created)) for user, product, rating, created in shop.reviews],
    )
    await connection.execute(
        """
        UPDATE products p SET rating_average = r.average, rating_count = r.reviews
        FROM (SELECT product_id, round(avg(rating), 2) AS average, count(*) AS reviews FROM reviews GROUP BY 1) r
        WHERE r.product_id = p.id
        """
    )
    return Facts(
        category_id=1,
        category_slug="c1",
        product_id=1,
        product_slug="p1",
        product_ids=list(range(1, len(shop.products) + 1)),
        bestseller_id=1,
        user_id=1,
        user_email="user.2@example.COM",
        order_id=1,
        review_product_id=1,
        newest_order_at=START + timedelta(hours=30),
    )


@pytest.fixture(scope="module")
def empty(cluster, schema_template) -> Iterator[tuple[asyncio.Runner, Any]]:
    """A connection to an empty shop, and the loop that it lives in (Hypothesis calls plain functions)."""
    from databases import create_database

    dsn = create_database(cluster, "rewrites", schema_template)
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn))
        yield runner, connection
        runner.run(connection.close())


@every_rewrite
def test_a_rewrite_gives_the_rows_of_the_form_it_replaces(rewrite: Rewrite, empty: tuple[asyncio.Runner, Any]):
    runner, connection = empty

    async def both(shop: Shop) -> tuple[Any, Any]:
        transaction = connection.transaction()
        await transaction.start()
        try:
            facts = await fill(connection, shop)
            return await rewrite.slow(connection, facts), await rewrite.fast(connection, facts)
        finally:
            await transaction.rollback()

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(shops())
    def check(shop: Shop) -> None:
        slow, fast = runner.run(both(shop))
        assert fast == slow

    check()


@every_rewrite
async def test_a_rewrite_gives_the_same_rows_on_the_catalogue(rewrite: Rewrite, catalogue):
    facts = await gather_facts(catalogue)
    assert await rewrite.fast(catalogue, facts) == await rewrite.slow(catalogue, facts)


@every_rewrite
async def test_a_rewrite_takes_fewer_statements_or_touches_fewer_pages(rewrite: Rewrite, catalogue):
    facts = await gather_facts(catalogue)
    slow = await effort_of(catalogue, lambda db: rewrite.slow(db, facts), repeat=0)
    fast = await effort_of(catalogue, lambda db: rewrite.fast(db, facts), repeat=0)
    if rewrite.fault == "N+1":
        assert fast.statements == 1 < slow.statements
    else:
        assert fast.pages < slow.pages


def test_at_least_ten_queries_were_rewritten():
    assert len(REWRITES) >= 10
