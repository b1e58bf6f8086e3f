"""No query of the Postgres exporter gives two samples with the same labels: that is a 500, and no metrics at all."""

import asyncio
from typing import Any

import asyncpg
import pytest
import yaml

from components.monitoring.config.postgres_exporter import queries_yml
from testing.postgres import Cluster

QUERIES: dict[str, dict[str, Any]] = yaml.safe_load(queries_yml())
ASKED = "SELECT count(*) FROM pg_class WHERE relpages > 5"


def labels(metrics: list[dict[str, dict[str, str]]]) -> list[str]:
    return [name for metric in metrics for name, about in metric.items() if about["usage"] == "LABEL"]


async def _fill(cluster: Cluster) -> None:
    """Everything that exists twice in a database: a statement of two roles and of a function, names in two schemas."""
    owner = await asyncpg.connect(cluster.dsn())
    await owner.execute("CREATE EXTENSION pg_stat_statements; CREATE ROLE second LOGIN SUPERUSER PASSWORD 'second'")
    await owner.execute(
        f"CREATE FUNCTION nested() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RETURN ({ASKED}); END$$;"
        "CREATE SCHEMA other; CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE other.t (id int PRIMARY KEY);"
        "CREATE TEMPORARY TABLE t (id int PRIMARY KEY)"
    )
    second = await asyncpg.connect(cluster.dsn(user="second", password="second"))
    for connection in (owner, second):
        await connection.fetchval(ASKED)
        await connection.fetchval("SELECT nested()")
    rows = await owner.fetch("SELECT queryid FROM pg_stat_statements WHERE query LIKE '%relpages%' AND calls > 0")
    assert len(rows) > len({row["queryid"] for row in rows})
    for name, query in QUERIES.items():
        found = [tuple(row[label] for label in labels(query["metrics"])) for row in await owner.fetch(query["query"])]
        assert found, name
        assert len(found) == len(set(found)), f"{name}: {found}"
    for connection in (owner, second):
        await connection.close()


@pytest.mark.parametrize("major", [16, 17])
def test_no_two_samples_have_the_same_labels(major: int) -> None:
    with Cluster(major=major) as cluster:
        asyncio.run(_fill(cluster))
