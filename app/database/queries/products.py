"""Products: their page, listings, search, and the one thing administrators change about them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar, cast

import asyncpg

from app.database.queries.narrowing import (
    LONGEST_BRAND,
    PRICE_BOUNDS,
    RATINGS,
    Narrowing,
    filtered,
)
from app.database.queries.paging import Cursor, Page
from app.database.queries.rows import JsonObject, columns, json_object, json_text
from app.database.queries.statement import Database, statement

EVERYTHING: Final = Narrowing()

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


Kind = TypeVar("Kind", bound=Card)


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
COUNTED: Final = 10_000
"""The most matches that are counted; beyond it the number is unknown."""
_SEARCH = statement(
    "products.search",
    f"""
    WITH matches AS MATERIALIZED (
        SELECT p.id, p.search, p.popularity FROM products p WHERE p.status = 'active' AND {filtered(2)}
        ORDER BY p.popularity DESC, p.id DESC LIMIT {SEARCHED}
    ),
    ranked AS (
        SELECT m.id, ts_rank(m.search, websearch_to_tsquery('english', $4)) AS rank, m.popularity
        FROM matches m ORDER BY rank DESC, popularity DESC, id DESC LIMIT $1
    ),
    counted AS MATERIALIZED (
        SELECT count(*) AS total
        FROM (SELECT FROM products p WHERE p.status = 'active' AND {filtered(2)} LIMIT {COUNTED}) matching
    )
    SELECT {CARD}, counted.total FROM ranked r JOIN products p ON p.id = r.id, counted
    ORDER BY r.rank DESC, r.popularity DESC, r.id DESC
    """,
)
_SEARCH_LIKE = statement(
    "products.search_like",
    f"""
    SELECT {CARD}, (
        SELECT count(*) FROM (
            SELECT FROM products p WHERE p.name ILIKE $5 AND p.status = 'active' AND {filtered(2)} LIMIT {COUNTED}
        ) matching
    ) AS total
    FROM products p WHERE p.name ILIKE $5 AND p.status = 'active' AND {filtered(2)}
    ORDER BY p.popularity DESC, p.id DESC LIMIT $1
    """,
)
_SEARCH_SIMILAR = statement(
    "products.search_similar",
    f"""
    WITH matches AS MATERIALIZED (
        SELECT p.id, word_similarity($5, p.name) AS likeness, p.popularity, count(*) OVER () AS total
        FROM products p WHERE $5 <% p.name AND p.status = 'active' AND {filtered(2)}
        ORDER BY likeness DESC, p.popularity DESC, p.id DESC LIMIT $1
    )
    SELECT {CARD}, m.total FROM matches m JOIN products p ON p.id = m.id
    ORDER BY m.likeness DESC, m.popularity DESC, m.id DESC
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
FACETED: Final = 500
"""Facets are those of this many of the most popular products, which misses hardly any."""


_BAND: Final = f"width_bucket((prices -> $8 ->> $9)::integer, ARRAY{list(PRICE_BOUNDS)})"
_FACETED = f"""
    SELECT p.category_id, p.brand, p.prices, p.rating_average FROM products p WHERE p.status = 'active' AND {{}}
    ORDER BY p.popularity DESC, p.id DESC LIMIT {FACETED}
    """


def _facet(kind: str, value: str, query: int) -> str:
    """SQL of a facet's values: without its own filter, by a separate query, if that filter is set; else from `base`."""
    others = (
        filtered(5)
        .replace("$5::text IS NULL", f"${query}::text = ''")
        .replace("$5::text", f"nullif(${query}::text, '')")
    )
    open_to_all = _FACETED.format(f"${query}::text IS NOT NULL AND {others}")
    return f"""
        SELECT '{kind}' AS kind, {value} AS value
        FROM (SELECT * FROM base WHERE ${query}::text IS NULL UNION ALL ({open_to_all})) p GROUP BY 2
        """


