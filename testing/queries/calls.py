"""Sample arguments for each named statement, taken from the database's own rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import asyncpg

from app.database.queries.maintenance import BATCH
from app.database.queries.products import ORDERS, Sort
from app.database.queries.statement import STATEMENTS, Database

Arguments = tuple[Any, ...]

PAGE: Final = 21
"""Rows asked of a listing: a page of 20 and one to see whether there is another."""
DEPTH: Final = 0.6
"""How deep into a listing the sampled "next page" is: the share of it that OFFSET would have to read."""
REPORT: Final = "/* report.facts */"
"""Marks the slow-query report's own statements, which it leaves out."""
SHA: Final = sha256(b"no such thing").digest()
ARGON2: Final = "$argon2id$v=19$m=65536,t=3,p=4$c2FtcGxl$c2FtcGxl"


@dataclass(frozen=True, slots=True)
class Facts:
    """Ids of ordinary rows, neither the most nor the least popular."""

    category_id: int
    category_slug: str
    product_id: int
    product_slug: str
    product_ids: list[int]
    bestseller_id: int
    user_id: int
    user_email: str
    order_id: int
    review_product_id: int
    newest_order_at: datetime


class EmptyDatabase(Exception):
    """The database has no rows to call queries with."""


async def gather_facts(db: Database) -> Facts:
    """Look up sample rows. Raises EmptyDatabase."""
    product = await db.fetchrow(
        f"""
        {REPORT} SELECT p.id, p.slug, p.category_id, c.slug AS category_slug FROM products p JOIN categories c
        ON c.id = p.category_id WHERE p.status = 'active' AND p.rating_count > 3
        ORDER BY p.popularity DESC OFFSET 50 LIMIT 1
        """
    )
    order = await db.fetchrow(
        f"""
        {REPORT} SELECT o.id, o.user_id, u.email, (SELECT max(created_at) FROM orders) AS newest FROM orders o
        JOIN users u ON u.id = o.user_id ORDER BY o.id DESC OFFSET 100 LIMIT 1
        """
    )
    if product is None or order is None:
        raise EmptyDatabase("this database has no catalogue to measure with: load one (make db-report makes its own)")
    return Facts(
        category_id=product["category_id"],
        category_slug=product["category_slug"],
        product_id=product["id"],
        product_slug=product["slug"],
        product_ids=[
            row["id"]
            for row in await db.fetch(f"{REPORT} SELECT id FROM products WHERE status = 'active' ORDER BY id LIMIT 12")
        ],
        bestseller_id=await db.fetchval(f"{REPORT} SELECT id FROM products ORDER BY popularity DESC LIMIT 1"),
        user_id=order["user_id"],
        user_email=order["email"],
        order_id=order["id"],
        review_product_id=await db.fetchval(
            f"{REPORT} SELECT id FROM products WHERE rating_count > 0 ORDER BY rating_count DESC LIMIT 1"
        ),
        newest_order_at=order["newest"],
    )


async def sample_calls(db: Database) -> Mapping[str, Arguments]:
    """Arguments for every named statement. Raises EmptyDatabase, or KeyError for a statement without a sample."""
    facts = await gather_facts(db)
    calls = _calls(facts)
    for sort, order in ORDERS.items():
        for scope in ("all", "category"):
            name = f"products.list.{scope}.{_spelled(sort)}"
            narrowed: Arguments = (facts.category_id,) if scope == "category" else ()
            calls[f"{name}.first"] = (PAGE, *narrowed)
            calls[f"{name}.next"] = (PAGE, *narrowed, *await _deep(db, order.column, order.descending, narrowed))
        name, asked = f"products.list.narrowed.{_spelled(sort)}", ("'brand:Kestrel'", True, None)
        calls[f"{name}.first"] = (PAGE, *asked)
        calls[f"{name}.next"] = (PAGE, *asked, *await _deep(db, order.column, order.descending, ()))
    newest = await db.fetchrow(
        f"{REPORT} SELECT created_at, id FROM reviews WHERE product_id = $1 "
        "ORDER BY created_at DESC, id DESC OFFSET 3 LIMIT 1",
        facts.review_product_id,
    )
    own = await db.fetchrow(f"{REPORT} SELECT created_at, id FROM orders WHERE id = $1", facts.order_id)
    if newest is None or own is None:
        raise EmptyDatabase("this database has too few reviews to page through")
    calls["reviews.newest.next"] = (PAGE, facts.review_product_id, newest["created_at"], newest["id"])
    calls["reviews.best.next"] = (PAGE, facts.review_product_id, 4, newest["id"])
    calls["orders.of_user.next"] = (PAGE, facts.user_id, own["created_at"], own["id"])
    return {name: calls[name] for name in STATEMENTS}


