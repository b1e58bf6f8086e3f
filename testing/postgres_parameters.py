"""The parameters of real Postgres servers (pg_settings), as data for the policies.

`python -m testing.postgres_parameters` writes it anew, with the day's date, after a new release in
testing/postgres_programs.py.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import asyncpg

from stack.postgres_parameters import DATA, FIELDS
from testing.postgres import Cluster
from testing.postgres_programs import RELEASES

_QUERY = """
    SELECT name, context, vartype, coalesce(unit, ''), coalesce(min_val, ''), coalesce(max_val, ''),
        coalesce(array_to_string(enumvals, '|'), '')
    FROM pg_settings ORDER BY name COLLATE "C"
"""


def of_a_server(major: int) -> Sequence[Sequence[str]]:
    """Every parameter of a server of this version and of its loaded libraries."""

    async def rows(cluster: Cluster) -> Sequence[Sequence[str]]:
        connection = await asyncpg.connect(cluster.dsn())
        try:
            return [[str(major), *map(str, row)] for row in await connection.fetch(_QUERY)]
        finally:
            await connection.close()

    with Cluster(major=major) as cluster:
        return asyncio.run(rows(cluster))


def _text(rows: Iterable[Sequence[str]], day: str) -> str:
    releases = ", ".join(release.partition("-")[0] for release in RELEASES.values())
    head = f"# pg_settings of Postgres {releases}, {day}: python -m testing.postgres_parameters"
    return "\n".join([head, "\t".join(FIELDS), *("\t".join(row) for row in rows), ""])


if __name__ == "__main__":
    DATA.write_text(_text((row for major in RELEASES for row in of_a_server(major)), f"{datetime.now(UTC):%Y-%m-%d}"))
