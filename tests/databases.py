"""A Postgres for each test process, and in it a small shop that tests read, or copy to write in."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from app.database.catalogue import Size, load
from app.database.migrations import upgrade
from testing.postgres import Cluster

SIZE = Size(products=6_000, users=4_000, orders=30_000, reviews=10_000)

Connection = Any
"""asyncpg's connection (its stubs make it generic, the class itself is not)."""

_numbers = itertools.count()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running server without durability."""
    with Cluster() as running:
        yield running


def create_database(cluster: Cluster, name: str, template: str = "template1") -> str:
    """A new database, as a copy of another one; gives its URL."""

    async def create() -> None:
        connection = await asyncpg.connect(cluster.dsn())
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        finally:
            await connection.close()

    asyncio.run(create())
    return cluster.dsn(name)


@pytest.fixture(scope="session")
def schema_template(cluster: Cluster) -> str:
    """Name of a migrated, empty database: to copy, never to connect to."""
    dsn = create_database(cluster, "schema_template")
    asyncio.run(upgrade(dsn))
    return "schema_template"


@pytest.fixture(scope="session")
def shop_template(cluster: Cluster, schema_template: str) -> str:
    """Name of a database with the small catalogue: to copy, never to connect to."""
    dsn = create_database(cluster, "shop_template", schema_template)
    asyncio.run(load(dsn, SIZE))
    return "shop_template"


@pytest.fixture(scope="session")
def catalogue_dsn(cluster: Cluster, shop_template: str) -> str:
    """The small shop, shared: for reading only."""
    return create_database(cluster, "shop_to_read", shop_template)


@pytest.fixture
def empty_dsn(cluster: Cluster, schema_template: str) -> str:
    """A migrated database without rows, a test's own."""
    return create_database(cluster, f"empty_{next(_numbers)}", schema_template)


@pytest.fixture
def shop_dsn(cluster: Cluster, shop_template: str) -> str:
    """The small shop, a test's own."""
    return create_database(cluster, f"shop_{next(_numbers)}", shop_template)


@pytest.fixture
async def catalogue(catalogue_dsn: str) -> AsyncIterator[Connection]:
    """A connection to the shared small shop; what is written is undone."""
    connection = await asyncpg.connect(catalogue_dsn)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.fixture
async def own_shop(shop_dsn: str) -> AsyncIterator[Connection]:
    """A connection to a test's own small shop."""
    connection = await asyncpg.connect(shop_dsn)
    yield connection
    await connection.close()
