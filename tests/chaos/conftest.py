"""The declared pairs and Sentinels, run as the local environment runs them, without the rest of the shop."""

import asyncio
from collections.abc import Iterator

import pytest
from redis_pairs import Pairs, running_pairs

from app.database.migrations import upgrade
from testing.postgres import Cluster


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    """The pairs as the local stack declares them."""
    with running_pairs(tmp_path_factory.mktemp("pairs")) as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """Where the sessions have their copies: a Postgres with the shop's tables, empty."""
    with Cluster() as cluster:
        asyncio.run(upgrade(cluster.dsn(), None))
        yield cluster
