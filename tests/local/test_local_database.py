"""The database of the local environment is a real one of the declared major version, with the declared parameters."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from local import cloud, database
from local.environment import Environment
from local.state import State
from stack.render import render
from testing.network_namespace import own_network


def _database_alone(directory: Path, major: int) -> Environment:
    """What the local stack declares of AWS, with an engine version."""
    ours = [
        replace(each, inputs={**each.inputs, "engineVersion": str(major)}) if each.type == database.INSTANCE else each
        for each in render("local", resolve=cloud.resolve).resources
        if each.type.startswith("aws:")
    ]
    return Environment(State(directory), resources=ours)


async def _ask(password: str) -> tuple[int, set[str]]:
    connection = await asyncpg.connect(
        host=database.ADDRESS, user="simone_owner", password=password, database="simone", ssl="require"
    )
    major = int(await connection.fetchval("SHOW server_version_num")) // 10_000
    libraries = await connection.fetchval("SHOW shared_preload_libraries")
    await connection.execute("CREATE EXTENSION pg_trgm")
    await connection.fetch("SELECT * FROM pg_stat_statements LIMIT 1")
    await connection.close()
    return major, set(libraries.split(","))


@pytest.mark.pods
@pytest.mark.parametrize("major", [16, 17])
def test_the_declared_major_version_runs(tmp_path: Path, major: int) -> None:
    environment = _database_alone(tmp_path / "state", major)
    with own_network():
        try:
            environment.up()
            instance = database.declared(environment.plan().resources, "")
            assert instance is not None
            found, libraries = asyncio.run(_ask(instance.password))
        finally:
            environment.down()
    assert found == major
    assert {"pg_stat_statements", "auto_explain"} <= libraries