def _spelled(sort: Sort) -> str:
    return sort.lstrip("-") + ("_descending" if sort.startswith("-") else "")


async def _deep(db: Database, column: str, descending: bool, narrowed: Arguments) -> Arguments:
    """Sort value and id of a row deep in the listing."""
    condition = "status = 'active'" + (" AND category_id = $2" if narrowed else "")
    direction = "DESC" if descending else "ASC"
    row = await db.fetchrow(
        f"""
        {REPORT} SELECT {column} AS value, id FROM products WHERE {condition}
        ORDER BY {column} {direction}, id {direction}
        OFFSET (SELECT ($1::float8 * count(*))::int FROM products WHERE {condition}) LIMIT 1
        """,
        DEPTH,
        *narrowed,
    )
    if row is None:
        raise EmptyDatabase("this database has too few products to page through")
    return (row["value"], row["id"])


def _calls(facts: Facts) -> dict[str, Arguments]:
    now = datetime.now(UTC)
    return {
        "account_mails.add": ("sign-up", "a@shop.example", "A", "DE", ARGON2, 3_600, 20_000),
        "account_mails.take": (10, 60.0),
        "account_mails.arm": (1, SHA),
        "account_mails.sent": (1, 3_600.0),
        "account_mails.delete": (1,),
        "account_mails.retry": (1, 5.0, "sample"),
        "account_mails.sign_up": (SHA,),
        "account_mails.use": (SHA, "sign-up"),
        "account_mails.forget": ("a@shop.example", "sign-up"),
        "account_mails.backlog": (),
        "addresses.of_user": (facts.user_id,),
        "addresses.lock_user": (facts.user_id,),
        "addresses.there": (facts.user_id, "{}"),
        "addresses.add": (facts.user_id, "{}", 10),
        "addresses.delete": (facts.user_id, 1),
        "categories.all": (),
        "categories.by_slug": (facts.category_slug,),
        "devices.known": (facts.user_id, SHA),
        "devices.remember": (facts.user_id, SHA),
        "devices.forget_old": (facts.user_id, 10),
        "devices.forget_all": (facts.user_id,),
        "idempotency.claim": ("user:1", "sample", SHA, 86_400),
        "idempotency.answer": ("user:1", "sample", SHA),
        "idempotency.store": ("user:1", "sample", 200, "{}", b"{}", SHA),
        "inventory.stock": (facts.product_ids,),
        "inventory.set": (facts.product_id, "eu-central", 50),
        "inventory.lock": (facts.product_ids[:3],),
        "inventory.low": (10, 50),
        "inventory.of_warehouse": ("us-east", facts.product_id, 100),
        "idempotency.trim": ("session:sample", 20),
        "maintenance.left": (),
        "maintenance.expire_sessions": (BATCH,),
        "maintenance.expire_idempotency_keys": (BATCH,),
        "maintenance.expire_account_mails": (BATCH,),
        "maintenance.prune_outbox": (BATCH, 86_400.0),
        "orders.get": (facts.order_id, facts.user_id, "session:sample"),
        "orders.placed_with": ("user:1", "sample"),
        "orders.of_user.first": (PAGE, facts.user_id),
        "orders.to_fulfil": (0, 50),
        "orders.set_status": (facts.order_id, "pending", "processing"),
        "orders.by_day": (facts.newest_order_at - timedelta(days=1), facts.newest_order_at),
        "orders.prices": (facts.product_ids[:3], "free", "EUR"),
        "orders.take_stock": ([1, 2, 3], [0, 0, 0]),
        "orders.insert": (facts.user_id, "EUR", 1000, "{}", None, "user:1", "sample"),
        "orders.insert_lines": (facts.order_id, facts.product_ids[:1], [1], [1000]),
        "outbox.add": (["product:1"], "sample", 0.0),
        "outbox.dispatch": (["redis", "gateway"], 200),
        "outbox.take": ("cloudflare", 200, 30.0),
        "outbox.finish_target": ([1, 2], "redis"),
        "outbox.confirm": ("gateway", [1, 2], ["redis", "gateway", "cloudflare"]),
        "outbox.confirm_early": ("gateway", [1, 2]),
        "outbox.retry": ("gateway", [1, 2], 5.0, "sample", ["cloudflare"]),
        "outbox.forget_others": (["redis", "gateway", "cloudflare"],),
        "outbox.recent_tags": (30.0, "redis"),
        "outbox.backlog": (),
        "products.get": (facts.product_id,),
        "products.get_any": (facts.product_id,),
        "products.get_by_slug": (facts.product_slug,),
        "products.get_many": (facts.product_ids,),
        "products.top": (100,),
        "products.ranked": (100,),
        "products.active_ids": (facts.product_id, 1000),
        "products.by_status": (facts.category_id, "draft", 50),
        "products.praised": (facts.category_id, 4, 20),
        "products.facets": (
            None,
            "'category:3'",
            None,
            None,
            "'category:3' & 'brand:Kestrel'",
            False,
            None,
            "free",
            "EUR",
        ),
        "products.search": (20, None, False, "walnut desk lamp"),
        "products.search_like": (20, None, False, None, "%desk lam%"),
        "products.search_similar": (20, None, False, None, "pendnt lihgt"),
        "products.suggest": ("%lamp%", 8),
        "products.suggest_similar": ("pendnt lihgt", 8),
        "products.also_bought": (facts.bestseller_id, 8),
        "products.update": (facts.product_id, None, None, "active", None, None, None),
        "reviews.newest.first": (PAGE, facts.review_product_id),
        "reviews.best.first": (PAGE, facts.review_product_id),
        "reviews.by_stars": (facts.review_product_id,),
        "reviews.by_user": (facts.user_id, 50),
        "reviews.add": (facts.product_id, facts.user_id, 5, "Good", "Does its work."),
        "reviews.lock_product": (facts.product_id,),
        "reviews.rate": (facts.product_id,),
        "reviews.author": (facts.user_id,),
        "sessions.get": (SHA,),
        "sessions.is_there": (SHA,),
        "sessions.lock_cart": (SHA,),
        "sessions.save": (SHA, facts.user_id, None, None, 86_400, 0, None, None),
        "sessions.change": (SHA, None, None, 86_400, None, None),
        "sessions.touch": (SHA, 86_400, 60),
        "sessions.delete": (SHA,),
        "sessions.delete_of_user": (facts.user_id,),
        "tokens.authenticate": (SHA,),
        "tokens.issue": ("sample", SHA, "service", now),
        "tokens.revoke": ("sample",),
        "users.create": ("b@shop.example", "B", "DE", ARGON2),
        "users.get": (facts.user_id,),
        "users.credentials": (facts.user_email,),
        "users.update": (facts.user_id, "Other", None, None),
        "users.set_preferences": (facts.user_id, "{}", None),
        "users.password_hash": (facts.user_id,),
        "users.set_password_hash": (facts.user_id, "$argon2id$v=19$sample"),
    }


async def in_rolled_back_transaction(
    connection: "asyncpg.Connection[asyncpg.Record]", sql: str, arguments: Arguments
) -> list[asyncpg.Record]:
    """Run a statement and undo what it did."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        return await connection.fetch(sql, *arguments)
    finally:
        await transaction.rollback()
