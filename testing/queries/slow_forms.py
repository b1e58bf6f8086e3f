"""Slow forms in which shops' queries are often written, to be compared with the shop's own.

Each `Rewrite` has two forms of one query. Their results are plain, comparable values: they must be equal on any data,
and the shop's own form must be cheaper on a large database.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from app.database.queries import inventory, orders, products, reviews, users
from app.database.queries.narrowing import Narrowing
from app.database.queries.products import CARD, Sort
from testing.queries.back_office import ORDERS_BY_DAY, PRAISED, RANKED, TO_FULFIL
from testing.queries.calls import Facts

Connection = Any
QueryForm = Callable[[Connection, Facts], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`fault` says what is wrong with the slow form, as the slow-query report does; `query` is the shop's statement."""

    name: str
    fault: str
    query: str
    slow: QueryForm
    fast: QueryForm


REWRITES: Final[list[Rewrite]] = []


def rewrite(name: str, *, fault: str, query: str, fast: QueryForm) -> Callable[[QueryForm], QueryForm]:
    """Register the decorated slow form beside the shop's own."""

    def enter(slow: QueryForm) -> QueryForm:
        REWRITES.append(Rewrite(name, fault, query, slow, fast))
        return slow

    return enter


async def _listing_with_stock(db: Connection, facts: Facts) -> Any:
    page = await products.listing(db, narrowing=Narrowing(category_id=facts.category_id), limit=20)
    return [(card.id, card.stock) for card in page.items]


@rewrite("stock of each product of a listing", fault="N+1", query="products.list.category.popularity.first",
         fast=_listing_with_stock)  # fmt: skip
async def stock_by_product(db: Connection, facts: Facts) -> Any:
    rows = await db.fetch(
        "SELECT id FROM products WHERE category_id = $1 AND status = 'active' "
        "ORDER BY popularity DESC, id DESC LIMIT 20",
        facts.category_id,
    )
    answer = []
    for row in rows:
        shelves = await db.fetch("SELECT quantity FROM inventory WHERE product_id = $1", row["id"])
        answer.append((row["id"], sum(shelf["quantity"] for shelf in shelves)))
    return answer


async def _orders_with_lines(db: Connection, facts: Facts) -> Any:
    page = await orders.of_user(db, facts.user_id, limit=20)
    return [(order.id, [(line.product_id, line.name, line.quantity) for line in order.lines]) for order in page.items]


@rewrite("lines of each order of a customer", fault="N+1", query="orders.of_user.first", fast=_orders_with_lines)
async def lines_by_order(db: Connection, facts: Facts) -> Any:
    rows = await db.fetch(
        "SELECT id FROM orders WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT 20", facts.user_id
    )
    answer = []
    for row in rows:
        lines = []
        for item in await db.fetch(
            "SELECT product_id, quantity FROM order_items WHERE order_id = $1 ORDER BY product_id", row["id"]
        ):
            name = await db.fetchval("SELECT name FROM products WHERE id = $1", item["product_id"])
            lines.append((item["product_id"], name, item["quantity"]))
        answer.append((row["id"], lines))
    return answer


async def _reviews_with_authors(db: Connection, facts: Facts) -> Any:
    page = await reviews.of_product(db, facts.review_product_id, limit=20)
    return [(review.id, review.author) for review in page.items]


@rewrite("author of each review", fault="N+1", query="reviews.newest.first", fast=_reviews_with_authors)
async def author_by_review(db: Connection, facts: Facts) -> Any:
    rows = await db.fetch(
        "SELECT id, user_id FROM reviews WHERE product_id = $1 ORDER BY created_at DESC, id DESC LIMIT 20",
        facts.review_product_id,
    )
    return [(row["id"], await db.fetchval("SELECT name FROM users WHERE id = $1", row["user_id"])) for row in rows]


async def _cards_of_cart(db: Connection, facts: Facts) -> Any:
    return [(card.id, card.name) for card in await products.get_many(db, facts.product_ids)]


