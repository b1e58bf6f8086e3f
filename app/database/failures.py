"""asyncpg's exceptions, by what they mean for a caller."""

from typing import Final

import asyncpg

AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # "another operation is in progress": the connection closed just as a statement began.
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
"""Postgres or pgBouncer is unreachable, overloaded, not migrated yet, or timed out: a retry may work."""

ANY: Final = (*AWAY, asyncpg.PostgresError)
"""A query failed, for any reason."""
