"""An environment's whole resource graph, without engine, cloud or cluster.

The program runs under the SDK's own mocks (`pulumi.runtime.mocks`), with a monitor that records each registration as
the engine would receive it: URN, parent, inputs, dependencies, options, and which inputs are secret. What only a cloud
can know is unknown, as in a first preview; `render(..., resolve=...)` may supply it.
"""

import asyncio
import contextlib
import contextvars
import gc
import re
import runpy
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, cast

import pulumi
import yaml
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import configure, mocks, rpc, run_in_stack, set_all_config
from pulumi.runtime.proto import resource_pb2

from review.secret_placeholders import with_placeholders

PROJECT = "simone"
ROOT = Path(__file__).resolve().parent.parent
STACK_TYPE = "pulumi:pulumi:Stack"
UNKNOWN: str = rpc.UNKNOWN
"""What stands for a value that is known only after a deployment, here as in the engine's own JSON."""

# How the engine's wire format marks a secret: sdk/python/lib/pulumi/runtime/rpc.py.
_SIGNATURE_KEY: str = rpc._special_sig_key  # pyright: ignore[reportPrivateUsage]
_SECRET_SIGNATURE: str = rpc._special_secret_sig  # pyright: ignore[reportPrivateUsage]

Resolve = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]]
"""Outputs of a resource by its type, name and inputs, for what a cloud would answer."""


class RenderError(Exception):
    """The environment can't be rendered: a missing or wrong stack file, or a program that fails."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registered resource.

    `inputs` are plain nested values in the provider's own names; an unknown one is `UNKNOWN`. `secret_paths` are the
    property paths (`stringData`, `data["redis.conf"]`) below which everything is secret.
    """

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    dependencies: tuple[str, ...]
    property_dependencies: Mapping[str, tuple[str, ...]]
    provider: str
    protect: bool
    aliases: tuple[str, ...]
    options: Mapping[str, Any]
    secret_paths: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """An environment's graph. `resources` come in an order in which they could be created."""

    environment: str
    resources: tuple[Resource, ...]
    exports: Mapping[str, Any]
    secret_exports: frozenset[str]

    def of_type(self, suffix: str) -> tuple[Resource, ...]:
        """The resources whose type ends so: `of_type(":StatefulSet")`."""
        return tuple(resource for resource in self.resources if resource.type.endswith(suffix))


def environments() -> tuple[str, ...]:
    """The environments that have a stack file."""
    return tuple(sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")))


def stack_config(environment: str) -> dict[str, Any]:
    """A stack file's configuration. Raises `RenderError` for a missing file or bad YAML."""
    path = ROOT / f"Pulumi.{environment}.yaml"
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        there = ", ".join(environments())
        raise RenderError(
            f"there is no environment {environment!r} ({path.name} is missing); there are: {there}"
        ) from None
    except yaml.YAMLError as error:
        raise RenderError(f"{path.name} is not valid YAML: {error}") from None
    config = content.get("config") if isinstance(content, dict) else None
    if not isinstance(config, dict):
        raise RenderError(f"{path.name} needs a mapping `config:` with the environment's settings")
    defaults = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    declared = {key: entry["default"] for key, entry in defaults.items() if "default" in entry}
    return declared | cast(dict[str, Any], config)


def render(
    environment: str,
    *,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, Any] | None = None,
    resolve: Resolve | None = None,
) -> Rendered:
    """The environment's graph.

    `config` replaces keys of the stack file; `secrets` is `simone:secrets` in plain text (without it, each secret is
    a placeholder: nothing can be decrypted here); `resolve` supplies outputs.
    Raises `RenderError` with the program's own message when its settings are wrong.
    """
    settings = stack_config(environment) | dict(config or {})
    settings[f"{PROJECT}:secrets"] = with_placeholders(settings.get(f"{PROJECT}:secrets"), secrets, settings)
    # The SDK keeps its state in context variables; a fresh context is a fresh process to it.
    with _garbage_kept():
        return contextvars.Context().run(_record, environment, settings, _Recorder(resolve))