@rewrite("products of a cart", fault="N+1", query="products.get_many", fast=_cards_of_cart)
async def product_by_cart_line(db: Connection, facts: Facts) -> Any:
    answer = []
    for product_id in facts.product_ids:
        row = await db.fetchrow("SELECT id, name FROM products WHERE id = $1", product_id)
        if row is not None:
            answer.append((row["id"], row["name"]))
    return answer


async def _stock_of_cart(db: Connection, facts: Facts) -> Any:
    found = await inventory.stock(db, facts.product_ids)
    return {product_id: stock.quantity for product_id, stock in found.items()}


@rewrite("stock of a cart", fault="N+1", query="inventory.stock", fast=_stock_of_cart)
async def stock_by_cart_line(db: Connection, facts: Facts) -> Any:
    answer = {}
    for product_id in facts.product_ids:
        quantity = await db.fetchval("SELECT sum(quantity) FROM inventory WHERE product_id = $1", product_id)
        if quantity is not None:
            answer[product_id] = quantity
    return answer


async def _praised(db: Connection, facts: Facts) -> Any:
    return [card["id"] for card in await db.fetch(PRAISED, facts.category_id, 4, 20)]


@rewrite("products with a very good review", fault="subquery", query="products.praised", fast=_praised)
async def praised_by_distinct_subquery(db: Connection, facts: Facts) -> Any:
    rows = await db.fetch(
        f"""
        SELECT {CARD} FROM products p WHERE p.category_id = $1 AND p.status = 'active'
        AND p.id IN (SELECT DISTINCT product_id FROM reviews WHERE rating > 4)
        ORDER BY p.popularity DESC, p.id DESC LIMIT 20
        """,
        facts.category_id,
    )
    return [row["id"] for row in rows]


PLACES: Final = 200


async def _ranked(db: Connection, facts: Facts) -> Any:
    return [(row["id"], row["rank"]) for row in await db.fetch(RANKED, PLACES)]


@rewrite("bestseller list with ranks", fault="subquery", query="products.ranked", fast=_ranked)
async def rank_by_self_join(db: Connection, facts: Facts) -> Any:
    # Limited first: otherwise the subquery would run once for every product, for minutes.
    rows = await db.fetch(
        f"""
        SELECT p.id, (SELECT count(*) FROM products p2
                      WHERE p2.status = 'active' AND p2.popularity > p.popularity) + 1 AS rank
        FROM (SELECT id, popularity FROM products WHERE status = 'active'
              ORDER BY popularity DESC, id DESC LIMIT {PLACES}) p
        ORDER BY p.popularity DESC, p.id DESC
        """
    )
    return [(row["id"], row["rank"]) for row in rows]


async def _stored_ratings(db: Connection, facts: Facts) -> Any:
    page = await products.listing(db, narrowing=Narrowing(category_id=facts.category_id), sort=Sort.RATING, limit=20)
    return [(card.id, card.rating_count) for card in page.items]


@rewrite("best rated products of a category", fault="subquery", query="products.list.category.rating.first",
         fast=_stored_ratings)  # fmt: skip
async def ratings_by_aggregation(db: Connection, facts: Facts) -> Any:
    rows = await db.fetch(
        """
        SELECT p.id, (SELECT count(*) FROM reviews r WHERE r.product_id = p.id) AS rating_count
        FROM products p WHERE p.category_id = $1 AND p.status = 'active'
        ORDER BY (SELECT round(coalesce(avg(r.rating), 0), 2) FROM reviews r WHERE r.product_id = p.id) DESC, p.id DESC
        LIMIT 20
        """,
        facts.category_id,
    )
    return [(row["id"], row["rating_count"]) for row in rows]


DEEP_PAGES: Final = 20


async def _pages_by_key(db: Connection, facts: Facts) -> Any:
    answer: list[int] = []
    after = None
    for _ in range(DEEP_PAGES):
        page = await products.listing(db, sort=Sort.NEWEST, after=after, limit=20)
        answer += [card.id for card in page.items]
        after = page.after
        if after is None:
            break
    return answer


@rewrite("twenty pages of new products", fault="missing index", query="products.list.all.newest.next",
         fast=_pages_by_key)  # fmt: skip
