"""Orders, and the checkout that makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg
import orjson

from app.database.queries import inventory
from app.database.queries.paging import Cursor, Page
from app.database.queries.rows import JsonObject, columns, json_object, json_text
from app.database.queries.sessions import Total
from app.database.queries.statement import Database, Transaction, statement


@dataclass(frozen=True, slots=True)
class Line:
    """One product of an order; `unit_price` in minor units of the order's currency, as it was when ordered."""

    product_id: int
    name: str
    slug: str
    image: str
    quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its lines; `total` in minor units. A guest's has an `email` and no `user_id`."""

    id: int
    user_id: int | None
    email: str | None
    status: str
    currency: str
    total: int
    shipping_address: JsonObject
    lines: tuple[Line, ...]
    created_at: datetime
    updated_at: datetime


class OutOfStock(Exception):
    """Not enough pieces: `missing` maps each such product to what is left of it."""

    def __init__(self, missing: Mapping[int, int]) -> None:
        super().__init__(f"not enough stock of products {sorted(missing)}")
        self.missing = dict(missing)


class NotForSale(Exception):
    """Products that don't exist, aren't active, or have no price in this currency."""

    def __init__(self, product_ids: tuple[int, ...]) -> None:
        super().__init__(f"products {list(product_ids)} are not for sale")
        self.product_ids = product_ids


class TotalTooLarge(Exception):
    """An order may cost `LARGEST_TOTAL` minor units at most."""


class TotalChanged(Exception):
    """The order's total differs from the one that the customer was shown."""


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer of an order: a user, or a guest by e-mail address; `scope` and `key` of its Idempotency-Key."""

    user_id: int | None
    email: str | None = None
    scope: str | None = None
    key: str | None = None


LARGEST_TOTAL: Final = 2**31 - 1
"""The most that the column `total` holds, in minor units."""


_COLUMNS = """
    o.id, o.user_id, o.email, o.status, o.currency, o.total, o.shipping_address, o.created_at, o.updated_at,
    (SELECT coalesce(json_agg(json_build_object(
                'product_id', i.product_id, 'name', p.name, 'slug', p.slug, 'image', p.image,
                'quantity', i.quantity, 'unit_price', i.unit_price
            ) ORDER BY i.product_id), '[]')
     FROM order_items i JOIN products p ON p.id = i.product_id WHERE i.order_id = o.id) AS lines
    """
_GET = statement(
    "orders.get", f"SELECT {_COLUMNS} FROM orders o WHERE o.id = $1 AND (o.user_id = $2 OR o.placed_by = $3)"
)
_PLACED_WITH = statement(
    "orders.placed_with", f"SELECT {_COLUMNS} FROM orders o WHERE o.placed_by = $1 AND o.placed_with = $2"
)
_OF_USER_FIRST = statement(
    "orders.of_user.first",
    f"SELECT {_COLUMNS} FROM orders o WHERE o.user_id = $2 ORDER BY o.created_at DESC, o.id DESC LIMIT $1",
)
_OF_USER_NEXT = statement(
    "orders.of_user.next",
    f"""
    SELECT {_COLUMNS} FROM orders o
    WHERE o.user_id = $2 AND (o.created_at, o.id) < ($3::timestamptz, $4::bigint)
    ORDER BY o.created_at DESC, o.id DESC LIMIT $1
    """,
)
_PRICES = statement(
    "orders.prices",
    """
    SELECT id, name, slug, image, (prices -> $2 ->> $3)::integer AS price
    FROM products WHERE id = ANY($1::bigint[]) AND status = 'active'
    """,
)
_TAKE_STOCK = statement(
    "orders.take_stock",
    """
    UPDATE inventory SET quantity = inventory.quantity - taken.quantity
    FROM unnest($1::bigint[], $2::integer[]) AS taken (id, quantity) WHERE inventory.id = taken.id
    """,
)
_INSERT = statement(
    "orders.insert",
    """
    INSERT INTO orders (user_id, currency, total, shipping_address, email, placed_by, placed_with)
    VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7) RETURNING id, status, created_at, updated_at
    """,
)
_INSERT_LINES = statement(
    "orders.insert_lines",
    """
    INSERT INTO order_items (order_id, product_id, quantity, unit_price)
    SELECT $1, line.* FROM unnest($2::bigint[], $3::integer[], $4::integer[]) AS line
    """,
)


def _order(record: asyncpg.Record) -> Order:
    found = record["lines"]
    lines = tuple(Line(**line) for line in (orjson.loads(found) if isinstance(found, str) else found))
    return Order(**columns(record, lines=lines, shipping_address=json_object(record, "shipping_address")))


async def get(db: Database, order_id: int, *, user_id: int | None, scope: str) -> Order | None:
    """One order of this user, or of this guest's session; None for any other."""
    record = await db.fetchrow(_GET, order_id, user_id, scope)
    return _order(record) if record is not None else None


