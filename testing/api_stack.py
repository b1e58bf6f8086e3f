"""The API with its dependencies as real servers: Postgres, three Redis pairs under Sentinels, and API processes.

Everything listens on free loopback ports and keeps its data in a temporary directory.
"""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import redis
from pydantic import SecretStr

from components.scram import scram_verifier
from testing.postgres import OWNER, Cluster
from testing.servers import FOLLOWING
from testing.waits import PATIENCE, eventually, free_port

PASSWORD = "a-test-password-long-enough"
ADMIN_TOKEN = "a-test-admin-token"
REVALIDATION_KEY = "a-test-revalidation-key"
PAIRS = ("sessions", "data", "computed")
AMOUNTS = {"products": 300, "users": 50, "orders": 200, "reviews": 400}
ROOT = Path(__file__).parents[1]


@dataclass
class Node:
    """A redis-server, as a Sentinel if `sentinel`."""

    directory: Path
    port: int
    sentinel: bool = False
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        log = (self.directory / "log").open("ab")
        mode = ["--sentinel"] if self.sentinel else []
        self.process = subprocess.Popen(
            [*FOLLOWING, "redis-server", self.directory / "conf", *mode], stdout=log, stderr=log
        )

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
                self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, password=None if self.sentinel else PASSWORD, socket_timeout=2)


@dataclass
class RedisFleet:
    """Three pairs (a master, and a replica where asked for) and the Sentinels that watch them."""

    directory: Path
    replicas: bool = False
    sentinel_count: int = 3
    nodes: dict[str, list[Node]] = field(default_factory=dict)
    sentinels: list[Node] = field(default_factory=list)

    def start(self) -> None:
        for name in PAIRS:
            self.nodes[name] = []
            for index in range(2 if self.replicas else 1):
                node = self._node(f"{name}-{index}")
                lines = ["save ''", "appendonly no", f"requirepass {PASSWORD}", f"masterauth {PASSWORD}"]
                lines += ["repl-diskless-sync-delay 0", "repl-ping-replica-period 1", "notify-keyspace-events Ee"]
                if index:
                    lines.append(f"replicaof 127.0.0.1 {self.nodes[name][0].port}")
                self._configure(node, lines)
                node.start()
                self.nodes[name].append(node)
        for nodes in self.nodes.values():
            for node in nodes:
                eventually(node.client().ping, "redis")
        for index in range(self.sentinel_count):
            node = self._node(f"sentinel-{index}", sentinel=True)
            quorum = 2 if self.sentinel_count > 1 else 1
            lines = ["sentinel resolve-hostnames no"]
            for name in PAIRS:
                lines += [
                    f"sentinel monitor {name} 127.0.0.1 {self.nodes[name][0].port} {quorum}",
                    f"sentinel auth-pass {name} {PASSWORD}",
                    f"sentinel down-after-milliseconds {name} 500",
                    f"sentinel failover-timeout {name} 3000",
                ]
            self._configure(node, lines)
            node.start()
            self.sentinels.append(node)
        for node in self.sentinels:
            eventually(node.client().ping, "sentinel")
        eventually(self._watched, "sentinels finding replicas and each other")

    def master(self, name: str) -> Node:
        """The pair's master, by the first Sentinel that answers."""
        for sentinel in self.sentinels:
            with contextlib.suppress(redis.RedisError):
                address: Any = sentinel.client().execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
                return next(node for node in self.nodes[name] if node.port == int(address[1]))
        raise TimeoutError("no Sentinel answers")

    def everything(self) -> list[Node]:
        return [*(node for nodes in self.nodes.values() for node in nodes), *self.sentinels]

    def stop(self) -> None:
        for node in self.everything():
            node.stop()

    def _watched(self) -> bool:
        for sentinel in self.sentinels:
            for name in PAIRS:
                found: Any = sentinel.client().sentinel_master(name)
                if found["num-slaves"] < int(self.replicas) or found["num-other-sentinels"] < self.sentinel_count - 1:
                    return False
        return True

    def _node(self, name: str, *, sentinel: bool = False) -> Node:
        directory = self.directory / name
        directory.mkdir()
        return Node(directory, free_port(), sentinel)

    @staticmethod
    def _configure(node: Node, lines: Sequence[str]) -> None:
        text = [f"port {node.port}", "bind 127.0.0.1", f"dir {node.directory}", "daemonize no", *lines]
        (node.directory / "conf").write_text("\n".join(text) + "\n")


