"""Every query that the shop makes, by subject: one function each, typed in and out, all parameters bound.

A function takes a pool or a connection and gives frozen rows. Nothing here keeps state or prepares by name, so all of
it works through pgBouncer in transaction mode, with `statement_cache_size=0` or without. Functions that need several
statements to be one (checkout, a review) say so and take a connection inside a transaction.
"""

from app.database.queries import (
    account_mails,
    addresses,
    categories,
    devices,
    idempotency,
    inventory,
    maintenance,
    orders,
    outbox,
    products,
    reviews,
    sessions,
    tokens,
    users,
)
from app.database.queries.statement import STATEMENTS, Database, Transaction

__all__ = [
    "STATEMENTS",
    "Database",
    "Transaction",
    "account_mails",
    "addresses",
    "categories",
    "devices",
    "idempotency",
    "inventory",
    "maintenance",
    "orders",
    "outbox",
    "products",
    "reviews",
    "sessions",
    "tokens",
    "users",
]
