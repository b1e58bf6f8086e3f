"""A database that fails over answers its old connections with nothing at all: pgBouncer notices, and goes on."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import psutil
import pytest
from pydantic import SecretStr

from app.database.migrations import upgrade
from app.database.roles import Verifiers
from components.pgbouncer.settings import PgBouncerSettings
from components.postgres.roles import DATABASE
from components.scram import scram_verifier
from components.settings.secrets import PostgresSecrets
from testing.network_namespace import own_network
from testing.pgbouncer import PgBouncer
from testing.postgres import Cluster

pytestmark = pytest.mark.pods

SECRETS = PostgresSecrets(
    owner=SecretStr("owner-" + 4 * "password"),
    app=SecretStr("app-" + 4 * "password"),
    exporter=SecretStr("exporter-" + 4 * "password"),
)
SETTINGS = PgBouncerSettings.model_validate({"server_tls_mode": "disable", "max_prepared_statements": None})
BOUND = 60.0
"""Seconds. Without a bound of pgBouncer's own the kernel repeats what isn't answered for a quarter of an hour."""


@pytest.fixture
def pgbouncer() -> Iterator[PgBouncer]:
    """A pool that reaches its Postgres by TCP, in a network whose routes are the test's to change."""
    with own_network(), Cluster({"listen_addresses": "127.0.0.1"}) as server:
        asyncio.run(_database(server))
        with PgBouncer(server, SECRETS, SETTINGS, host="127.0.0.1") as running:
            yield running


async def _database(server: Cluster) -> None:
    administrator = await asyncpg.connect(server.dsn())
    await administrator.execute(f"CREATE DATABASE {DATABASE}")
    await administrator.close()
    verifiers = Verifiers(app=scram_verifier("app", SECRETS.app), exporter=scram_verifier("exporter", SECRETS.exporter))
    await upgrade(server.dsn(DATABASE), verifiers)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _silence(ports: set[int]) -> None:
    """Packets from these ports go nowhere, without a word to either end; connections from others live."""
    _ip("rule", "add", "pref", "100", "lookup", "local")
    _ip("rule", "del", "pref", "0")
    for port in ports:
        for side in ("sport", "dport"):
            _ip("rule", "add", "pref", "10", "ipproto", "tcp", side, str(port), "blackhole")


def _ports_to_database(pool: PgBouncer) -> set[int]:
    found = psutil.Process(pool.pid).net_connections("tcp")
    return {each.laddr.port for each in found if each.laddr.port != pool.port and each.status == "ESTABLISHED"}


def test_silent_connections_are_given_up_and_new_ones_serve(pgbouncer: PgBouncer) -> None:
    async def busy(client: Any) -> str:
        try:
            await client.fetchval("SELECT 1")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            return type(error).__name__
        return ""

    async def scenario() -> tuple[list[str], float]:
        clients = [await pgbouncer.connect() for _ in range(5)]
        await asyncio.gather(*(client.execute("SELECT pg_sleep(0.5)") for client in clients))
        ports = _ports_to_database(pgbouncer)
        assert len(ports) == 5
        _silence(ports)
        began = time.monotonic()
        first = await asyncio.wait_for(asyncio.gather(*(busy(client) for client in clients)), BOUND)
        assert any(first), "nothing was silent"
        fresh = await asyncio.wait_for(pgbouncer.connect(), BOUND)
        assert await asyncio.wait_for(fresh.fetchval("SELECT 1"), BOUND) == 1
        assert not ports & _ports_to_database(pgbouncer)
        for client in [*clients, fresh]:
            client.terminate()
        return first, time.monotonic() - began

    _, seconds = asyncio.run(scenario())
    assert seconds < BOUND
