"""A declared resource and a stack of them, with the lookups that rules and reports share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, cast

from stack.properties import Path, format_path
from stack.values import UNKNOWN

STACK_TYPE = "pulumi:pulumi:Stack"
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Pod", "Job", "CronJob")


class Undecided(Exception):
    """A rule used a value that isn't known yet; the rule runs again during the deployment, when it is.

    `path` is where the value is, as far as known: below the resource, or below the part that was read last.
    """

    def __init__(self, path: Path = ()) -> None:
        super().__init__(f"{format_path(path) or 'a value'} is known only after the deployment")


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One declared resource, from any source: a render, the engine's preview, or its policy protocol.

    `inputs` are plain nested values in the provider's own names; an unknown one is `UNKNOWN`. `secret_paths` are the
    property paths (`stringData`, `data["redis.conf"]`) below which everything is secret. `source` is the line that
    declares it, `components/redis/nodes.py:42`, where it is known; two resources don't differ by it.
    """

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    custom: bool = True
    parent: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    provider: str = ""
    protect: bool = False
    aliases: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    secret_paths: frozenset[str] = frozenset()
    source: str = field(default="", compare=False)

    def get(self, *path: str | int) -> Any:
        """The value at a path, None where there is none. Raises Undecided for an unknown one."""
        return dig(self.inputs, *path)

    @property
    def kind(self) -> str:
        """The type's last part: StatefulSet, Instance."""
        return self.type.rsplit(":", 1)[-1]

    @property
    def object_name(self) -> str:
        """A Kubernetes object's own name, an AWS resource's logical one."""
        return str(self.get("metadata", "name") or self.name)

    @property
    def labels(self) -> Mapping[str, Any]:
        """A Kubernetes object's labels."""
        return self.get("metadata", "labels") or {}

    @property
    def is_workload(self) -> bool:
        """Whether it runs pods."""
        return self.type.startswith("kubernetes:") and self.kind in _WORKLOADS

    @property
    def is_server(self) -> bool:
        """Whether its pods run for ever."""
        return self.is_workload and self.kind not in ("Job", "CronJob")

    @property
    def pod_template(self) -> Mapping[str, Any]:
        """A workload's pod template; of a bare Pod the pod itself."""
        if self.kind == "Pod":
            return self.inputs
        path = ("spec", "jobTemplate", "spec", "template") if self.kind == "CronJob" else ("spec", "template")
        return self.get(*path) or {}

    @property
    def pod(self) -> Mapping[str, Any]:
        """A workload's pod spec."""
        return dig(self.pod_template, "spec") or {}

    @property
    def pod_labels(self) -> Mapping[str, Any]:
        """The labels that a workload's pods carry."""
        return dig(self.pod_template, "metadata", "labels") or {}

    @property
    def system(self) -> str:
        """The system that a workload's pods belong to."""
        return str(self.pod_labels.get("app.kubernetes.io/name", ""))

    def containers(self, *, init: bool = True) -> Iterator[Mapping[str, Any]]:
        """A workload's containers, by default with those that run before or besides the others."""
        yield from dig(self.pod, "containers") or ()
        if init:
            yield from dig(self.pod, "initContainers") or ()
            yield from dig(self.pod, "ephemeralContainers") or ()


_NO_DECLARATION = ("stack", "components/kubernetes")
"""Where a resource is registered for somebody else: by the renderer, and by what makes a workload of its parts."""


def declaring_line(frames: Iterable[tuple[str, int]]) -> str:
    """The innermost of a call's frames, each a file below the project's root and a line, that is the program's own:
    `components/redis/nodes.py:42`; empty without one.
    """
    for file, line in frames:
        path = PurePosixPath(file)
        foreign = {"site-packages", "node_modules", ".."} & {*path.parts} or path.is_absolute()
        if not foreign and not any(path.is_relative_to(room) for room in _NO_DECLARATION):
            return f"{path}:{line}"
    return ""


def dig(tree: Any, *path: str | int) -> Any:
    """The value below a tree, None where there is none. Raises Undecided for an unknown one on the way."""
    for depth, part in enumerate(path):
        if tree == UNKNOWN:
            raise Undecided(path[:depth] or path)
        if isinstance(part, int):
            tree = tree[part] if isinstance(tree, Sequence) and len(cast("Sequence[Any]", tree)) > part else None
        else:
            tree = cast("Mapping[str, Any]", tree).get(part) if isinstance(tree, Mapping) else None
    if tree == UNKNOWN:
        raise Undecided(path)
    return tree


def listed(value: Any) -> list[Any]:
    """The values where one and a list of one mean the same."""
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Stack:
    """All resources of an environment, and what it exports."""

    resources: tuple[Resource, ...]
    exports: Mapping[str, Any] = field(default_factory=dict[str, Any])
    secret_exports: frozenset[str] = frozenset()

    def of(self, *kinds: str) -> tuple[Resource, ...]:
        """The resources whose type ends so: `of(":StatefulSet")`."""
        return tuple(resource for resource in self.resources if resource.type.endswith(kinds))

    @cached_property
    def workloads(self) -> tuple[Resource, ...]:
        """Whatever runs pods."""
        return tuple(resource for resource in self.resources if resource.is_workload)

    def files(self, *names: str) -> Iterator[tuple[Resource, str, str]]:
        """The configuration files of these names, from ConfigMaps and Secrets: holder, file name, text."""
        for holder in self.of(":ConfigMap", ":Secret"):
            if not holder.type.startswith("kubernetes:"):
                continue
            for part in ("data", "stringData"):
                content: Mapping[str, Any] = holder.get(part) or {}
                for name in content:
                    if not names or name in names:
                        yield holder, name, str(dig(content, name))

    def mounting(self, holder: Resource) -> Iterator[Resource]:
        """The workloads that mount a ConfigMap or Secret."""
        for workload in self.workloads:
            volumes: Sequence[Mapping[str, Any]] = dig(workload.pod, "volumes") or ()
            for volume in volumes:
                names = (dig(volume, "configMap", "name"), dig(volume, "secret", "secretName"))
                if holder.object_name in names:
                    yield workload
                    break

    def budgets_of(self, workload: Resource) -> tuple[Resource, ...]:
        """The disruption budgets that cover a workload's pods."""
        return tuple(
            budget
            for budget in self.of(":PodDisruptionBudget")
            if selects(budget.get("spec", "selector"), workload.pod_labels)
        )


@dataclass(frozen=True, kw_only=True)
class Rendered(Stack):
    """An environment's graph. `resources` come in an order in which they could be created."""

    environment: str


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Whether a label selector selects pods with these labels; an empty one selects all of them."""
    wanted: Mapping[str, Any] = dig(selector, "matchLabels") or {}
    expressions: Sequence[Mapping[str, Any]] = dig(selector, "matchExpressions") or ()
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _matches(expression, labels) for expression in expressions
    )


def _matches(expression: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = expression.get("key"), expression.get("values") or ()
    return {
        "In": labels.get(str(key)) in values,
        "NotIn": labels.get(str(key)) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(str(expression.get("operator")), False)
