"""What indexes cost: the same writes with and without them, in turn, so that both meet the same machine."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from kpi.database.before_after.measure import Index

BATCH: Final = 1000
RUNS: Final = 5

INSERTS: Final = {
    "products": f"""
        INSERT INTO products (category_id, sku, slug, name, brand, description, status, popularity, prices, image,
                              image_width, image_height, image_blurhash)
        SELECT category_id, sku || '-NEW', slug || '-new', name, brand, description, status, popularity, prices, image,
               image_width, image_height, image_blurhash FROM products WHERE id <= {BATCH}
        """,
    "inventory": f"""
        INSERT INTO inventory (product_id, warehouse, quantity)
        SELECT id, 'new', id % 40 FROM products WHERE id <= {BATCH}
        """,
    "orders": f"""
        INSERT INTO orders (user_id, currency, total)
        SELECT 1 + n % {{users}}, 'EUR', 1000 FROM generate_series(1, {BATCH}) n
        """,
    "order_items": f"""
        INSERT INTO order_items (order_id, product_id, quantity, unit_price)
        SELECT id, 1 + id * 7919 % {{products}}, 1, 500 FROM orders ORDER BY id DESC LIMIT {BATCH}
        ON CONFLICT DO NOTHING
        """,
    "reviews": f"""
        INSERT INTO reviews (product_id, user_id, rating, title, body)
        SELECT 1 + n * 7919 % {{products}}, 1 + n % {{users}}, 1 + n % 5, 'Good', 'Does its work.'
        FROM generate_series(1, {BATCH}) n ON CONFLICT DO NOTHING
        """,
    "sessions": f"""
        INSERT INTO sessions (id_digest, user_id, expires_at)
        SELECT sha256(('new' || n)::bytea), 1 + n % {{users}}, now() + interval '1 day'
        FROM generate_series(1, {BATCH}) n
        """,
    "idempotency_keys": f"""
        INSERT INTO idempotency_keys (scope, key, request_digest, expires_at)
        SELECT 'new', n::text, sha256(n::text::bytea), now() + interval '1 day' FROM generate_series(1, {BATCH}) n
        """,
    "invalidation_outbox": f"""
        INSERT INTO invalidation_outbox (tags, reason)
        SELECT ARRAY['product:' || n], 'new' FROM generate_series(1, {BATCH}) n
        """,
    "invalidation_queue": f"""
        INSERT INTO invalidation_queue (event_id, layer) SELECT id, 'new' FROM invalidation_outbox LIMIT {BATCH}
        """,
    "account_mails": f"""
        INSERT INTO account_mails (purpose, email, expires_at)
        SELECT 'password-reset', n || '@new.example', now() + interval '1 hour' FROM generate_series(1, {BATCH}) n
        """,
}
"""For each table with plain indexes: BATCH new rows, in one statement."""

UPDATES: Final = {
    "product: popularity": f"UPDATE products SET popularity = popularity + 1 WHERE id <= {BATCH}",
    "product: name": f"UPDATE products SET name = name || ' II' WHERE id <= {BATCH}",
    "stock": f"UPDATE inventory SET quantity = quantity + 20 WHERE id <= {BATCH}",
    "session: cart": f"""
        UPDATE sessions SET cart_data = '{{{{"1": 1}}}}', last_activity = now()
        WHERE id_digest IN (SELECT id_digest FROM sessions LIMIT {BATCH})
        """,
}


@dataclass(frozen=True, slots=True)
class WriteCost:
    """Of one row: microseconds (median of the runs) and bytes of write-ahead log."""

    microseconds: float
    wal_bytes: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A write without the indexes in question and with them."""

    without: WriteCost
    whole: WriteCost

    @property
    def added(self) -> WriteCost:
        """What the indexes add."""
        return WriteCost(
            self.whole.microseconds - self.without.microseconds, self.whole.wal_bytes - self.without.wal_bytes
        )


async def write_costs(connection: Any, indexes: Sequence[Index]) -> dict[str, Compared]:
    """Each write without any plain index and with all; everything is undone."""
    names = [index.name for index in indexes]
    writes = {f"new row of {table}": sql for table, sql in INSERTS.items()} | UPDATES
    sizes = await _sizes(connection)
    return {name: await _compare(connection, sql.format_map(sizes), names, ()) for name, sql in writes.items()}


async def index_costs(connection: Any, indexes: Sequence[Index]) -> dict[str, Compared]:
    """A new row of each index's table, without any plain index and with that one alone.

    Alone, because inverted indexes beside it would write their pending lists now and then, whatever is measured.
    """
    names = frozenset(index.name for index in indexes)
    sizes = await _sizes(connection)
    return {
        index.name: await _compare(
            connection, INSERTS[index.table].format_map(sizes), sorted(names), sorted(names - {index.name})
        )
        for index in indexes
    }


async def _sizes(connection: Any) -> Mapping[str, int]:
    return {
        "users": await connection.fetchval("SELECT count(*) FROM users"),
        "products": await connection.fetchval("SELECT count(*) FROM products"),
    }


async def _compare(connection: Any, sql: str, fewer: Sequence[str], more: Sequence[str]) -> Compared:
    """The write's costs with the indexes `fewer` dropped, and with `more` dropped."""
    # Writes that are rolled back leave dead rows, which would slow the next one.
    await connection.execute("VACUUM")
    without: list[WriteCost] = []
    whole: list[WriteCost] = []
    for _ in range(RUNS):
        whole.append(await _undone(connection, sql, more))
        without.append(await _undone(connection, sql, fewer))
    return Compared(_median(without), _median(whole))


def _median(costs: Sequence[WriteCost]) -> WriteCost:
    return WriteCost(median(cost.microseconds for cost in costs), median(cost.wal_bytes for cost in costs))


async def _undone(connection: Any, sql: str, dropped: Sequence[str]) -> WriteCost:
    transaction = connection.transaction()
    await transaction.start()
    try:
        for name in dropped:
            await connection.execute(f"DROP INDEX {name}")
        start = await connection.fetchval("SELECT pg_current_wal_insert_lsn()::text")
        begun = time.perf_counter()
        await connection.execute(sql)
        seconds = time.perf_counter() - begun
        wal = await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::text::pg_lsn)", start)
    finally:
        await transaction.rollback()
    return WriteCost(seconds * 1e6 / BATCH, float(wal) / BATCH)