async def placed_with(db: Database, *, scope: str, key: str) -> Order | None:
    """The order that an Idempotency-Key of this user or session has placed."""
    record = await db.fetchrow(_PLACED_WITH, scope, key)
    return _order(record) if record is not None else None


async def of_user(db: Database, user_id: int, *, after: Cursor | None = None, limit: int = 20) -> Page[Order]:
    """One page of a user's orders with their lines, newest first."""
    if after is None:
        records = await db.fetch(_OF_USER_FIRST, limit + 1, user_id)
    else:
        records = await db.fetch(_OF_USER_NEXT, limit + 1, user_id, after.value, after.id)
    orders = tuple(_order(record) for record in records[:limit])
    more = len(records) > limit
    return Page(orders, Cursor(orders[-1].created_at, orders[-1].id) if more else None)


async def checkout(
    transaction: Transaction,
    customer: Customer,
    *,
    quantities: Mapping[int, int],
    currency: str,
    price_list: str,
    shipping_address: JsonObject,
    expected: Total | None = None,
) -> Order:
    """Order `quantities` (pieces by product id, each at least 1), in the caller's transaction.

    Stock rows are locked before they are read, so pieces are never sold twice and stock never falls below zero (which a
    constraint also enforces). `expected` is the total that the customer was shown. Raises NotForSale, OutOfStock,
    TotalTooLarge or TotalChanged, after which the caller must roll back; ValueError for an empty order.
    """
    if not quantities or min(quantities.values()) < 1:
        raise ValueError("an order needs at least one piece of each of its products, and one product")
    product_ids = sorted(quantities)
    offers = {
        record["id"]: record
        for record in await transaction.fetch(_PRICES, product_ids, price_list, currency)
        if record["price"] is not None
    }
    if len(offers) < len(product_ids):
        raise NotForSale(tuple(product_id for product_id in product_ids if product_id not in offers))
    await _take(transaction, quantities)
    total = sum(offers[product_id]["price"] * quantities[product_id] for product_id in product_ids)
    if total > LARGEST_TOTAL:
        raise TotalTooLarge
    if expected is not None and expected != Total(total, currency):
        raise TotalChanged
    order = await transaction.fetchrow(
        _INSERT,
        customer.user_id,
        currency,
        total,
        json_text(shipping_address),
        customer.email,
        customer.scope,
        customer.key,
    )
    if order is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    lines = tuple(
        Line(
            product_id=product_id,
            name=offers[product_id]["name"],
            slug=offers[product_id]["slug"],
            image=offers[product_id]["image"],
            quantity=quantities[product_id],
            unit_price=offers[product_id]["price"],
        )
        for product_id in product_ids
    )
    await transaction.execute(
        _INSERT_LINES,
        order["id"],
        product_ids,
        [line.quantity for line in lines],
        [line.unit_price for line in lines],
    )
    return Order(
        id=order["id"],
        user_id=customer.user_id,
        email=customer.email,
        status=order["status"],
        currency=currency,
        total=total,
        shipping_address=shipping_address,
        lines=lines,
        created_at=order["created_at"],
        updated_at=order["updated_at"],
    )


async def _take(transaction: Transaction, quantities: Mapping[int, int]) -> None:
    """Lock the products' shelves and take the pieces from them, first shelf first."""
    wanted = dict(quantities)
    taken: dict[int, int] = {}
    for shelf in await inventory.lock(transaction, sorted(quantities)):
        pieces = min(wanted[shelf.product_id], shelf.quantity)
        if pieces > 0:
            taken[shelf.id] = pieces
            wanted[shelf.product_id] -= pieces
    short = {product_id: quantities[product_id] - rest for product_id, rest in wanted.items() if rest}
    if short:
        raise OutOfStock(short)
    await transaction.execute(_TAKE_STOCK, list(taken), list(taken.values()))
