"""Addresses that customers save for their orders."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from app.database.queries.rows import JsonObject, json_object, json_text
from app.database.queries.statement import Database, Transaction, statement

MOST: Final = 10
"""Of a customer."""


@dataclass(frozen=True, slots=True)
class SavedAddress:
    """An address that a customer has saved."""

    id: int
    address: JsonObject


class TooManyAddresses(Exception):
    """The customer has saved `MOST` already."""


_OF_USER = statement("addresses.of_user", "SELECT id, address FROM addresses WHERE user_id = $1 ORDER BY id DESC")
_LOCK_USER = statement("addresses.lock_user", "SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE")
_THERE = statement("addresses.there", "SELECT id, address FROM addresses WHERE user_id = $1 AND address = $2::jsonb")
_ADD = statement(
    "addresses.add",
    """
    INSERT INTO addresses (user_id, address)
    SELECT $1, $2::jsonb WHERE (SELECT count(*) FROM addresses WHERE user_id = $1) < $3 RETURNING id, address
    """,
)
_DELETE = statement("addresses.delete", "DELETE FROM addresses WHERE user_id = $1 AND id = $2 RETURNING id")


def _saved_address(record: asyncpg.Record) -> SavedAddress:
    return SavedAddress(record["id"], json_object(record, "address"))


async def of_user(db: Database, user_id: int) -> tuple[SavedAddress, ...]:
    """A customer's addresses, the latest first."""
    return tuple(_saved_address(record) for record in await db.fetch(_OF_USER, user_id))


async def add(transaction: Transaction, user_id: int, address: JsonObject) -> SavedAddress | None:
    """Save an address, unless it is saved already. Returns None if there is no such user. Raises TooManyAddresses."""
    if await transaction.fetchval(_LOCK_USER, user_id) is None:
        return None
    record = await transaction.fetchrow(_THERE, user_id, json_text(address))
    record = record or await transaction.fetchrow(_ADD, user_id, json_text(address), MOST)
    if record is None:
        raise TooManyAddresses
    return _saved_address(record)


async def delete(db: Database, user_id: int, address_id: int) -> bool:
    """Delete an address. Returns False if the customer doesn't have it."""
    return await db.fetchval(_DELETE, user_id, address_id) is not None
