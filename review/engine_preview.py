"""The engine's own preview (`pulumi preview --json`), read into a plan.

The policies' results aren't in that digest but in the event log (`--event-log`), which is read when it is given.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from review import replacements
from review.plan import Op, Origin, Plan, Step, Violation
from stack.resource import STACK_TYPE, Resource
from stack.values import UNKNOWN, property_values


class PreviewError(Exception):
    """The file isn't a preview; the message says what is wrong with it and how to make one."""


_HOW = "make one with: pulumi preview --json > FILE"
_OPS = {
    "create": Op.CREATE,
    "update": Op.UPDATE,
    "replace": Op.REPLACE,
    "delete": Op.DELETE,
    "same": Op.SAME,
    "read": Op.READ,
    "import": Op.IMPORT,
    "import-replacement": Op.REPLACE,
    "refresh": Op.SAME,
    "remove-pending-replace": Op.FORGET,
    "discard": Op.FORGET,
}
_CONSEQUENCE = re.compile(r"(error: )?(preview|update) failed$|.* exited prematurely\b", re.DOTALL)
"""What the engine says once a mandatory policy has stopped it: that it has, and that calls were cut off midway."""

_PARTS_OF_A_REPLACEMENT = {"create-replacement", "delete-replaced", "read-replacement", "discard-replaced"}
"""With --show-replacement-steps a replacement comes in parts around a step `replace`; that one says it all."""


def read(path: Path, event_log: Path | None = None) -> Plan:
    """The preview in this file. Raises PreviewError when it is empty, cut short or something else."""
    try:
        text = path.read_text()
    except OSError as error:
        raise PreviewError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PreviewError(f"{path} is not text; {_HOW}") from None
    events = _events(event_log) if event_log is not None else None
    return parse(text, str(path), events)


