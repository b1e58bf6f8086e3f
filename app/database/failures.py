"""What asyncpg raises when something is wrong."""

from typing import Final

import asyncpg

AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # A connection that is closed just as a statement begins: "another operation is in progress".
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.ProtocolViolationError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedTableError,
)
"""Postgres or pgBouncer is away, overloaded, not migrated yet, or gives up waiting: later it may work."""

ANY: Final = (*AWAY, asyncpg.PostgresError)
"""A query failed, for whatever reason."""