@contextlib.contextmanager
def _garbage_kept() -> Generator[None]:
    """No garbage collection meanwhile: a third of a first render goes into looking for garbage among the hundred
    thousand objects that importing the cloud SDKs makes.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _record(environment: str, config: dict[str, Any], recorder: "_Recorder") -> Rendered:
    set_all_config(config, [f"{PROJECT}:secrets"])
    configure(
        mocks.MockSettings(
            monitor=recorder,
            monitor_features=set(recorder.GetDeploymentInfo(None).supportedFeatures),
            engine=mocks.MockEngine(None),
            project=PROJECT,
            stack=environment,
            dry_run=True,
        )
    )
    try:
        asyncio.run(run_in_stack(_program))
    except pulumi.RunError as error:
        raise RenderError(str(error)) from None
    return recorder.rendered(environment)


def _program() -> None:
    path = str(ROOT)
    if path not in sys.path:
        sys.path.insert(0, path)
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


class _NoCloud(mocks.Mocks):
    """Answers as a cloud would that hasn't created anything: with the inputs, and with nothing else."""

    def __init__(self, resolve: Resolve | None) -> None:
        self._resolve = resolve

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        known = dict(self._resolve(args.typ, args.name, args.inputs)) if self._resolve else {}
        return known.pop("id", "") or "", {**args.inputs, **known}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise RenderError(f"the program looks something up in a live cloud ({args.token}); make it a setting")


class _Recorder(mocks.MockMonitor):
    def __init__(self, resolve: Resolve | None) -> None:
        self.outputs_only = _NoCloud(resolve)
        super().__init__(self.outputs_only)
        self._requests: dict[str, tuple[resource_pb2.RegisterResourceRequest, Mapping[str, Any]]] = {}
        self._outputs: dict[str, Any] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        chain = parent.split("::")[2] if parent else STACK_TYPE
        qualified = type_ if chain == STACK_TYPE else f"{chain}${type_}"
        return "::".join((f"urn:pulumi:{pulumi.get_stack()}", PROJECT, qualified, name))

    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)
        registered = self.resources.get(answer.urn)
        self._requests[answer.urn] = (request, dict(registered.state) if registered else {})
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self._outputs[request.urn] = MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)

    def rendered(self, environment: str) -> Rendered:
        found = {urn: self._resource(urn, *recorded) for urn, recorded in self._requests.items()}
        stack = next(urn for urn, resource in found.items() if resource.type == STACK_TYPE)
        exports, secret_exports = _plain(self._outputs.get(stack, {}))
        order = TopologicalSorter(
            {urn: {*resource.dependencies, resource.parent} & found.keys() for urn, resource in found.items()}
        )
        order.prepare()
        resources: list[Resource] = []
        while order.is_active():
            for urn in sorted(order.get_ready()):
                resources.append(found[urn])
                order.done(urn)
        return Rendered(
            environment=environment,
            resources=tuple(resources),
            exports=exports,
            secret_exports=secret_exports,
        )

    def _resource(self, urn: str, request: Any, state: Mapping[str, Any]) -> Resource:
        inputs, secret_paths = _plain(MessageToDict(request.object))
        options = {
            "deleteBeforeReplace": request.deleteBeforeReplace,
            "retainOnDelete": request.retainOnDelete,
            "ignoreChanges": list(request.ignoreChanges),
            "replaceOnChanges": list(request.replaceOnChanges),
            "additionalSecretOutputs": list(request.additionalSecretOutputs),
            "customTimeouts": MessageToDict(request.customTimeouts),
        }
        return Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            inputs=inputs,
            outputs={key: value for key, value in state.items() if key not in inputs},
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                key: tuple(sorted(urns.urns)) for key, urns in sorted(request.propertyDependencies.items()) if urns.urns
            },
            provider=request.provider,
            protect=request.protect,
            aliases=tuple(alias.urn or alias.spec.name or alias.spec.type for alias in request.aliases),
            options={key: value for key, value in options.items() if value},
            secret_paths=secret_paths,
        )


def _plain(properties: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """Wire properties without their marks, and the paths that were marked secret."""
    secret_paths: set[str] = set()

    def unwrap(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            if value.get(_SIGNATURE_KEY) == _SECRET_SIGNATURE:
                secret_paths.add(path)
                return unwrap(value.get("value"), path)
            return {key: unwrap(inner, property_path(path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [unwrap(inner, f"{path}[{index}]") for index, inner in enumerate(value)]
        # Struct knows no integers: 6379 travels as 6379.0.
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return {key: unwrap(value, property_path("", key)) for key, value in properties.items()}, frozenset(secret_paths)


def property_path(parent: str, key: str) -> str:
    """A property path in Pulumi's notation: `spec.replicas`, `data["redis.conf"]`."""
    if re.fullmatch(r"[A-Za-z_$][\w$]*", key):
        return f"{parent}.{key}" if parent else key
    return f'{parent}["{key}"]'
