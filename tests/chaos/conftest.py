"""The declared pairs and Sentinels, run as the local environment runs them, without the rest of the shop."""

import asyncio
import shutil
from collections.abc import Iterator

import pytest
from network_namespace import own_network
from redis_pairs import PASSWORDS, Pairs

from app.database.migrations import upgrade
from kpi.database.cluster import Cluster
from local import cloud
from local.environment import Environment
from local.state import State
from review.render import render

COMPONENT = "simone:redis:Redis"


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    """Three healthy pairs and their Sentinels, in a network of their own, with AWS's stand-in for backups."""
    rendered = render("local", secrets={"redis": PASSWORDS}, resolve=cloud.resolve)
    ours = [
        resource
        for resource in rendered.resources
        if COMPONENT in resource.urn or resource.type.startswith("pulumi:providers:")
    ]
    state = State(tmp_path_factory.mktemp("pairs"))
    environment = Environment(state, resources=ours)
    with own_network():
        try:
            environment.up()
            yield Pairs(environment)
        finally:
            environment.down()
            shutil.rmtree(state.volumes, ignore_errors=True)  # the logs stay for whoever looks at a failure


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """Where the sessions have their copies: a Postgres with the shop's tables, empty."""
    with Cluster() as cluster:
        asyncio.run(upgrade(cluster.dsn(), None))
        yield cluster