_FACETS = statement(
    "products.facets",
    f"WITH base AS MATERIALIZED ({_FACETED.format(filtered(5))})"
    + " UNION ALL ".join(
        (
            _facet("category", "category_id::text", 1),
            _facet("brand", "brand", 2),
            _facet("price", f"{_BAND}::text", 3),
            _facet("rating", "floor(rating_average)::integer::text", 4),
            f"""
            (SELECT 'stock', 'true' FROM products p WHERE p.status = 'active' AND {filtered(5, in_stock="true")}
             ORDER BY p.popularity DESC, p.id DESC LIMIT 1)
            """,
        )
    ),
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


def _narrowed(sort: Sort, *, first: bool) -> str:
    order = ORDERS[sort]
    direction, beyond = ("DESC", "<") if order.descending else ("ASC", ">")
    further = "" if first else f"AND (p.{order.column}, p.id) {beyond} ($5::{order.sql_type}, $6::bigint)"
    return statement(
        f"products.list.narrowed.{sort.lstrip('-')}{'_descending' if sort.startswith('-') else ''}"
        f".{'first' if first else 'next'}",
        f"""
        SELECT {CARD} FROM products p WHERE p.status = 'active' AND {filtered(2)} {further}
        ORDER BY p.{order.column} {direction}, p.id {direction} LIMIT $1
        """,
    )


_NARROWED: Final = {(sort, first): _narrowed(sort, first=first) for sort in Sort for first in (False, True)}

# One statement for each shape: a single one with optional conditions would have no single good plan.
_LISTINGS: Final = {
    (sort, of_category, first): _listing(sort, of_category=of_category, first=first)
    for sort in Sort
    for of_category in (False, True)
    for first in (False, True)
}


def _row(kind: type[Kind], record: asyncpg.Record) -> Kind:
    """The record as this kind of row; some statements have further columns."""
    found = columns(
        record,
        prices=json_object(record, "prices"),
        rating_average=float(record["rating_average"]),
        stock=int(record["stock"]),
    )
    return kind(**{field.name: found[field.name] for field in fields(kind)})


async def get(db: Database, product_id: int) -> Product | None:
    """A product's page (drafts have none)."""
    record = await db.fetchrow(_GET, product_id)
    return _row(Product, record) if record is not None else None


async def get_any(db: Database, product_id: int) -> Product | None:
    """A product's page whatever its status, for administrators."""
    record = await db.fetchrow(_GET_ANY, product_id)
    return _row(Product, record) if record is not None else None


async def get_many(db: Database, product_ids: Sequence[int]) -> tuple[Card, ...]:
    """Those of the products that exist, in the order asked for, in one query (for carts and recommendations)."""
    found = {record["id"]: _row(Card, record) for record in await db.fetch(_GET_MANY, list(product_ids))}
    return tuple(found[product_id] for product_id in product_ids if product_id in found)


async def listing(
    db: Database,
    *,
    narrowing: Narrowing = EVERYTHING,
    sort: Sort = Sort.POPULARITY,
    after: Cursor | None = None,
    limit: int = 20,
) -> Page[Card]:
    """One page of active products. `after` is the cursor of the page before."""
    category_id = narrowing.category_id
    parameters: list[object] = [limit + 1]
    if narrowing.only_category:
        found = _LISTINGS[sort, category_id is not None, after is None]
        parameters += [category_id] if category_id is not None else []
    else:
        found = _NARROWED[sort, after is None]
        parameters += narrowing.parameters
    if after is not None:
        parameters += [after.value, after.id]
    records = await db.fetch(found, *parameters)
    more = len(records) > limit
    records = records[:limit]
    cursor = Cursor(records[-1][ORDERS[sort].column], records[-1]["id"]) if more else None
    return Page(tuple(_row(Card, record) for record in records), cursor)


def cursor_kind(sort: Sort) -> type[int] | type[Decimal] | type[datetime]:
    """What the cursors of a listing in this order hold, for `Cursor.decode`."""
    return ORDERS[sort].python_type


@dataclass(frozen=True, slots=True)
class Found:
    """What a search finds: the best matches, and how many there are (`COUNTED`: as many or more)."""

    items: tuple[Card, ...]
    total: int
    similar: bool = False
    """No product has all of the words: these have similar names."""


async def search(db: Database, narrowing: Narrowing, *, limit: int = 20) -> Found:
    """The best matches for `narrowing.text`, among the `SEARCHED` most popular; else products with similar names."""
    if records := await db.fetch(_SEARCH, limit, *narrowing.parameters):
        return _found(records, similar=False)
    typed, alike = narrowing.text or "", replace(narrowing, text=None)
    for query, text in ((_SEARCH_LIKE, _containing(typed)), (_SEARCH_SIMILAR, typed)):
        if records := await db.fetch(query, limit, *alike.parameters, text):
            return _found(records, similar=True)
    return Found((), 0)


def _found(records: list[asyncpg.Record], *, similar: bool) -> Found:
    return Found(tuple(_row(Card, record) for record in records), records[0]["total"], similar)


def _containing(text: str) -> str:
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of each filter that leave at least one product, with all other filters as they are."""

    categories: tuple[int, ...]
    brands: tuple[str, ...]
    prices_from: tuple[int, ...]
    """Those of `PRICE_BOUNDS` that leave a product as the lower bound."""
    prices_to: tuple[int, ...]
    """Those that leave a product as the upper bound."""
    ratings: tuple[int, ...]
    in_stock: bool


_GROUPS: Final = (("category_id",), ("brand",), ("price_from", "price_to"), ("rating",))


def _opened(narrowing: Narrowing, names: tuple[str, ...]) -> str | None:
    """The query without these filters, empty if none is left; None if none of these is set."""
    opened = narrowing.without(*names)
    return None if opened == narrowing else opened.query() or ""


async def facets(db: Database, narrowing: Narrowing) -> Facets:
    """The facets of `narrowing`."""
    records = await db.fetch(
        _FACETS,
        *(_opened(narrowing, names) for names in _GROUPS),
        *narrowing.parameters,
        narrowing.tier,
        narrowing.currency,
    )
    found: dict[str, list[str]] = {}
    for record in records:
        if record["value"] is not None:
            found.setdefault(record["kind"], []).append(record["value"])
    bands = [int(band) for band in found.get("price", ())]
    stars = max(map(int, found.get("rating", ())), default=0)
    return Facets(
        categories=tuple(sorted(map(int, found.get("category", ())))),
        brands=tuple(sorted({brand[:LONGEST_BRAND] for brand in found.get("brand", ())})),
        prices_from=tuple(bound for band, bound in enumerate(PRICE_BOUNDS, 1) if band <= max(bands, default=-1)),
        prices_to=tuple(
            bound for band, bound in enumerate(PRICE_BOUNDS) if band >= min(bands, default=len(PRICE_BOUNDS))
        ),
        ratings=tuple(rating for rating in RATINGS if rating <= stars),
        in_stock="stock" in found,
    )


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A product offered while the customer is still typing."""

    id: int
    slug: str
    name: str


async def suggest(db: Database, typed: str, *, limit: int = 8) -> tuple[Suggestion, ...]:
    """Products whose name contains `typed`, popular ones first; if none does, the most similar names."""
    records = await db.fetch(_SUGGEST, _containing(typed), limit)
    if not records:
        records = await db.fetch(_SUGGEST_SIMILAR, typed, limit)
    return tuple(Suggestion(record["id"], record["slug"], record["name"]) for record in records)


async def top(db: Database, limit: int = 100) -> tuple[Product, ...]:
    """The most popular products with all fields, to warm caches."""
    return tuple(_row(Product, record) for record in await db.fetch(_TOP, limit))


async def update(db: Database, product_id: int, changes: Changes, *, unchanged_since: datetime | None = None) -> bool:
    """Change a product. Returns False if there is none, or it was changed since `unchanged_since` (its
    `updated_at`).
    """
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
