"""Stock by product and warehouse. The checkout (`orders`) takes from it under row locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.database.queries.statement import Database, Transaction, statement


@dataclass(frozen=True, slots=True)
class Stock:
    """A product's pieces in all warehouses together."""

    product_id: int
    quantity: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LockedShelf:
    """One warehouse's stock of a product, locked until the transaction ends."""

    id: int
    product_id: int
    quantity: int
    updated_at: datetime


_STOCK = statement(
    "inventory.stock",
    """
    SELECT product_id, sum(quantity) AS quantity, max(updated_at) AS updated_at
    FROM inventory WHERE product_id = ANY($1::bigint[]) GROUP BY product_id ORDER BY product_id
    """,
)
_SET = statement(
    "inventory.set",
    "UPDATE inventory SET quantity = $3 WHERE warehouse = $2 AND product_id = $1 RETURNING id",
)
# In order of id, so that two transactions that take the same products never wait for each other in a circle.
_LOCK = statement(
    "inventory.lock",
    """
    SELECT id, product_id, quantity, updated_at FROM inventory
    WHERE product_id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE
    """,
)


async def stock(db: Database, product_ids: Sequence[int]) -> dict[int, Stock]:
    """The stock of each of the products that any warehouse carries."""
    return {
        record["product_id"]: Stock(record["product_id"], int(record["quantity"]), record["updated_at"])
        for record in await db.fetch(_STOCK, list(product_ids))
    }


async def set_quantity(db: Database, product_id: int, warehouse: str, quantity: int) -> bool:
    """Set a warehouse's stock of a product. Returns False if it doesn't carry it. Raises CheckViolationError below
    zero.
    """
    return await db.fetchval(_SET, product_id, warehouse, quantity) is not None


async def lock(transaction: Transaction, product_ids: Sequence[int]) -> tuple[LockedShelf, ...]:
    """Lock and return all shelves of these products, until the transaction ends."""
    return tuple(LockedShelf(**record) for record in await transaction.fetch(_LOCK, list(product_ids)))
