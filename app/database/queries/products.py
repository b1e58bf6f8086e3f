"""Products: their page, listings, search, and the one thing administrators change about them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, cast

import asyncpg

from app.database.queries.paging import Cursor, Page
from app.database.queries.rows import JsonObject, json_object, json_text
from app.database.queries.statement import Database, statement

Prices = dict[str, dict[str, int]]
"""Whole minor units by price list (`free`, `premium`) and currency."""


@dataclass(frozen=True, slots=True)
class Card:
    """A product as listings and carts show it."""

    id: int
    slug: str
    name: str
    brand: str
    category_id: int
    status: str
    prices: Prices
    image: str
    image_width: int
    image_height: int
    image_blurhash: str
    popularity: int
    rating_average: float
    rating_count: int
    stock: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Product(Card):
    """A product as its own page shows it."""

    sku: str
    description: str
    category_slug: str
    category_name: str
    department: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What an administrator may change of a product; None leaves a field as it is."""

    name: str | None = None
    description: str | None = None
    status: str | None = None
    prices: Prices | None = None
    category_id: int | None = None


class Sort(StrEnum):
    """Orders of a listing."""

    POPULARITY = "popularity"
    NEWEST = "newest"
    PRICE = "price"
    PRICE_DESCENDING = "-price"
    RATING = "rating"


@dataclass(frozen=True, slots=True)
class _Order:
    column: str
    sql_type: str
    python_type: type[int] | type[Decimal] | type[datetime]
    descending: bool


ORDERS: Final = {
    Sort.POPULARITY: _Order("popularity", "integer", int, True),
    Sort.NEWEST: _Order("created_at", "timestamptz", datetime, True),
    Sort.PRICE: _Order("price_eur", "integer", int, False),
    Sort.PRICE_DESCENDING: _Order("price_eur", "integer", int, True),
    Sort.RATING: _Order("rating_average", "numeric", Decimal, True),
}

CARD: Final = """
    p.id, p.slug, p.name, p.brand, p.category_id, p.status, p.prices, p.price_eur, p.image, p.image_width,
    p.image_height, p.image_blurhash, p.popularity, p.rating_average, p.rating_count, p.created_at, p.updated_at,
    (SELECT coalesce(sum(i.quantity), 0) FROM inventory i WHERE i.product_id = p.id) AS stock
    """
PAGE: Final = f"""
    {CARD}, p.sku, p.description, c.slug AS category_slug, c.name AS category_name, c.department
    FROM products p JOIN categories c ON c.id = p.category_id
    """

_GET = statement("products.get", f"SELECT {PAGE} WHERE p.id = $1 AND p.status <> 'draft'")
_GET_ANY = statement("products.get_any", f"SELECT {PAGE} WHERE p.id = $1")
_GET_MANY = statement("products.get_many", f"SELECT {CARD} FROM products p WHERE p.id = ANY($1::bigint[])")
_TOP = statement(
    "products.top",
    f"SELECT {PAGE} WHERE p.status = 'active' ORDER BY p.popularity DESC, p.id DESC LIMIT $1",
)
# Ranking reads each match's whole vector, so only the most popular matches are ranked: a common word costs the same
# as a rare one, and nobody pages past them.
SEARCHED: Final = 200
_DASHES = re.compile("-+")
_IDLE_DASHES = re.compile(r"""-(?!\w|"\w)""")
_SEARCH = statement(
    "products.search",
    f"""
    WITH asked AS (SELECT websearch_to_tsquery('english', $1) AS query),
    matches AS MATERIALIZED (
        SELECT m.id, m.search, m.popularity FROM products m, asked
        WHERE m.search @@ asked.query AND m.status = 'active'
        ORDER BY m.popularity DESC, m.id DESC LIMIT {SEARCHED}
    ),
    ranked AS (
        SELECT matches.id, ts_rank(matches.search, asked.query) AS rank, matches.popularity
        FROM matches, asked
        ORDER BY rank DESC, popularity DESC, id DESC LIMIT $2 OFFSET $3
    )
    SELECT {CARD} FROM ranked r JOIN products p ON p.id = r.id
    ORDER BY r.rank DESC, r.popularity DESC, r.id DESC
    """,
)
_SUGGEST = statement(
    "products.suggest",
    """
    SELECT id, slug, name FROM products
    WHERE name ILIKE $1 AND status = 'active'
    ORDER BY popularity DESC, id DESC LIMIT $2
    """,
)
_SUGGEST_SIMILAR = statement(
    "products.suggest_similar",
    """
    SELECT id, slug, name FROM products
    WHERE $1 <% name AND status = 'active'
    ORDER BY word_similarity($1, name) DESC, popularity DESC, id DESC LIMIT $2
    """,
)
_UPDATE = statement(
    "products.update",
    """
    UPDATE products SET
        name = coalesce($2, name), description = coalesce($3, description), status = coalesce($4, status),
        prices = coalesce($5::jsonb, prices), category_id = coalesce($6, category_id)
    WHERE id = $1 AND ($7::timestamptz IS NULL OR updated_at = $7)
    RETURNING id
    """,
)


