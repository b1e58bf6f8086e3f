"""A pod as the launcher gets it: a JSON file of plain values. Imported by launchers, so standard library
only.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

RestartPolicy = Literal["Always", "OnFailure", "Never"]


@dataclass(frozen=True, kw_only=True)
class Mount:
    """`source` on this machine seen at `target` in the container."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A Kubernetes probe; times in seconds. Exactly one of `command`, `http_path` and neither (TCP)."""

    command: tuple[str, ...] = ()
    http_path: str = ""
    http_headers: tuple[tuple[str, str], ...] = ()
    host: str = ""
    port: int = 0
    initial_delay: float = 0
    period: float = 10
    timeout: float = 1
    success_threshold: int = 1
    failure_threshold: int = 3


@dataclass(frozen=True, kw_only=True)
class Hook:
    """What runs in a container before it is stopped: a command, an HTTP GET, or a pause in seconds."""

    command: tuple[str, ...] = ()
    http_path: str = ""
    host: str = ""
    port: int = 0
    sleep: float = 0


@dataclass(frozen=True, kw_only=True)
class Container:
    """A process with its own file system. `links` are symbolic links in it, from path to what they point at."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    working_directory: str = "/"
    uid: int = 0
    gid: int = 0
    user: str = "app"
    read_only_root: bool = False
    mounts: tuple[Mount, ...] = ()
    links: dict[str, str] = field(default_factory=dict[str, str])
    startup: Probe | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    pre_stop: Hook | None = None
    stop_signal: int = 15


@dataclass(frozen=True, kw_only=True)
class Pod:
    """What one launcher runs.

    `scratch` directories are emptied at each start of the pod; `directory` holds its status and sandbox root,
    `logs` a file per container. `agent_port` > 0: tells a balancer, on the pod's address, whether the pod is
    ready.
    """

    name: str
    address: str
    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    restart: RestartPolicy = "Always"
    grace: float = 30
    hosts: str = ""
    scratch: tuple[str, ...] = ()
    directory: str = ""
    logs: str = ""
    agent_port: int = 0


def dump(pod: Pod) -> str:
    """The pod as JSON, the same text for the same pod."""
    return json.dumps(asdict(pod), indent=1, sort_keys=True)


def load(path: Path) -> Pod:
    """The pod in a file that `dump` wrote."""
    data: dict[str, Any] = json.loads(path.read_text())
    for key in ("containers", "init_containers"):
        data[key] = tuple(_container(entry) for entry in data[key])
    data["scratch"] = tuple(data["scratch"])
    return Pod(**data)


def _container(data: dict[str, Any]) -> Container:
    data["argv"] = tuple(data["argv"])
    data["mounts"] = tuple(Mount(**entry) for entry in data["mounts"])
    for key in ("startup", "readiness", "liveness"):
        probe: dict[str, Any] | None = data[key]
        if probe is not None:
            probe["command"] = tuple(probe["command"])
            probe["http_headers"] = tuple((name, value) for name, value in probe["http_headers"])
            data[key] = Probe(**probe)
    hook: dict[str, Any] | None = data["pre_stop"]
    if hook is not None:
        hook["command"] = tuple(hook["command"])
        data["pre_stop"] = Hook(**hook)
    return Container(**data)
