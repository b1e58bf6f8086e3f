"""The nodes of a pair: which one is master now, which one a replica that is up to date."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from app.operations.settings import OperationError

PORT = 6379
USER = "operations"
_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True)
class Node:
    """A node that answered."""

    name: str
    address: str
    role: str
    in_step: bool
    """A replica whose link to its master is up and that has its master's data; a master always is."""


def connect(address: str, password: str, *, timeout: float = _TIMEOUT) -> Any:
    """A connection as the operations user; values as bytes. `timeout` in seconds, for each command."""
    return redis.Redis(
        host=address,
        port=PORT,
        username=USER,
        password=password,
        socket_timeout=timeout,
        socket_connect_timeout=_TIMEOUT,
    )


def look_at(nodes: Mapping[str, str], password: str) -> list[Node]:
    """What the nodes say of themselves; those that don't answer are left out."""
    found: list[Node] = []
    for name, address in nodes.items():
        try:
            with connect(address, password) as client:
                role: list[Any] = client.execute_command("ROLE")
        except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError):
            continue
        kind: str = role[0].decode()
        found.append(Node(name=name, address=address, role=kind, in_step=kind == "master" or role[3] == b"connected"))
    return found


def master(pair: str, nodes: Mapping[str, str], password: str) -> Node:
    """The pair's master. Raises `OperationError` when there isn't exactly one."""
    masters = [node for node in look_at(nodes, password) if node.role == "master"]
    if len(masters) != 1:
        raise OperationError(
            f"{pair}: {len(masters)} of {', '.join(nodes)} say that they are master; wait for the failover to end, "
            "or see docs/redis.md"
        )
    return masters[0]


def to_copy_from(pair: str, nodes: Mapping[str, str], password: str) -> Node:
    """The node to take a backup from: a replica in step, so that the master isn't slowed; else the master."""
    candidates = sorted(
        (node for node in look_at(nodes, password) if node.in_step), key=lambda node: node.role == "master"
    )
    if not candidates:
        raise OperationError(f"{pair}: none of {', '.join(nodes)} answers with complete data")
    return candidates[0]
