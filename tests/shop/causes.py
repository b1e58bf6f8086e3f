"""Causes of alerts: what is killed, filled or blocked in the running shop, and undone at the end of each block."""

import contextlib
import itertools
import threading
import urllib.request
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial

import psycopg
import redis

from components.postgres.roles import DATABASE
from local import secrets_file
from local.environment import Environment
from testing.waits import meanwhile

GATEWAY = "http://127.0.0.1:8080"
MEBIBYTE = 2**20

Connection = psycopg.Connection[tuple[object, ...]]


class Causes:
    """Each is a block; pods that were killed are started again, but not waited for."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._secrets = secrets_file.load(environment.state)

    @contextmanager
    def killed(self, *pods: str) -> Generator[None]:
        """The pods' nodes are lost at once."""
        for pod in pods:
            self.environment.stop_node(pod)
        try:
            yield
        finally:
            for pod in pods:
                self.environment.start_node(pod)

    def node(self, pod: str, user: str = "app") -> redis.Redis:
        host = self.environment.address(pod).split(":")[0]
        return redis.Redis(host=host, username=user, password=self._secrets[f"REDIS_{user.upper()}"], socket_timeout=30)

    def role(self, pair: str, role: str) -> str:
        """The pair's node in that role."""
        for pod in (f"redis-{pair}-0", f"redis-{pair}-1"):
            try:
                found: bytes = self.node(pod).execute_command("ROLE")[0]  # pyright: ignore[reportOptionalSubscript]
            except redis.ConnectionError:
                continue
            if found.decode() == role:
                return pod
        raise AssertionError(f"no node of {pair} is a {role}")

    @contextmanager
    def filled(self, pair: str, mebibytes: int) -> Generator[None]:
        """So much more data in a pair."""
        client, keys = self.node(self.role(pair, "master")), [f"filling:{n}" for n in range(mebibytes)]
        for key in keys:
            client.set(key, b"x" * MEBIBYTE, ex=3600)
        try:
            yield
        finally:
            client.unlink(*keys)

    def _database(self, host: str, port: int) -> Connection:
        return psycopg.connect(
            host=host,
            port=port,
            dbname=DATABASE,
            user="app",
            password=self._secrets["POSTGRES_APP"],
            autocommit=True,
            prepare_threshold=None,
        )

    @contextmanager
    def blocked_pool(self, pod: str, connections: int) -> Generator[None]:
        """So many clients of one pgBouncer that are in a transaction, and do nothing."""
        host = self.environment.address(pod).split(":")[0]
        with ExitStack() as stack:
            clients = [stack.enter_context(self._database(host, 6432)) for _ in range(connections)]
            stack.enter_context(meanwhile(*(partial(_begin, client) for client in clients)))
            for client in clients:
                stack.callback(client.close)  # before the threads that wait in them are waited for
            yield

    @contextmanager
    def killed_and_asked(self, *pods: str) -> Generator[None]:
        """The pods are lost, and visitors ask the gateway for what it can't have."""

        def ask(over: threading.Event) -> None:
            for turn in itertools.count():
                with contextlib.suppress(OSError):  # an error page is what is meant to be counted
                    urllib.request.urlopen(f"{GATEWAY}/api/search?q=nobody-asked-{turn}", timeout=10).close()
                if over.wait(0.02):
                    return

        with self.killed(*pods), meanwhile(ask):
            yield

    def deadlock(self) -> None:
        """Two transactions that wait for each other; Postgres ends one of them."""
        host, port = "127.0.0.1", 5432
        with self._database(host, port) as one, self._database(host, port) as other:
            for client, row in ((one, 1), (other, 2)):
                client.execute("BEGIN")
                client.execute("SELECT 1 FROM products WHERE id = %s FOR UPDATE", (row,))
            with meanwhile(lambda _: _locked(one, 2)):
                _locked(other, 1)


def _begin(client: Connection, _: threading.Event) -> None:
    try:
        client.execute("BEGIN")
        client.execute("SELECT 1")
    except psycopg.Error:
        pass  # closed while it waited, as the test means to


def _locked(client: Connection, row: int) -> None:
    try:
        client.execute("SELECT 1 FROM products WHERE id = %s FOR UPDATE", (row,))
    except psycopg.errors.DeadlockDetected:
        client.execute("ROLLBACK")
