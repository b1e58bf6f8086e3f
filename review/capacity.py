"""An environment's requested capacity: CPU, memory, storage, pods, connections."""

import configparser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.rules.postgres import parameters_of
from stack.configuration_texts import ini, kubernetes_bytes, kubernetes_millicores
from stack.resource import Resource, Stack, Undecided, dig

GIB = 1024**3


@dataclass(frozen=True)
class Figure:
    """One number before and after; None if it isn't known."""

    name: str
    unit: str
    before: float | None
    after: float | None

    @property
    def changed(self) -> bool:
        """Whether it differs, as far as it is known."""
        return self.before != self.after


@dataclass(frozen=True)
class _Capacity:
    pods: int | None = None
    cpu: float | None = None
    memory: float | None = None
    volumes: float | None = None
    database_storage: float | None = None
    pooled: int | None = None
    connections: int | None = None


def capacity(before: tuple[Resource, ...], after: tuple[Resource, ...]) -> tuple[Figure, ...]:
    """The environment's figures before and after a plan."""
    old, new = _measured(Stack(before)), _measured(Stack(after))
    return (
        Figure("pods (servers, at their minimum)", "", old.pods, new.pods),
        Figure("CPU requested", "cores", old.cpu, new.cpu),
        Figure("memory requested", "GiB", old.memory, new.memory),
        Figure("volumes claimed", "GiB", old.volumes, new.volumes),
        Figure("database storage", "GiB", old.database_storage, new.database_storage),
        Figure("connections pooled at most", "", old.pooled, new.pooled),
        Figure("connections that Postgres allows", "", old.connections, new.connections),
    )


def _measured(stack: Stack) -> _Capacity:
    """The figures; all unknown if one can't be read, which a rule reports."""
    try:
        return _measure(stack)
    except (ValueError, TypeError, AttributeError, Undecided):
        return _Capacity()


def _measure(stack: Stack) -> _Capacity:
    pods, cpu, memory, volumes = 0, 0.0, 0.0, 0.0
    for server in stack.workloads:
        if not server.is_server:
            continue
        count = _replicas(stack, server)
        pods += count
        for container in server.containers(init=False):
            requests: Mapping[str, Any] = dig(container, "resources", "requests") or {}
            cpu += count * kubernetes_millicores(requests.get("cpu", 0)) / 1000
            memory += count * kubernetes_bytes(requests.get("memory", 0)) / GIB
        claims: Sequence[Mapping[str, Any]] = server.get("spec", "volumeClaimTemplates") or ()
        for claim in claims:
            size = dig(claim, "spec", "resources", "requests", "storage")
            volumes += count * kubernetes_bytes(size or 0) / GIB
    return _Capacity(
        pods=pods,
        cpu=round(cpu, 3),
        memory=round(memory, 2),
        volumes=round(volumes, 2),
        database_storage=_database_storage(stack),
        pooled=_pooled(stack),
        connections=_connections(stack),
    )


def _replicas(stack: Stack, server: Resource) -> int:
    for scaler in stack.of(":HorizontalPodAutoscaler"):
        if scaler.get("spec", "scaleTargetRef", "name") == server.object_name:
            return int(scaler.get("spec", "minReplicas") or 1)
    return int(server.get("spec", "replicas") or 1)


def _database_storage(stack: Stack) -> float | None:
    sizes = [instance.get("allocatedStorage") for instance in stack.of("rds/instance:Instance")]
    return None if None in sizes else sum(map(float, sizes))


def _pooled(stack: Stack) -> int:
    total = 0
    for holder, _name, text in stack.files("pgbouncer.ini"):
        try:
            most = int(ini(text).get("pgbouncer", {}).get("max_db_connections", "0"))
        except configparser.Error:
            continue
        for server in stack.mounting(holder):
            total += most * _replicas(stack, server)
    return total


def _connections(stack: Stack) -> int | None:
    for group in stack.of("rds/parameterGroup:ParameterGroup"):
        try:
            value = parameters_of(group).get("max_connections", ("", ""))[0]
        except Undecided:
            return None
        if value.isdigit():
            return int(value)
    return None
