"""Bring a database to the newest schema, and its roles to the declared passwords."""

from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.database.exclusive import exclusive
from app.database.roles import Verifiers, grant_roles

LOCK_TIMEOUT: Final = "5s"
"""Longest wait for a table lock. A waiting ALTER TABLE makes every later query of that table queue behind it."""


async def upgrade(dsn: str, roles: Verifiers | None = None) -> tuple[str, ...]:
    """Apply every missing step to the database at `dsn` (its owner's login), directly, never through pgBouncer.

    Callers may run concurrently: they take turns, and later ones find nothing to do. With `roles`, the login roles
    `app` and `exporter` are created or updated too; without it, only existing roles get their grants. Returns the
    revisions applied. Raises `asyncpg.PostgresError` or `OSError` when the server refuses or can't be reached, and
    SQLAlchemy's `DBAPIError` when a step fails, which is then rolled back.
    """
    async with exclusive(dsn, "migrations"):
        applied = await _run_steps(dsn)
        await grant_roles(dsn, roles)
    return applied


async def _run_steps(dsn: str) -> tuple[str, ...]:
    async def connect() -> asyncpg.Connection:
        # Passed unchanged, so that SQLAlchemy's URL parsing can't change a password.
        return await asyncpg.connect(
            dsn,
            statement_cache_size=0,
            server_settings={"lock_timeout": LOCK_TIMEOUT, "application_name": "migrations"},
        )

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    applied: list[str] = []

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        config.attributes["applied"] = applied
        command.upgrade(config, "head")

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()
    return tuple(applied)


def newest_revision() -> str:
    """The revision of a fully migrated database."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    head = ScriptDirectory.from_config(config).get_current_head()
    if head is None:
        raise RuntimeError(f"no migration steps in {Path(__file__).parent / 'versions'}")
    return head
