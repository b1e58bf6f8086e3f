"""The nodes of a pair: which one is the master, and which one is a replica that is up to date."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import redis

from app.operations.settings import OperationError, RedisSettings, secret
from app.reachable import PATIENCE, wait_until_reachable

PORT = 6379
USER = "operations"
_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True)
class Login:
    """How to log in as the operations user; `ca_file` holds the CA's certificate where the nodes speak TLS."""

    password: str
    ca_file: Path | None = None

    @classmethod
    def read(cls, settings: RedisSettings) -> Self:
        """Raises `OperationError` when the password can't be read."""
        return cls(secret(settings.redis_password_file), settings.redis_ca_file)


@dataclass(frozen=True)
class Node:
    """A node that answered."""

    name: str
    address: str
    role: str
    in_step: bool
    """A replica whose link to its master is up and that has its master's data; a master always is."""


def connect(address: str, login: Login, *, timeout: float = _TIMEOUT) -> Any:
    """A connection that returns values as bytes. `timeout`: seconds for each command."""
    # Host names aren't verified: nodes are called by the addresses of their Services.
    tls: dict[str, Any] = (
        {"ssl": True, "ssl_ca_certs": str(login.ca_file), "ssl_check_hostname": False} if login.ca_file else {}
    )
    return redis.Redis(
        host=address,
        port=PORT,
        username=USER,
        password=login.password,
        socket_timeout=timeout,
        socket_connect_timeout=_TIMEOUT,
        **tls,
    )


def look_at(nodes: Mapping[str, str], login: Login) -> list[Node]:
    """What the nodes report of themselves; those that don't answer are left out."""
    found: list[Node] = []
    for name, address in nodes.items():
        try:
            with connect(address, login) as client:
                role: list[Any] = client.execute_command("ROLE")
        except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError):
            continue
        kind: str = role[0].decode()
        found.append(Node(name=name, address=address, role=kind, in_step=kind == "master" or role[3] == b"connected"))
    return found


def master(pair: str, nodes: Mapping[str, str], login: Login) -> Node:
    """The pair's master. Raises `OperationError` when there isn't exactly one."""
    masters = [node for node in look_at(nodes, login) if node.role == "master"]
    if len(masters) != 1:
        raise OperationError(
            f"{pair}: {len(masters)} of {', '.join(nodes)} say that they are master; wait for the failover to end, "
            "or see docs/redis.md"
        )
    return masters[0]


def wait_for(nodes: Mapping[str, str]) -> None:
    """Wait until every node accepts connections, at most `reachable.PATIENCE` seconds in all."""
    deadline = time.monotonic() + PATIENCE
    for address in nodes.values():
        wait_until_reachable(address, PORT, deadline)


def backup_source(pair: str, nodes: Mapping[str, str], login: Login) -> Node:
    """The node to take a backup from: a replica in step, which spares the master; else the master."""
    candidates = sorted(
        (node for node in look_at(nodes, login) if node.in_step), key=lambda node: node.role == "master"
    )
    if not candidates:
        raise OperationError(f"{pair}: none of {', '.join(nodes)} answers with complete data")
    return candidates[0]
