"""Redis outages during a run: a master lost under load, and a shop without its cache."""

import contextlib
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import redis

from kpi.load import STARTING_SECONDS, Records, Run, play
from local import secrets_file
from local.environment import Environment
from local.problem import Problem

PAIR = "data"
"""The pair that holds what most visitors read."""
NODES = (f"redis-{PAIR}-0", f"redis-{PAIR}-1")
BEFORE, AFTER = 2.0, 7.0
"""Seconds of load before and after the loss; clients have followed within 2.3 s where cores are free (measured)."""
SENTINELS = ("redis-sentinel-0", "redis-sentinel-1", "redis-sentinel-2")
_POLL = 0.05


@dataclass(frozen=True)
class Failover:
    """A failover under load. Times are seconds since the loss; `promoted` is None when nothing was promoted
    meanwhile.
    """

    lost: str
    promoted: float | None
    records: Records

    @property
    def after_loss(self) -> Records:
        """The requests that were sent after the node was lost."""
        return self.records[self.records["at"] >= 0]


def master(environment: Environment, password: str) -> str:
    """The pod that a Sentinel names as the pair's master. Raises Problem when none does."""
    for pod in SENTINELS:
        host = environment.address(pod).split(":")[0]
        sentinel = redis.Redis(host=host, port=26379, username="app", password=password, socket_timeout=1)
        try:
            named = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PAIR)
        except redis.RedisError:
            continue
        finally:
            sentinel.close()
        if named:
            nodes = {environment.address(node).split(":")[0]: node for node in NODES}
            return nodes[named[0].decode()]
    raise Problem(f"no Sentinel names a master of {PAIR}")


@contextlib.contextmanager
def without_cache(environment: Environment) -> Generator[None]:
    """Stop both nodes of the pair during the block: nothing is found in Redis, and every read reaches the database.

    Raises Problem when they don't come back healthy.
    """
    for node in NODES:
        environment.stop_node(node)
    try:
        yield
    finally:
        for node in NODES:
            environment.start_node(node)
        environment.wait_healthy(NODES)


def lose_master(environment: Environment, run: Run) -> Failover:
    """Plays `run` for some seconds and loses the pair's master halfway; at the end the node is back.

    Raises Problem when it doesn't come back healthy.
    """
    password = secrets_file.load(environment.state)["REDIS_APP"]
    lost = master(environment, password)
    began = time.monotonic() + STARTING_SECONDS
    try:
        with ThreadPoolExecutor(1) as other:
            load = other.submit(play, replace(run, seconds=BEFORE + AFTER), started=began)
            time.sleep(max(0.0, began + BEFORE - time.monotonic()))
            environment.stop_node(lost)
            loss = time.monotonic()
            promoted = _promotion(environment, password, lost, loss)
    finally:
        environment.start_node(lost)
        environment.wait_healthy([lost])
    records = load.result().records.copy()
    records["at"] -= loss - began
    return Failover(lost, promoted, records)


def _promotion(environment: Environment, password: str, lost: str, loss: float) -> float | None:
    while time.monotonic() < loss + AFTER:
        with contextlib.suppress(Problem):
            if master(environment, password) != lost:
                return time.monotonic() - loss
        time.sleep(_POLL)
    return None