def _events(path: Path) -> list[Mapping[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise PreviewError(f"{path} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise PreviewError(f"{path} is not an event log of the engine: {error}") from None


def parse(text: str, source: str = "the preview", events: Iterable[Mapping[str, Any]] | None = None) -> Plan:
    """A preview's text as a plan. Raises PreviewError; `source` names the text in its message."""
    if not text.strip():
        raise PreviewError(f"{source} is empty: the preview failed before it could say anything; {_HOW}")
    try:
        digest = json.loads(text)
    except ValueError as error:
        raise PreviewError(f"{source} is not complete JSON ({error}); {_HOW}") from None
    if not isinstance(digest, dict) or not isinstance(digest.get("steps", []), list):
        raise PreviewError(f"{source} is JSON, but no preview: it has no list of steps; {_HOW}")
    preview = cast("Mapping[str, Any]", digest)
    raw_steps: list[Mapping[str, Any]] = preview.get("steps") or []
    order = _deletion_order(raw_steps)
    steps = [_step(raw, order) for raw in raw_steps if raw.get("op") not in _PARTS_OF_A_REPLACEMENT]
    stack = next((step for step in steps if step.resource.type == STACK_TYPE), None)
    violations = None if events is None else tuple(_violations(events))
    stopped = any(violation.mandatory for violation in violations or ())
    return Plan(
        environment=_environment(steps, preview),
        origin=Origin.ENGINE,
        steps=tuple(step for step in steps if step is not stack and not _is_default_provider(step.resource)),
        exports_before=stack.old.outputs if stack and stack.old else {},
        exports_after=stack.new.outputs if stack and stack.new else {},
        secret_exports=stack.resource.secret_paths if stack else frozenset(),
        violations=violations,
        errors=tuple(error for error in _errors(preview) if not (stopped and _CONSEQUENCE.match(error))),
    )


def _environment(steps: Iterable[Step], preview: Mapping[str, Any]) -> str:
    for step in steps:
        return step.urn.split("::")[0].removeprefix("urn:pulumi:")
    configured: Mapping[str, Any] = preview.get("config") or {}
    return str(configured.get("simone:environment", "unknown"))


def _is_default_provider(resource: Resource) -> bool:
    return resource.type.startswith("pulumi:providers:") and resource.name.startswith("default")


def _errors(preview: Mapping[str, Any]) -> Iterable[str]:
    diagnostics: list[Mapping[str, Any]] = preview.get("diagnostics") or []
    for diagnostic in diagnostics:
        if diagnostic.get("severity") == "error":
            yield str(diagnostic.get("message", "")).strip()


def _deletion_order(raw_steps: Iterable[Mapping[str, Any]]) -> Mapping[str, bool]:
    """By URN whether the old resource goes first, where the preview shows a replacement's parts."""
    first: dict[str, bool] = {}
    for raw in raw_steps:
        if raw.get("op") in ("delete-replaced", "create-replacement"):
            first.setdefault(str(raw["urn"]), raw["op"] == "delete-replaced")
    return first


def _step(raw: Mapping[str, Any], order: Mapping[str, bool]) -> Step:
    try:
        op, urn = _OPS[raw["op"]], str(raw["urn"])
    except KeyError as error:
        raise PreviewError(f"the preview has a step that this reader doesn't know: {error}") from None
    old = _resource(raw["oldState"]) if raw.get("oldState") else None
    new = _resource(raw["newState"]) if raw.get("newState") else None
    resource = new or old
    if resource is None:
        raise PreviewError(f"the preview's step for {urn} has neither an old nor a new state")
    detailed: Mapping[str, Mapping[str, Any]] = raw.get("detailedDiff") or {}
    reasons = {str(key) for key in raw.get("replaceReasons") or ()}
    reasons |= {path for path, diff in detailed.items() if str(diff.get("kind", "")).endswith("-replace")}
    notes = (f"known as {old.name} before",) if old is not None and new is not None and old.urn != new.urn else ()
    return Step(
        op=op,
        urn=urn,
        old=old,
        new=new,
        replace_reasons=tuple(sorted(reasons)) if op is Op.REPLACE else (),
        deleted_first=op is Op.REPLACE and order.get(urn, replacements.deleted_first(resource.type, resource.inputs)),
        drift=tuple(sorted(path for path, diff in detailed.items() if not diff.get("inputDiff", True))),
        notes=notes,
    )


def _resource(state: Mapping[str, Any]) -> Resource:
    inputs, secret_paths = property_values(state.get("inputs") or {})
    outputs, secret_outputs = property_values(state.get("outputs") or {})
    urn = str(state["urn"])
    dependencies: Mapping[str, list[str]] = state.get("propertyDependencies") or {}
    return Resource(
        urn=urn,
        type=str(state["type"]),
        name=urn.split("::", 3)[3],
        custom=bool(state.get("custom", False)),
        parent=str(state.get("parent", "")),
        inputs=inputs,
        outputs={key: value for key, value in outputs.items() if key not in inputs},
        dependencies=tuple(sorted(state.get("dependencies") or ())),
        property_dependencies={key: tuple(sorted(urns)) for key, urns in sorted(dependencies.items()) if urns},
        provider=str(state.get("provider", "")).removesuffix(f"::{UNKNOWN}"),
        protect=bool(state.get("protect", False)),
        aliases=tuple(state.get("aliases") or ()),
        options={},
        secret_paths=secret_paths | secret_outputs,
    )


def _violations(events: Iterable[Mapping[str, Any]]) -> Iterable[Violation]:
    for event in events:
        policy: Mapping[str, Any] | None = event.get("policyEvent")
        if policy is None:
            continue
        yield Violation(
            rule=str(policy.get("policyName", "")),
            mandatory=policy.get("enforcementLevel") == "mandatory",
            message=str(policy.get("message", "")).strip(),
            urn=str(policy.get("resourceUrn", "")),
            severity=str(policy.get("severity", "")),
        )
