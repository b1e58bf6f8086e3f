"""The running pairs as a test sees them, and a client that writes through Sentinel while something is broken."""

import contextlib
import shutil
import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local import cloud
from local.environment import Environment
from local.state import State
from stack.render import render
from testing.network_namespace import own_network
from testing.waits import eventually, meanwhile

PASSWORDS = {name: f"{name}-password-of-the-tests" for name in ("app", "exporter", "replication", "sentinel")}
PASSWORDS["operations"] = "operations-password-of-the-tests"
COMPONENT = "simone:redis:Redis"
PORT, SENTINEL_PORT = 6379, 26379
SENTINELS = 3
# redis-py repeats a command by itself, on the same node: to a node that hands over that is the wrong one.
NO_RETRY = Retry(NoBackoff(), 0)
# A client's patience with one command, as the API's: a dead node must not hold it.
CLIENT_TIMEOUT = 0.25  # s


class Pairs:
    """Three pairs and three Sentinels."""

    def __init__(self, environment: Environment, *, ca_file: Path | None = None) -> None:
        """`ca_file`: the CA's certificate, where the pairs speak TLS."""
        self.environment = environment
        self._tls: dict[str, Any] = (
            {"ssl": True, "ssl_ca_certs": str(ca_file), "ssl_check_hostname": False} if ca_file else {}
        )

    def node(self, name: str, user: str = "operations", *, timeout: float = 2) -> Any:
        """A client of one node, by its name."""
        return redis.Redis(
            host=self.host(name),
            port=PORT,
            username=user,
            password=PASSWORDS[user],
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=NO_RETRY,
            decode_responses=True,
            **self._tls,
        )

    def sentinel(self, number: int, *, timeout: float = 1) -> Any:
        """A client of one Sentinel."""
        return redis.Redis(
            host=self.host(f"redis-sentinel-{number}"),
            port=SENTINEL_PORT,
            username="operations",
            password=PASSWORDS["operations"],
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=NO_RETRY,
            decode_responses=True,
            **self._tls,
        )

    def host(self, name: str) -> str:
        """A pod's address, without the port."""
        return self.environment.address(name).partition(":")[0]

    def name_of(self, address: str, pair: str) -> str:
        """The pair's node with this address."""
        return next(name for name in self.names(pair) if self.host(name) == address)

    @staticmethod
    def names(pair: str) -> list[str]:
        return [f"redis-{pair}-0", f"redis-{pair}-1"]

    def believed_master(self, pair: str) -> str | None:
        """The master's address by the newest configuration that a Sentinel has; None if none answers."""
        newest: tuple[int, str] | None = None
        for number in range(SENTINELS):
            with contextlib.suppress(redis.RedisError), self.sentinel(number) as sentinel:
                told = sentinel.sentinel_master(pair)
                newest = max(newest or (-1, ""), (told["config-epoch"], told["ip"]))
        return newest[1] if newest else None

    def master(self, pair: str) -> str:
        """The name of the pair's master, once Sentinel and the node itself agree on it."""

        def agreed() -> str | None:
            address = self.believed_master(pair)
            name = self.name_of(address, pair) if address else None
            return name if name and self.node(name).execute_command("ROLE")[0] == "master" else None

        return eventually(agreed, f"{pair} has a master")

    def replica(self, pair: str) -> str:
        """The other node's name."""
        master = self.master(pair)
        return next(name for name in self.names(pair) if name != master)

    def replica_in_step(self, pair: str) -> str:
        """The replica's name, once it has all of its master's data."""
        # Asked anew each time: where a machine stood still, a needless failover may change the roles meanwhile.
        eventually(lambda: self._follows(self.replica(pair)), f"{pair}'s replica is in step")
        return self.replica(pair)

    def _follows(self, name: str) -> bool:
        role = self.node(name).execute_command("ROLE")
        return role[0] == "slave" and role[3] == "connected"

    def whole(self, pair: str) -> None:
        """Waits until the pair has two nodes in step and every Sentinel agrees and can promote."""
        for name in self.names(pair):
            self.environment.start_node(name)
        for number in range(SENTINELS):
            self.environment.start_node(f"redis-sentinel-{number}")
        self.environment.wait_healthy([*self.names(pair), *(f"redis-sentinel-{n}" for n in range(SENTINELS))])
        self.replica_in_step(pair)
        for number in range(SENTINELS):
            eventually(lambda number=number: self._at_peace(number, pair), f"Sentinel {number} is at peace")

    def _at_peace(self, number: int, pair: str) -> bool:
        with self.sentinel(number) as sentinel:
            master = sentinel.sentinel_master(pair)
            replicas = sentinel.sentinel_slaves(pair)
        here = self.host(self.master(pair))
        calm = not (master["is_sdown"] or master["is_odown"]) and "failover" not in master["flags"]
        return bool(
            calm
            and master["ip"] == here
            and master["num-other-sentinels"] == SENTINELS - 1
            and len(replicas) == 1
            and replicas[0]["flags"] == "slave"
        )

    def directory(self, name: str) -> Path:
        """The node's volume on this machine."""
        return next(path for path in self.environment.state.volumes.iterdir() if name in path.name)