def _listing(sort: Sort, *, of_category: bool, first: bool) -> str:
    order = ORDERS[sort]
    direction, beyond = ("DESC", "<") if order.descending else ("ASC", ">")
    conditions = ["p.status = 'active'"]
    parameters = 2
    if of_category:
        conditions.append(f"p.category_id = ${parameters}")
        parameters += 1
    if not first:
        conditions.append(
            f"(p.{order.column}, p.id) {beyond} (${parameters}::{order.sql_type}, ${parameters + 1}::bigint)"
        )
    return statement(
        f"products.list.{'category' if of_category else 'all'}.{sort.lstrip('-')}"
        f"{'_descending' if sort.startswith('-') else ''}.{'first' if first else 'next'}",
        f"""
        SELECT {CARD} FROM products p WHERE {" AND ".join(conditions)}
        ORDER BY p.{order.column} {direction}, p.id {direction} LIMIT $1
        """,
    )


# One statement for each shape: a single one with optional conditions would have no single good plan.
_LISTINGS: Final = {
    (sort, of_category, first): _listing(sort, of_category=of_category, first=first)
    for sort in Sort
    for of_category in (False, True)
    for first in (False, True)
}


def _card(record: asyncpg.Record) -> Card:
    return Card(**_card_fields(record))


def _card_fields(record: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": record["id"],
        "slug": record["slug"],
        "name": record["name"],
        "brand": record["brand"],
        "category_id": record["category_id"],
        "status": record["status"],
        "prices": json_object(record, "prices"),
        "image": record["image"],
        "image_width": record["image_width"],
        "image_height": record["image_height"],
        "image_blurhash": record["image_blurhash"],
        "popularity": record["popularity"],
        "rating_average": float(record["rating_average"]),
        "rating_count": record["rating_count"],
        "stock": int(record["stock"]),
        "created_at": record["created_at"],
        "updated_at": record["updated_at"],
    }


def _product(record: asyncpg.Record) -> Product:
    return Product(
        **_card_fields(record),
        sku=record["sku"],
        description=record["description"],
        category_slug=record["category_slug"],
        category_name=record["category_name"],
        department=record["department"],
    )


async def get(db: Database, product_id: int) -> Product | None:
    """A product's page (drafts have none)."""
    record = await db.fetchrow(_GET, product_id)
    return _product(record) if record is not None else None


async def get_any(db: Database, product_id: int) -> Product | None:
    """A product's page in whatever state it is, for administrators."""
    record = await db.fetchrow(_GET_ANY, product_id)
    return _product(record) if record is not None else None


async def get_many(db: Database, product_ids: Sequence[int]) -> tuple[Card, ...]:
    """Those of the products that exist, in the order asked for, in one query (for carts and recommendations)."""
    found = {record["id"]: _card(record) for record in await db.fetch(_GET_MANY, list(product_ids))}
    return tuple(found[product_id] for product_id in product_ids if product_id in found)


async def listing(
    db: Database,
    *,
    category_id: int | None = None,
    sort: Sort = Sort.POPULARITY,
    after: Cursor | None = None,
    limit: int = 20,
) -> Page[Card]:
    """One page of active products, of one category or all. `after` is the cursor of the page before."""
    parameters: list[object] = [limit + 1]
    if category_id is not None:
        parameters.append(category_id)
    if after is not None:
        parameters += [after.value, after.id]
    records = await db.fetch(_LISTINGS[sort, category_id is not None, after is None], *parameters)
    more = len(records) > limit
    records = records[:limit]
    cursor = Cursor(records[-1][ORDERS[sort].column], records[-1]["id"]) if more else None
    return Page(tuple(_card(record) for record in records), cursor)


def cursor_kind(sort: Sort) -> type[int] | type[Decimal] | type[datetime]:
    """What the cursors of a listing in this order hold, for `Cursor.decode`."""
    return ORDERS[sort].python_type


async def search(db: Database, text: str, *, limit: int = 20, offset: int = 0) -> tuple[Card, ...]:
    """The best matches for what a customer typed (words, "phrases", -exclusions), among the `SEARCHED` most popular."""
    # A dash that excludes nothing is no word; Postgres stacks them up, and fails at some thirty.
    asked = _IDLE_DASHES.sub(" ", _DASHES.sub("-", text))
    return tuple(_card(record) for record in await db.fetch(_SEARCH, asked, limit, offset))


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A product offered while the customer is still typing."""

    id: int
    slug: str
    name: str


async def suggest(db: Database, typed: str, *, limit: int = 8) -> tuple[Suggestion, ...]:
    """Products whose name contains `typed`, popular ones first; if none does, the most similar names."""
    escaped = re.sub(r"([\\%_])", r"\\\1", typed)
    records = await db.fetch(_SUGGEST, f"%{escaped}%", limit)
    if not records:
        records = await db.fetch(_SUGGEST_SIMILAR, typed, limit)
    return tuple(Suggestion(record["id"], record["slug"], record["name"]) for record in records)


async def top(db: Database, limit: int = 100) -> tuple[Product, ...]:
    """The most popular products, whole, to warm caches with."""
    return tuple(_product(record) for record in await db.fetch(_TOP, limit))


async def update(db: Database, product_id: int, changes: Changes, *, unchanged_since: datetime | None = None) -> bool:
    """Change a product; False if there is none, or it was changed since `unchanged_since` (its `updated_at`)."""
    prices = json_text(cast("JsonObject", changes.prices)) if changes.prices is not None else None
    return (
        await db.fetchval(
            _UPDATE,
            product_id,
            changes.name,
            changes.description,
            changes.status,
            prices,
            changes.category_id,
            unchanged_since,
        )
        is not None
    )