@dataclass
class Api:
    """One process of the API (or the worker)."""

    process: "subprocess.Popen[bytes]"
    port: int
    metrics_port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metrics(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's series with these labels."""
        total = 0.0
        for line in self.metrics().splitlines():
            if line.startswith((f"{name}{{", f"{name} ")) and all(
                f'{key}="{text}"' in line for key, text in labels.items()
            ):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Signal the process (its workers die with it) and wait for the end."""
        if self.process.poll() is None:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.send_signal(number)
        self.process.wait(PATIENCE)


@functools.cache
def _seeded() -> "tempfile.TemporaryDirectory[str]":
    """The data of a stopped server with the shop in it, made once per process; each stack copies it."""
    kept = tempfile.TemporaryDirectory(prefix="api-seeded-")
    stack = Stack()
    try:
        stack.seed()
        (stack.directory / "data").rename(Path(kept.name) / "data")
    finally:
        stack.stop()
    return kept


class Stack:
    """Servers for one module's tests. `stop` ends all of them, whatever state they are in."""

    def __init__(self, *, replicas: bool = False, sentinels: int = 3) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="api-"))
        self.postgres_port = free_port()
        self.postgres = Cluster({"listen_addresses": "127.0.0.1", "port": str(self.postgres_port)})
        self.redis = RedisFleet(self.directory, replicas=replicas, sentinel_count=sentinels)
        self.processes: list[Api] = []
        self.secrets = self.directory / "secrets"
        self.owner_secrets = self.directory / "owner-secrets"

    def start(self) -> None:
        self._write_secrets()
        shutil.copytree(Path(_seeded().name) / "data", self.postgres.data)
        self.postgres.start()
        self.redis.start()

    def seed(self) -> None:
        """Create the database, with its data below `directory`."""
        self._write_secrets()
        with self.postgres:
            self.sql("CREATE DATABASE simone", database="postgres")
            self.sql(f"ALTER ROLE {OWNER} PASSWORD '{PASSWORD}'", database="postgres")
            self.run("migrate")
            self.run("seed", *(f"--{name}={amount}" for name, amount in AMOUNTS.items()))
            self.postgres.stop()
            shutil.copytree(self.postgres.data, self.directory / "data")

    def stop(self) -> None:
        for process in self.processes:
            with contextlib.suppress(Exception):
                process.stop(signal.SIGKILL)
        self.redis.stop()
        self.postgres.__exit__()
        shutil.rmtree(self.directory, ignore_errors=True)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.directory),
            "BIND_HOST": "127.0.0.1",
            "REDIS_SENTINELS": ",".join(f"127.0.0.1:{node.port}" for node in self.redis.sentinels),
            "REDIS_USERNAME": "default",
            "DATABASE_HOST": "127.0.0.1",
            "DATABASE_PORT": str(self.postgres_port),
            "DATABASE_USER": "app",
            "SECRETS_DIR": str(self.secrets),
            "LOG_LEVEL": "info",
            **more,
        }

    def sql(self, statement: str, *, database: str = "simone") -> str:
        """Run a statement as the database's owner. Returns psql's unaligned output."""
        done = subprocess.run(
            ["psql", "-h", self.postgres.directory, "-p", str(self.postgres_port), "-U", OWNER,
             "-d", database, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, *arguments: str) -> str:
        """Run a command of the schema's owner. Returns its output."""
        environment = self.environment(DATABASE_USER="simone_owner", SECRETS_DIR=str(self.owner_secrets))
        done = subprocess.run(
            [sys.executable, "-m", "app.api", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def api(self, *, wait: bool = True, **environment: str) -> Api:
        """Start an API process; with `wait`, until it is ready."""
        api = self._spawn("serve", environment)
        if wait:
            self.wait_for(api)
        return api

    @staticmethod
    def wait_for(api: Api) -> None:
        """Wait until an API process is ready."""
        eventually(lambda: httpx.get(f"{api.url}/ready").status_code == 200, f"the API ({api.log})")

    def worker(self, **environment: str) -> Api:
        worker = self._spawn("worker", environment)
        url = f"http://127.0.0.1:{worker.metrics_port}/ready"
        eventually(lambda: httpx.get(url).status_code == 200, "the worker")
        return worker

    def _spawn(self, command: str, environment: dict[str, str]) -> Api:
        port, metrics_port = free_port(), free_port()
        log = self.directory / f"{command}-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*FOLLOWING, sys.executable, "-m", "app.api", command],
                cwd=ROOT,
                env=self.environment(PORT=str(port), METRICS_PORT=str(metrics_port), **environment),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        api = Api(process, port, metrics_port, log)
        self.processes.append(api)
        return api

    def _write_secrets(self) -> None:
        verifier = scram_verifier("app", SecretStr(PASSWORD))
        self.secrets.mkdir()
        self.owner_secrets.mkdir()
        for name, text in {
            "redis-password": PASSWORD,
            "database-password": PASSWORD,
            "admin-token": ADMIN_TOKEN,
            "revalidation-key": REVALIDATION_KEY,
        }.items():
            (self.secrets / name).write_text(text)
        for name, text in {
            "database-password": PASSWORD,
            "app-scram": verifier,
            "exporter-scram": scram_verifier("exporter", SecretStr(PASSWORD)),
            "admin-token": ADMIN_TOKEN,
        }.items():
            (self.owner_secrets / name).write_text(text)


@contextlib.contextmanager
def running_stack(**amounts: Any) -> Generator[Stack]:
    """A started stack, stopped at the end."""
    stack = Stack(**amounts)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
