"""What the environments declare is what the tests run, and the documentation says both."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from stack.environments import environments
from testing.postgres import Cluster
from testing.postgres_programs import RELEASES, PostgresMissing, declared_major, install


def test_a_server_of_every_declared_version_can_be_had() -> None:
    assert {declared_major(environment) for environment in environments()} <= set(RELEASES)


def test_the_servers_of_the_tests_have_prod_s_version() -> None:
    async def version(cluster: Cluster) -> int:
        connection = await asyncpg.connect(cluster.dsn())
        found = await connection.fetchval("SHOW server_version_num")
        await connection.close()
        return int(found) // 10_000

    with Cluster() as cluster:
        assert asyncio.run(version(cluster)) == declared_major("prod")


def test_the_documentation_names_the_versions_that_are_declared_and_tested() -> None:
    row = re.search(r"^\| Postgres \| ([^|]*) \| ([^|]*) \|", Path("docs/versions.md").read_text(), re.MULTILINE)
    assert row is not None
    declared = sorted({declared_major(environment) for environment in environments()})
    assert row[1] == ", ".join(map(str, declared))
    assert row[2] == ", ".join(release.partition("-")[0].removesuffix(".0") for release in RELEASES.values())


def test_a_version_that_nobody_has_is_named() -> None:
    with pytest.raises(PostgresMissing, match=r"no Postgres 12 .*; known are 16, 17 for"):
        install(12)
