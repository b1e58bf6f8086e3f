"""What indexes cost: the same writes with and without them."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

BATCH: Final = 2000

WRITES: Final = {
    "orders with lines": f"""
        WITH placed AS (
            INSERT INTO orders (user_id, currency, total)
            SELECT 1 + n % (SELECT count(*) FROM users), 'EUR', 1000 FROM generate_series(1, {BATCH}) n RETURNING id
        )
        INSERT INTO order_items (order_id, product_id, quantity, unit_price)
        SELECT p.id, 1 + (p.id * 7919 + k) % (SELECT count(*) FROM products), 1, 500
        FROM placed p, generate_series(1, 2) k
        """,
    "product popularity": f"UPDATE products SET popularity = popularity + 1 WHERE id <= {BATCH}",
    "product names": f"UPDATE products SET name = name || ' II' WHERE id <= {BATCH}",
    "stock": f"UPDATE inventory SET quantity = quantity + 20 WHERE id <= {BATCH}",
}
"""Each writes BATCH rows, or orders."""


@dataclass(frozen=True, slots=True)
class WriteCost:
    """Microseconds and bytes of write-ahead log for a row."""

    microseconds: float
    wal_bytes: float


async def write_costs(connection: Any) -> dict[str, WriteCost]:
    """Do each write once for warmth and once for the record; all is undone."""
    found: dict[str, WriteCost] = {}
    for name, sql in WRITES.items():
        for _ in range(2):
            found[name] = await _undone(connection, lambda sql=sql: connection.execute(sql))
    return found


async def _undone(connection: Any, write: Callable[[], Awaitable[object]]) -> WriteCost:
    transaction = connection.transaction()
    await transaction.start()
    try:
        start = await connection.fetchval("SELECT pg_current_wal_insert_lsn()::text")
        begun = time.perf_counter()
        await write()
        seconds = time.perf_counter() - begun
        wal = await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::text::pg_lsn)", start)
    finally:
        await transaction.rollback()
    return WriteCost(seconds * 1e6 / BATCH, float(wal) / BATCH)
