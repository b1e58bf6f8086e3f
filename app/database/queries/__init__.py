"""Every query that the shop makes, by subject: one function each, typed in and out, all parameters bound.

A function takes a pool or a connection and returns frozen rows. None keeps state or prepares statements by name, so all
work through pgBouncer in transaction mode, whatever `statement_cache_size` is. Functions whose statements must be
atomic (checkout, a review) take a connection inside a transaction.
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
