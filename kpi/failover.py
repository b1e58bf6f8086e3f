"""`python -m kpi.failover`: lose a Redis master of the running shop once, and record the timeline.

docs/measured/failover.json holds it, from which `make docs` draws docs/pictures/failover.svg.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import redis
import typer

from kpi.machine import cores
from kpi.outages import NODES, PAIR, SENTINELS, master
from local import secrets_file
from local.environment import Environment
from local.problem import Problem
from stack.environments import ROOT
from testing.waits import eventually, meanwhile

KEPT: Final = ROOT / "docs" / "measured" / "failover.json"
_TIMEOUT: Final = 0.25
"""Seconds for one write, so that a lost node doesn't hold the client for long."""
_PAUSE: Final = 0.01


@dataclass(frozen=True)
class Event:
    """What a Sentinel published about the pair, or what the client or this program did; `at` as time.monotonic()."""

    at: float
    who: str
    what: str


class _Watch:
    """Sentinels' messages, and a client that follows them and writes one key after the other."""

    def __init__(self, environment: Environment, password: str) -> None:
        self._environment, self._password = environment, password
        self.events: list[Event] = []
        self.writes: list[float] = []
        """When each accepted write was confirmed."""

    def add(self, who: str, what: str) -> None:
        self.events.append(Event(time.monotonic(), who, what))

    def hearing(self, sentinel: str) -> Callable[[threading.Event], None]:
        def hear(over: threading.Event) -> None:
            with self._client(sentinel, 26379) as client, client.pubsub(ignore_subscribe_messages=True) as messages:
                messages.psubscribe("*")
                while not over.is_set():
                    message: Mapping[str, str] | None = messages.get_message(timeout=0.1)
                    if message and PAIR in message["data"].split():
                        self.add(sentinel, message["channel"])

        return hear

    def write(self, over: threading.Event) -> None:
        client: Any = None
        while not over.is_set():
            try:
                client = client or self._client(master(self._environment, self._password), 6379)
                client.set("kpi:failover", len(self.writes))
            except (redis.RedisError, Problem):
                client = None
            else:
                self.writes.append(time.monotonic())
            time.sleep(_PAUSE)

    def role(self, node: str) -> tuple[str, str]:
        """Its role, and of a replica the state of its link."""
        with self._client(node, 6379) as client:
            role: Sequence[str] = client.execute_command("ROLE")
        return role[0], role[3] if role[0] == "slave" else ""

    def _client(self, pod: str, port: int) -> Any:
        return redis.Redis(
            host=self._environment.address(pod).split(":")[0],
            port=port,
            username="app",
            password=self._password,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            decode_responses=True,
        )


def record(environment: Environment, password: str) -> dict[str, object]:
    """Loses the pair's master and brings it back. Returns the events, in seconds since its last write. Raises
    Problem.
    """
    watch = _Watch(environment, password)
    lost = master(environment, password)
    with meanwhile(watch.write, *(watch.hearing(sentinel) for sentinel in SENTINELS)):
        eventually(lambda: len(watch.writes) > 100, "writes are accepted")
        time.sleep(1)
        environment.stop_node(lost)
        loss = time.monotonic()
        eventually(lambda: watch.writes[-1] > loss + _TIMEOUT, "writes are accepted again")
        time.sleep(2)
        environment.start_node(lost)
        watch.add(lost, "started")
        eventually(lambda: watch.role(lost) == ("slave", "connected"), f"{lost} follows the new master")
        watch.add(lost, "follows")
    environment.wait_healthy(NODES)
    # Nobody knows when the node's processes end, but its last write is known to a hundredth of a second.
    before = max(at for at in watch.writes if at <= loss)
    after = min(at for at in watch.writes if at > loss + _TIMEOUT)
    events = [*watch.events, Event(before, "client", "last write"), Event(after, "client", "first write")]
    return {
        "pair": PAIR,
        "lost": lost,
        "cores": cores(),
        "load": round(os.getloadavg()[0], 1),
        "events": [
            asdict(event) | {"at": round(event.at - before, 3)} for event in sorted(events, key=lambda event: event.at)
        ],
    }


def main() -> None:
    """Lose a Redis master of the running shop (`make up`) once, and record the timeline."""
    environment = Environment()
    try:
        told = record(environment, secrets_file.load(environment.state)["REDIS_APP"])
    except (Problem, OSError, redis.RedisError) as error:
        typer.echo(f"error: {error}; does the shop run? make up", err=True)
        raise typer.Exit(2) from None
    KEPT.write_text(json.dumps(told, indent=1) + "\n")
    typer.echo(f"wrote {KEPT.relative_to(ROOT)}; make docs draws it")


if __name__ == "__main__":
    typer.run(main)
