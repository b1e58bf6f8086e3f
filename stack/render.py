"""An environment's whole resource graph, without engine, cloud or cluster.

The program runs under the SDK's own mocks (`pulumi.runtime.mocks`), with a monitor that records each registration as
the engine would receive it: URN, parent, inputs, dependencies, options, and which inputs are secret. What only a cloud
can know is unknown, as in a first preview; `render(..., resolve=...)` may supply it.
"""

import asyncio
import contextlib
import contextvars
import gc
import runpy
import sys
from collections.abc import Callable, Generator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import configure, mocks, run_in_stack, set_all_config
from pulumi.runtime.proto import resource_pb2

from stack.environments import PROJECT, ROOT, RenderError, stack_config
from stack.resource import STACK_TYPE, Rendered, Resource, declaring_line
from stack.values import property_values

Resolve = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]]
"""Returns the outputs that a cloud would give a resource, from its type, name and inputs."""


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
    # Imported late, so that code which only reads renders doesn't run the program.
    from stack.secret_placeholders import with_placeholders  # noqa: PLC0415

    settings = stack_config(environment) | dict(config or {})
    settings[f"{PROJECT}:secrets"] = with_placeholders(settings.get(f"{PROJECT}:secrets"), secrets, settings)
    # The SDK keeps its state in context variables; a fresh context is a fresh process to it.
    with _garbage_kept():
        return contextvars.Context().run(_record, environment, settings, _Recorder(resolve))


@contextlib.contextmanager
def _garbage_kept() -> Generator[None]:
    """Turn garbage collection off during the block: it takes a third of a first render, among the hundred thousand
    objects of the imported cloud SDKs.
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
    """Answers as a cloud that hasn't created anything: with the inputs only."""

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
        if answer.urn in self._requests:
            raise RenderError(f"two resources have the URN {answer.urn}: give one of them another name")
        registered = self.resources.get(answer.urn)
        self._requests[answer.urn] = (request, dict(registered.state) if registered else {})
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self._outputs[request.urn] = MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)

    def rendered(self, environment: str) -> Rendered:
        found = {urn: self._resource(urn, *recorded) for urn, recorded in self._requests.items()}
        stack = next(urn for urn, resource in found.items() if resource.type == STACK_TYPE)
        exports, secret_exports = property_values(self._outputs.get(stack, {}))
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

    def _alias(self, alias: Any, request: Any) -> str:
        """A former name or type unchanged; a former parent as the whole URN under it."""
        spec = alias.spec
        if alias.urn or not (spec.parentUrn or spec.noParent or (spec.name and spec.type)):
            return alias.urn or spec.name or spec.type
        parent = "" if spec.noParent else spec.parentUrn or request.parent
        return self.make_urn(parent, spec.type or request.type, spec.name or request.name)

    def _resource(self, urn: str, request: Any, state: Mapping[str, Any]) -> Resource:
        inputs, secret_paths = property_values(MessageToDict(request.object))
        needed = {urn for urns in request.propertyDependencies.values() for urn in urns.urns}
        options = {
            "dependsOn": sorted(set(request.dependencies) - needed),
            "deleteBeforeReplace": request.deleteBeforeReplace,
            "retainOnDelete": request.retainOnDelete,
            "ignoreChanges": list(request.ignoreChanges),
            "replaceOnChanges": list(request.replaceOnChanges),
            "additionalSecretOutputs": list(request.additionalSecretOutputs),
            "customTimeouts": MessageToDict(request.customTimeouts),
            "deletedWith": request.deletedWith,
            "import": request.importId,
            "replaceWith": list(request.replace_with),
            "replacementTrigger": MessageToDict(request.replacement_trigger),
            "hooks": MessageToDict(request.hooks),
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
            aliases=tuple(self._alias(alias, request) for alias in request.aliases),
            options={key: value for key, value in options.items() if value},
            secret_paths=secret_paths,
            source=_source(request),
        )


def _source(request: Any) -> str:
    """The line of the program that declares a resource."""
    frames = ((Path(unquote(urlparse(frame.pc.uri).path)), frame.pc.line) for frame in request.stackTrace.frames)
    ours = ((path.relative_to(ROOT).as_posix(), line) for path, line in frames if path.is_relative_to(ROOT))
    return declaring_line(ours)
