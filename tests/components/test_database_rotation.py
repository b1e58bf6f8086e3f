"""The database's passwords are replaced while clients connect without a pause, through a real pgBouncer."""

import asyncio
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from pydantic import SecretStr

from app.database.migrations import upgrade
from app.database.roles import Verifiers
from components.pgbouncer.settings import PgBouncerSettings
from components.postgres.roles import APP, DATABASE, EXPORTER
from components.scram import scram_verifier
from components.settings.secrets import STEPS, Accepted, PostgresSecrets, Rotation
from testing.pgbouncer import PgBouncer
from testing.postgres import Cluster
from testing.waits import eventually_async

SETTINGS = PgBouncerSettings.model_validate({"server_tls_mode": "disable", "max_prepared_statements": None})
CLIENTS = 4


def secrets_at(step: Accepted) -> PostgresSecrets:
    rotation = {
        name: Rotation(alternate=SecretStr(f"{name}-" + 4 * "alternate"), accepted=step) for name in (APP, EXPORTER)
    }
    return PostgresSecrets.model_validate(
        {"owner": 6 * "owner", APP: "app-" + 4 * "password", EXPORTER: "exporter-" + 4 * "password"}
        | {"rotation": rotation}
    )


def verifiers(secrets: PostgresSecrets) -> Verifiers:
    logins = {**secrets.logins(APP), **secrets.logins(EXPORTER)}
    return Verifiers(**{role: scram_verifier(role, password) for role, password in logins.items()})


@dataclass
class Clients:
    """Each connects, asks and leaves, again and again, with the login and at the port of that moment."""

    secrets: PostgresSecrets
    port: int
    rounds: list[int] = field(default_factory=lambda: [0] * CLIENTS)

    async def ask(self, number: int) -> None:
        while True:
            role, password = next(iter(self.secrets.logins(APP).items()))
            connection = await asyncpg.connect(
                host="127.0.0.1",
                port=self.port,
                user=role,
                password=password.get_secret_value(),
                database=DATABASE,
                statement_cache_size=0,
                timeout=60,
            )
            assert await connection.fetchval("SELECT count(*) FROM products") == 0
            assert await connection.fetchval("SELECT current_user") == role
            await connection.close()
            self.rounds[number] += 1

    async def have_all_come_again(self) -> None:
        """Until each has ended what it had begun, and asked once more."""
        before = list(self.rounds)
        await eventually_async(
            lambda: all(now >= then + 2 for now, then in zip(self.rounds, before, strict=True)), "clients go on"
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


async def test_no_client_is_refused_while_passwords_are_replaced_there_and_back(server: Cluster) -> None:
    administrator = await asyncpg.connect(server.dsn())
    await administrator.execute(f"CREATE DATABASE {DATABASE}")
    await administrator.close()
    secrets = secrets_at("main")
    await upgrade(server.dsn(DATABASE), verifiers(secrets))
    pool = PgBouncer(server, secrets, SETTINGS)
    pool.start()
    try:
        clients = Clients(secrets, pool.port)
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(clients.ask(number)) for number in range(CLIENTS)]
            for before, step in zip(STEPS, (*STEPS[1:], STEPS[0]), strict=True):
                secrets = secrets_at(step)
                # As a deployment: the Job, the pools, which are added before the old ones go, and the clients.
                await upgrade(server.dsn(DATABASE), verifiers(secrets))
                await clients.have_all_come_again()
                old, pool = pool, PgBouncer(server, secrets, SETTINGS)
                pool.start()
                clients.port = pool.port
                await clients.have_all_come_again()
                old.stop(signal.SIGINT)
                old.__exit__()
                clients.secrets = secrets
                await clients.have_all_come_again()
                await _only_these_log_in(server, pool, secrets, before)
            for task in asking:
                task.cancel()
    finally:
        pool.__exit__()


async def _only_these_log_in(server: Cluster, pool: PgBouncer, secrets: PostgresSecrets, before: Accepted) -> None:
    """What was dropped doesn't log in, neither at the pool nor at Postgres itself."""
    owner = await asyncpg.connect(server.dsn(DATABASE))
    able = await owner.fetch("SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname ~ '^(app|exporter)'")
    await owner.close()
    assert {row["rolname"] for row in able} == {*secrets.logins(APP), *secrets.logins(EXPORTER)}
    gone = secrets_at(before).logins(APP).keys() - secrets.logins(APP).keys()
    for role in gone:
        password = secrets_at(before).logins(APP)[role].get_secret_value()
        with pytest.raises(asyncpg.PostgresError, match=r"(?i)authentication|password"):
            await asyncpg.connect(
                host="127.0.0.1", port=pool.port, user=role, password=password, database=DATABASE, timeout=60
            )