async def pages_by_offset(db: Connection, facts: Facts) -> Any:
    answer: list[int] = []
    for number in range(DEEP_PAGES):
        rows = await db.fetch(
            """
            SELECT p.id, (SELECT sum(quantity) FROM inventory i WHERE i.product_id = p.id) FROM products p
            WHERE p.status || '' = 'active' ORDER BY p.created_at DESC, p.id DESC LIMIT 20 OFFSET $1
            """,
            number * 20,
        )
        if not rows:
            break
        answer += [row["id"] for row in rows]
    return answer


async def _more_by_one_row(db: Connection, facts: Facts) -> Any:
    page = await products.listing(db, narrowing=Narrowing(category_id=facts.category_id), sort=Sort.PRICE, limit=20)
    return [card.id for card in page.items], page.after is not None


@rewrite("is there another page?", fault="other", query="products.list.category.price.first", fast=_more_by_one_row)
async def more_by_counting(db: Connection, facts: Facts) -> Any:
    rows = await db.fetch(
        f"""
        SELECT {CARD}, count(*) OVER () AS total FROM products p WHERE p.category_id = $1 AND p.status = 'active'
        ORDER BY p.price_eur, p.id LIMIT 20
        """,
        facts.category_id,
    )
    return [row["id"] for row in rows], bool(rows) and rows[0]["total"] > 20


async def _open_orders(db: Connection, facts: Facts) -> Any:
    return [order["id"] for order in await db.fetch(TO_FULFIL, 0, 50)]


@rewrite("orders to fulfil", fault="missing index", query="orders.to_fulfil", fast=_open_orders)
async def open_orders_by_exclusion(db: Connection, facts: Facts) -> Any:
    rows = await db.fetch(
        "SELECT id FROM orders WHERE status NOT IN ('shipped', 'delivered', 'cancelled') "
        "ORDER BY created_at, id LIMIT 50"
    )
    return [row["id"] for row in rows]


async def _credentials(db: Connection, facts: Facts) -> Any:
    found = await users.credentials(db, facts.user_email.title())
    return found.user_id if found else None


@rewrite("a customer by address", fault="missing index", query="users.credentials", fast=_credentials)
async def user_by_pattern(db: Connection, facts: Facts) -> Any:
    return await db.fetchval("SELECT id FROM users WHERE upper(email) = upper($1)", facts.user_email.title())


async def _day(db: Connection, facts: Facts) -> Any:
    start = facts.newest_order_at.replace(hour=0, minute=0, second=0, microsecond=0)
    days = await db.fetch(ORDERS_BY_DAY, start, start + timedelta(days=1))
    return [(day["currency"], day["orders"], day["total"]) for day in days]


@rewrite("orders of a day", fault="missing index", query="orders.by_day", fast=_day)
async def day_by_function(db: Connection, facts: Facts) -> Any:
    rows = await db.fetch(
        """
        SELECT currency, count(*) AS orders, sum(total) AS total FROM orders
        WHERE date_trunc('day', created_at, 'UTC') = date_trunc('day', $1::timestamptz, 'UTC') AND status <> 'cancelled'
        GROUP BY currency ORDER BY currency
        """,
        facts.newest_order_at,
    )
    return [(row["currency"], row["orders"], row["total"]) for row in rows]


async def _suggestions(db: Connection, facts: Facts) -> Any:
    return [suggestion.id for suggestion in await products.suggest(db, "DESK lamp")]


@rewrite("suggestions while typing", fault="missing index", query="products.suggest", fast=_suggestions)
async def suggestions_by_lower(db: Connection, facts: Facts) -> Any:
    rows = await db.fetch(
        "SELECT id FROM products WHERE strpos(lower(name), lower($1)) > 0 AND status = 'active' "
        "ORDER BY popularity DESC, id DESC LIMIT 8",
        "DESK lamp",
    )
    if rows:
        return [row["id"] for row in rows]
    rows = await db.fetch(
        "SELECT id FROM products WHERE status = 'active' AND word_similarity($1, name) >= 0.6 "
        "ORDER BY word_similarity($1, name) DESC, popularity DESC, id DESC LIMIT 8",
        "DESK lamp",
    )
    return [row["id"] for row in rows]