@dataclass
class Writer:
    """Writes one key after the other through Sentinel, and remembers what was acknowledged."""

    pairs: Pairs
    pair: str
    prefix: str
    acknowledged: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client: Any = None

    def write(self, over: threading.Event) -> None:
        """Until it is over."""
        number = 0
        while not over.is_set():
            key = f"{self.prefix}:{number}"
            try:
                if self._client is None:
                    self._client = self._connect()
                self._client.set(key, str(number))
            except (redis.RedisError, OSError):
                self._client = None
                time.sleep(0.02)
                continue
            self.moments.append(time.monotonic())
            self.acknowledged.append(key)
            number += 1
            time.sleep(0.002)

    def _connect(self) -> Any:
        """The master by Sentinel's word, taken only if it says so itself."""
        address = self.pairs.believed_master(self.pair)
        if address is None:
            raise redis.ConnectionError("no Sentinel answers")
        client: Any = self.pairs.node(self.pairs.name_of(address, self.pair), "app", timeout=CLIENT_TIMEOUT)
        if client.execute_command("ROLE")[0] != "master":
            raise redis.ReadOnlyError("Sentinel named a replica")
        return client

    def go_on(self, writes: int = 200) -> None:
        """Waits until so many more writes are accepted."""
        count = len(self.acknowledged)
        eventually(lambda: len(self.acknowledged) > count + writes, f"{writes} more writes are accepted")

    @property
    def gap(self) -> float:
        """The longest time in seconds between two acknowledged writes."""
        return max(later - earlier for earlier, later in zip(self.moments, self.moments[1:], strict=False))

    def lost(self) -> list[str]:
        """Acknowledged writes that the pair's master of now doesn't have."""
        client = self.pairs.node(self.pairs.master(self.pair), "app", timeout=10)
        found: list[Any] = []
        for at in range(0, len(self.acknowledged), 1000):
            found += client.mget(self.acknowledged[at : at + 1000])
        return [key for key, value in zip(self.acknowledged, found, strict=True) if value is None]


@contextlib.contextmanager
def writing(pairs: Pairs, pair: str, prefix: str) -> Generator[Writer]:
    """A client that writes to the pair during the block."""
    writer = Writer(pairs, pair, prefix)
    with meanwhile(writer.write):
        eventually(lambda: len(writer.acknowledged) > 20, "writes are accepted")
        yield writer


@contextlib.contextmanager
def running_pairs(
    root: Path,
    *,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    ca_file: Path | None = None,
) -> Generator[Pairs]:
    """Three healthy pairs and their Sentinels, in a network of their own, with AWS's stand-in for backups.

    `config` and `secrets` are added to the stack's own and Redis's; with TLS, `ca_file` is the CA's certificate.
    """
    rendered = render("local", config=config, secrets={"redis": PASSWORDS | dict(secrets or {})}, resolve=cloud.resolve)
    ours = [
        resource
        for resource in rendered.resources
        if COMPONENT in resource.urn or resource.type.startswith("pulumi:providers:")
    ]
    state = State(root)
    environment = Environment(state, resources=ours)
    with own_network():
        try:
            environment.up()
            yield Pairs(environment, ca_file=ca_file)
        finally:
            environment.down()
            shutil.rmtree(state.volumes, ignore_errors=True)  # the logs stay for whoever looks at a failure
