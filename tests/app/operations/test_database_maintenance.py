"""The weekly job: statistics and dead rows of every table, invalid and bloated indexes built anew."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.operations import database_maintenance
from app.operations.database_maintenance import maintain
from app.operations.settings import DatabaseSettings, OperationError
from testing.postgres import OWNER, Cluster
from testing.waits import eventually, eventually_async

NUMBERS, KEPT = 60_000, 40
"""Of so many rows every so many-th is kept: their index's pages stay, nearly empty."""


@pytest.fixture
def settings(cluster: Cluster, empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatabaseSettings:
    """As the job is told where its database is; small indexes count too."""
    monkeypatch.setattr(database_maintenance, "SMALLEST_INDEX", 2**19)
    password = tmp_path / "password"
    password.write_text("trusted-anyway")
    return DatabaseSettings(
        database_host=str(cluster.directory),
        database_name=empty_dsn.rpartition("/")[2].partition("?")[0],
        database_user=OWNER,
        database_password_file=password,
    )


async def ask(dsn: str, *statements: str) -> Any:
    """Runs them; the last one's single value."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


def done(text: str) -> list[str]:
    """The statements that the job says it has done."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [line["statement"] for line in lines if line["event"] == "statement done"]


def test_a_bloated_index_shrinks_and_an_invalid_one_works_again(
    settings: DatabaseSettings, empty_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    size = "SELECT pg_relation_size('bloated_pkey')"
    before = asyncio.run(
        ask(
            empty_dsn,
            # Autovacuum may come by at any moment, and leave the job nothing to do.
            "CREATE TABLE bloated (n bigint PRIMARY KEY) WITH (autovacuum_enabled = off)",
            f"INSERT INTO bloated SELECT generate_series(1, {NUMBERS})",
            f"DELETE FROM bloated WHERE n % {KEPT} <> 0",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_orders_pending'::regclass",
            size,
        )
    )
    # A session's counts of dead rows arrive a moment after it has ended.
    eventually(
        lambda: asyncio.run(ask(empty_dsn, "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'bloated'")),
        "the dead rows are counted",
    )
    maintain(settings)
    statements = done(capsys.readouterr().out)
    assert "VACUUM (ANALYZE) public.bloated" in statements
    assert "ANALYZE public.products" in statements
    assert statements[-2:] == [
        "REINDEX INDEX CONCURRENTLY public.idx_orders_pending",
        "REINDEX INDEX CONCURRENTLY public.bloated_pkey",
    ]
    assert asyncio.run(ask(empty_dsn, size)) < before / 5
    assert asyncio.run(
        ask(empty_dsn, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_orders_pending'::regclass")
    )
    maintain(settings)
    assert not [statement for statement in done(capsys.readouterr().out) if statement.startswith("REINDEX")]


def test_a_table_that_is_locked_is_told_and_the_others_get_theirs(
    settings: DatabaseSettings, empty_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(database_maintenance, "LOCK_TIMEOUT", "100ms")

    async def meanwhile() -> None:
        holder = await asyncpg.connect(empty_dsn)
        async with holder.transaction():
            await holder.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(OperationError, match="1 steps failed"):
                await asyncio.to_thread(maintain, settings)
        await holder.close()

    asyncio.run(meanwhile())
    said = capsys.readouterr().out
    assert "ANALYZE public.users" in done(said)
    failed = [line for line in map(json.loads, said.splitlines()) if line["event"] != "statement done"]
    assert [line["statement"] for line in failed] == ["ANALYZE public.orders"]
    assert all("lock timeout" in line["reason"] for line in failed)


def test_a_database_that_goes_away_meanwhile_is_an_error_that_names_it(
    settings: DatabaseSettings, empty_dsn: str
) -> None:
    terminate = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE application_name = 'database-maintenance' AND wait_event_type = 'Lock'"""

    async def meanwhile() -> None:
        holder, administrator = await asyncpg.connect(empty_dsn), await asyncpg.connect(empty_dsn)
        async with holder.transaction():
            await holder.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
            job = asyncio.create_task(asyncio.to_thread(maintain, settings))
            await eventually_async(lambda: administrator.fetchval(terminate), "it waits for the lock")
            with pytest.raises(OperationError, match=f"{settings.database_host}:{settings.database_port} went away"):
                await job
        await holder.close()
        await administrator.close()

    asyncio.run(meanwhile())
