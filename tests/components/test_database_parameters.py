"""The parameter group's rendered values, in a real Postgres: it starts with them, and has each of them."""

import asyncpg
import pytest

from stack.render import Rendered
from testing.postgres import Cluster

GROUP = "aws:rds/parameterGroup:ParameterGroup"
BOOLEANS = {"on": "1", "off": "0"}


def rendered_parameters(environment: Rendered) -> dict[str, str]:
    """What the environment's parameter group declares, as the engine would be told; RDS's own parameters left out."""
    (group,) = [resource for resource in environment.resources if resource.type == GROUP]
    declared = {row["name"]: str(row["value"]) for row in group.inputs["parameters"]}
    return {name: value for name, value in declared.items() if not name.startswith("rds.")}


async def test_a_server_started_with_the_parameter_group_has_each_of_its_values(environment: Rendered):
    declared = rendered_parameters(environment)
    with Cluster(declared) as cluster:
        connection = await asyncpg.connect(cluster.dsn())
        rows = await connection.fetch(
            "SELECT name, setting, source, pending_restart FROM pg_settings WHERE name = ANY($1)", list(declared)
        )
        await connection.close()
    assert {row["name"]: BOOLEANS.get(row["setting"], row["setting"]) for row in rows} == declared
    assert {(row["source"], row["pending_restart"]) for row in rows} == {("command line", False)}


def test_a_value_that_postgres_would_not_take_is_noticed(rendered):
    declared = rendered_parameters(rendered("dev")) | {"work_mem": "a lot"}
    with pytest.raises(RuntimeError, match='invalid value for parameter "work_mem"'), Cluster(declared):
        pass
