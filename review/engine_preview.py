"""The engine's own preview (`pulumi preview --json`), read into a plan.

The policies' results and the stack's new outputs aren't in that digest but in the event log (`--event-log`), which is
read when it is given. Source of the digest: pulumi, pkg/display/json.go and pkg/backend/display/json.go.
"""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from review import engine_events, engine_format, replacements
from review.engine_events import Event, EventError, plain_text
from review.options import changed_options, changed_protection, changed_timeouts
from review.plan import Op, Origin, Plan, Step
from review.tracebacks import without_tracebacks
from stack import properties
from stack.properties import format_path, parse_path
from stack.resource import STACK_TYPE, Resource, declaring_line
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
    "refresh": Op.SAME,
    "diff": Op.SAME,
    "extend-parameterize": Op.SAME,
    "remove-pending-replace": Op.FORGET,
    "discard": Op.FORGET,
}
_CONSEQUENCE = re.compile(r"(error: )?(preview|update) failed$|.* exited prematurely\b", re.DOTALL)
"""What the engine says once something has stopped it: that it has, and that calls were cut off midway."""

_REFUSED = re.compile(
    r'.*resource "(?P<urn>urn:pulumi:[^"]+)"(?:\s+as part of replacing "[^"]+")?'
    r"\s+(?:cannot be (?P<deleted>deleted)\s+because it is protected|as it is currently marked for protection)",
    re.DOTALL,
)
"""The engine's refusal of a protected resource: pkg/resource/deploy/step.go and step_generator.go."""

_NEW_PARTS = {"create-replacement", "import-replacement", "read-replacement"}
_PARTS_OF_A_REPLACEMENT = {*_NEW_PARTS, "delete-replaced", "discard-replaced"}
"""With --show-replacement-steps a replacement comes in parts around a step `replace`; that one says it all."""

_ERRORS = ("error", "info#err")
"""Severities; the second is what a program writes to standard error."""

_COUNTED = ("create", "update", "replace", "delete", "import", "read", "discard")
_LOOKALIKES = {
    "deployment": "an export of a stack's state",
    "resourcePlans": "a saved plan",
    "events": "an event log from Pulumi Cloud",
    "result": "the result of another command",
    "message": "an error's message",
}
"""What other JSON may be given by mistake, by a key that gives it away."""


def read(path: Path, event_log: Path | None = None) -> Plan:
    """The preview in this file. Raises PreviewError when it is empty, cut short or something else."""
    events: Sequence[Event] | None = None
    if event_log is not None:
        try:
            events = engine_events.parse(_text(event_log))
        except EventError as error:
            raise PreviewError(f"{event_log} is not an event log of the engine: {error}") from None
    return parse(_text(path), str(path), events)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PreviewError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PreviewError(f"{path} is not text; {_HOW}") from None


def parse(text: str, source: str = "the preview", events: Sequence[Event] | None = None) -> Plan:
    """A preview's text as a plan. Raises PreviewError; `source` names the text in its message."""
    preview, streamed = _digest(text, source)
    try:
        return _plan(preview, events if events is not None else streamed)
    except (AttributeError, TypeError, ValueError, KeyError, RecursionError) as error:
        raise PreviewError(
            f"{source} has a part that no preview has ({type(error).__name__}: {str(error)[:200]}); {_HOW}"
        ) from None


def _plan(preview: Mapping[str, Any], events: Sequence[Event] | None) -> Plan:
    raw_steps: list[Mapping[str, Any]] = preview.get("steps") or []
    order = _deletion_order([*raw_steps, *engine_events.steps(events or ())])
    refused, errors = _diagnosed(preview)
    if not raw_steps and not refused and not errors:
        raise PreviewError(f"the preview lists no step, not even that of the stack itself, and no error; {_HOW}")
    steps = _with_refusals(_merged(_steps(raw_steps, order)), refused)
    stack = next((step for step in steps if step.resource.type == STACK_TYPE), None)
    told = engine_events.exports(events or ())
    exports_after, secret = property_values(told or {})
    violations = None if events is None else engine_events.violations(events)
    stopped = bool(refused) or any(violation.mandatory for violation in violations or ())
    return Plan(
        environment=_environment(preview),
        region=str((preview.get("config") or {}).get("aws:region", "")),
        origin=Origin.ENGINE,
        steps=tuple(step for step in steps if step is not stack and not _is_default_provider(step.resource)),
        exports_before=stack.old.outputs if stack and stack.old else {},
        exports_after=exports_after if told is not None else stack.new.outputs or None if stack and stack.new else None,
        secret_exports=secret | (stack.resource.secret_paths if stack else frozenset()),
        violations=violations,
        errors=tuple(error for error in errors if not (stopped and _CONSEQUENCE.match(error))),
        doubts=tuple(_doubts(preview, raw_steps, events or ())),
    )


def _digest(text: str, source: str) -> tuple[Mapping[str, Any], Sequence[Event] | None]:
    """The preview's digest, and the events that it was made of where it came as a stream of them."""
    if not text.strip():
        raise PreviewError(f"{source} is empty: the preview failed before it could say anything; {_HOW}")
    try:
        content = json.loads(text)
    except ValueError as error:
        if "\n" not in text.strip():
            raise PreviewError(f"{source} is not complete JSON ({error}); {_HOW}") from None
        try:
            events = engine_events.parse(text)
            return engine_events.digest(events), events
        except EventError as reason:
            raise PreviewError(
                f"{source} is not complete JSON ({error}), nor a stream of events ({reason}); {_HOW}"
            ) from None
    preview = cast("Mapping[str, Any]", content) if isinstance(content, dict) else {}
    steps, diagnostics = preview.get("steps"), preview.get("diagnostics")
    # The engine leaves out an empty list: a program that fails at once has diagnostics and no steps.
    listed: list[Any] = steps if isinstance(steps, list) else []
    if not all(isinstance(step, dict) for step in listed) or not (
        isinstance(steps, list) or ("steps" not in preview and isinstance(diagnostics, list) and diagnostics)
    ):
        looks = next((f"; it looks like {what}" for key, what in _LOOKALIKES.items() if key in preview), "")
        raise PreviewError(f"{source} is JSON, but no preview: it has no list of steps{looks}; {_HOW}")
    return preview, None


def _environment(preview: Mapping[str, Any]) -> str:
    told: list[Mapping[str, Any]] = [*(preview.get("steps") or ()), *(preview.get("diagnostics") or ())]
    urn = next((str(part["urn"]) for part in told if str(part.get("urn", "")).startswith("urn:pulumi:")), "")
    configured: Mapping[str, Any] = preview.get("config") or {}
    return urn.split("::")[0].removeprefix("urn:pulumi:") or str(configured.get("simone:environment", "unknown"))


def _is_default_provider(resource: Resource) -> bool:
    return resource.type.startswith("pulumi:providers:") and resource.name.startswith("default")


def _diagnosed(preview: Mapping[str, Any]) -> tuple[Mapping[str, Op], tuple[str, ...]]:
    """By URN what the engine refuses to do to a protected resource, and the other errors."""
    refused: dict[str, Op] = {}
    errors: list[str] = []
    diagnostics: list[Mapping[str, Any]] = preview.get("diagnostics") or []
    for diagnostic in diagnostics:
        # A line of a traceback is known by how far it is indented.
        message = plain_text(str(diagnostic.get("message", ""))).rstrip().strip("\n")
        if diagnostic.get("severity") not in _ERRORS:
            continue
        if match := _REFUSED.match(message):
            refused[match["urn"]] = Op.DELETE if match["deleted"] else Op.REPLACE
        elif message.strip():
            errors.append(message)
    return refused, tuple(without_tracebacks(errors))


def _doubts(
    preview: Mapping[str, Any], raw_steps: Sequence[Mapping[str, Any]], events: Sequence[Event]
) -> Iterator[str]:
    if engine_events.is_cut_short(events):
        yield "the event log was cut short: it has no summary, so not all policies may have judged"
    if preview.get("maybeCorrupt"):
        yield "the engine says that its state may be corrupt (maybeCorrupt): look at it before anything is deployed"
    yield from engine_format.not_understood(preview, events)
    counted: Mapping[str, int] = preview.get("changeSummary") or {}
    listed = Counter(str(raw.get("op")) for raw in raw_steps)
    for op in _COUNTED if counted else ():
        if (number := counted.get(op, 0)) != listed[op]:
            yield f"the preview counts {number} resources to {op} but lists {listed[op]}: what differs isn't judged"


def _deletion_order(raw_steps: Iterable[Mapping[str, Any]]) -> Mapping[str, bool]:
    """By URN whether the old resource goes first, where the preview shows a replacement's parts."""
    first: dict[str, bool] = {}
    for raw in raw_steps:
        if raw.get("op") in ("delete-replaced", *_NEW_PARTS):
            first.setdefault(str(raw.get("urn")), raw["op"] == "delete-replaced")
    return first


def _steps(raw_steps: Sequence[Mapping[str, Any]], order: Mapping[str, bool]) -> Iterator[Step]:
    whole = {str(raw.get("urn")) for raw in raw_steps if raw.get("op") == "replace"}
    for raw in raw_steps:
        if raw.get("op") not in _PARTS_OF_A_REPLACEMENT:
            yield _step(raw, order)
        elif (urn := str(raw.get("urn"))) not in whole:
            whole.add(urn)
            yield _step({**raw, "op": "replace"}, order)


def _merged(steps: Iterable[Step]) -> tuple[Step, ...]:
    """One step for each resource, beside the old copies of it: with --refresh an `update` or `delete` that tells what
    the cloud has comes first, with an import what is there already, and then what the program makes of it.
    """
    found: dict[str, Step] = {}
    old_copies: list[Step] = []
    for step in steps:
        seen = found.get(step.urn)
        if step.old_copy:
            old_copies.append(step)
        else:
            found[step.urn] = step if seen is None else _joined(seen, step)
    return (*found.values(), *old_copies)


def _joined(first: Step, step: Step) -> Step:
    """Two steps of one resource as one."""
    if first.op is Op.REPLACE:  # by an imported one, which the program then changes
        return dataclasses.replace(first, new=step.new or first.new, notes=(*first.notes, *step.notes))
    if first.imported:
        op = first.op if step.op is Op.SAME else step.op
        return dataclasses.replace(step, op=op, imported=True, drift=(), notes=(*first.notes, *step.notes))
    if first.op is Op.DELETE:
        return dataclasses.replace(step, notes=(*step.notes, "it is gone from the cloud: deleted outside the program"))
    old = first.old.inputs if first.old else {}
    new = first.new.inputs if first.new else {}
    drift = {format_path(change.path) for change in properties.changes(old, new)} or set(first.drift)
    return dataclasses.replace(step, drift=tuple(sorted({*drift, *step.drift})))


def _with_refusals(steps: Sequence[Step], refused: Mapping[str, Op]) -> Sequence[Step]:
    """The steps with what the engine refuses; it may stop before it lists the step itself."""
    listed: list[Step] = []
    for step in steps:
        if step.urn in refused and step.op in (Op.DELETE, Op.REPLACE, Op.FORGET):
            kept = [part and dataclasses.replace(part, protect=True) for part in (step.old, step.new)]
            listed.append(dataclasses.replace(step, old=kept[0], new=kept[1]))
        elif step.urn not in refused:
            listed.append(step)
    missing = refused.keys() - {step.urn for step in listed}
    gone = {urn: _resource(urn, {"protect": True, "custom": True}) for urn in sorted(missing)}
    return listed + [Step(op=refused[urn], urn=urn, old=old, new=None) for urn, old in gone.items()]


def _step(raw: Mapping[str, Any], order: Mapping[str, bool]) -> Step:
    op, urn = _OPS.get(str(raw.get("op"))), str(raw.get("urn", ""))
    if op is None:
        raise PreviewError(f"the preview has a step that this reader doesn't know: {raw.get('op')!r} of {urn or '?'}")
    states: list[Mapping[str, Any]] = [raw.get("oldState") or {}, raw.get("newState") or {}]
    if not any(states):
        raise PreviewError(f"the preview's step for {urn} has neither an old nor a new state")
    if urn.count("::") < 3:
        raise PreviewError(f"the preview has a step {raw['op']!r} without a resource: its URN is {urn!r}")
    old, new = (_resource(urn, state) if state else None for state in states)
    resource = new or old
    assert resource is not None  # noqa: S101 (one of the states is there, see above)
    detailed: Mapping[str, Mapping[str, Any]] = raw.get("detailedDiff") or {}
    reasons = {str(key) for key in raw.get("replaceReasons") or ()}
    reasons |= {path for path, diff in detailed.items() if str(diff.get("kind", "")).endswith("-replace")}
    if op is Op.DELETE and old and old.options.get("retainOnDelete"):
        op = Op.FORGET
    options = tuple(changed_options(old, new)) if old and new else ()
    if op is Op.READ:
        op = _read(states)
    autonamed = replacements.is_autonamed(resource.type, states[1].get("inputs") or states[0].get("inputs") or {})
    deleted_first = not autonamed and replacements.deleted_first(
        resource.type, (old or resource).inputs, resource.inputs
    )
    changed = tuple(detailed) or tuple(map(str, raw.get("diffReasons") or ()))
    hidden = tuple(_hidden(old, new, changed))
    return Step(
        op=op,
        urn=urn,
        old=old,
        new=new,
        replace_reasons=tuple(sorted(reasons)) if op is Op.REPLACE else (),
        deleted_first=op is Op.REPLACE and order.get(urn, deleted_first),
        drift=tuple(_drift(old, new, detailed, hidden)) if op is Op.UPDATE else _refreshed(raw, old, new),
        hidden_changes=hidden,
        old_copy=op in (Op.DELETE, Op.FORGET) and bool(states[0].get("delete")),
        new_options=bool(options) or bool(old and new and old.protect and not new.protect),
        imported=op is Op.IMPORT,
        notes=(*_notes(str(raw["op"]), states, old, new), *options),
    )


def _read(states: Sequence[Mapping[str, Any]]) -> Op:
    """What a step `read` is: with the same ID the engine lets go of what it has managed."""
    before, after = states
    return Op.FORGET if before and not before.get("external") and after.get("external") else Op.READ


def _notes(op: str, states: Sequence[Mapping[str, Any]], old: Resource | None, new: Resource | None) -> Iterator[str]:
    before, after = states
    if old and new:
        if old.urn != new.urn:
            yield f"known as {old.name} before"
        yield from changed_protection(old, new)
        yield from changed_timeouts(old, new)
    if before.get("pendingReplacement"):
        yield "the old one is gone already: a deployment that was interrupted has deleted it"
    if before.get("taint") or after.get("taint"):
        yield "it is tainted: somebody has asked for its replacement"
    if op == "read" and after.get("external"):
        if not before:
            yield "looked up in the cloud from now on; nothing in it changes"
        elif not before.get("external"):
            yield "looked up in the cloud from now on: it stays there as it is, and the program manages it no more"
        elif before.get("id") != after.get("id"):
            yield f"another one is looked up: {before.get('id')} → {after.get('id')}"


def _refreshed(raw: Mapping[str, Any], old: Resource | None, new: Resource | None) -> tuple[str, ...]:
    """The inputs that a refresh has found to be others in the cloud."""
    if raw.get("op") != "refresh" or old is None or new is None:
        return ()
    return tuple(sorted({format_path(change.path) for change in properties.changes(old.inputs, new.inputs)}))


def _drift(
    old: Resource | None, new: Resource | None, detailed: Mapping[str, Mapping[str, Any]], hidden: Sequence[str]
) -> Iterator[str]:
    """The paths whose old and new inputs are equal: the program changes nothing there, so the cloud did.

    `inputDiff` alone doesn't say it: bridged providers (AWS, Cloudflare) have it false for every change. A path that is
    no input is the provider's own (`lastModified`), which follows whatever else changes.
    """
    if old is None or new is None:
        return
    program_changes = bool(hidden) or any(True for _ in properties.changes(old.inputs, new.inputs))
    for text, diff in sorted(detailed.items()):
        before, after = _at(old.inputs, text), _at(new.inputs, text)
        is_input = before is not None or after is not None
        equal = text not in hidden and not any(True for _ in properties.changes(before, after))
        if not diff.get("inputDiff") and equal and (is_input or not program_changes):
            yield text


def _hidden(old: Resource | None, new: Resource | None, changed: Iterable[str]) -> Iterator[str]:
    """The paths of secret inputs that differ though both sides show only `[secret]`."""
    if old is None or new is None:
        return
    for text in changed:
        if not {*_path(text)[:1]} <= new.inputs.keys():
            continue
        seen = any(True for _ in properties.changes(_at(old.inputs, text), _at(new.inputs, text)))
        if not seen and _is_hidden(old, text) and _is_hidden(new, text):
            yield text


def _is_hidden(resource: Resource, text: str) -> bool:
    """Whether a secret is at a path, above or below it."""
    path = _path(text)
    secrets = [_path(secret) for secret in resource.secret_paths]
    return any(properties.contains(secret, path) or properties.contains(path, secret) for secret in secrets)


def _at(tree: Any, text: str) -> Any:
    for part in _path(text):
        if isinstance(tree, Mapping):
            tree = cast("Mapping[str | int, Any]", tree).get(part)
        elif isinstance(tree, list) and isinstance(part, int) and part < len(cast("list[Any]", tree)):
            tree = tree[part]
        else:
            return None
    return tree


def _path(text: str) -> properties.Path:
    """The path that a provider has written; one that can't be read stands for the whole resource."""
    try:
        return parse_path(text)
    except ValueError:
        return ()


def _resource(step_urn: str, state: Mapping[str, Any]) -> Resource:
    inputs, secret_paths = property_values(state.get("inputs") or {})
    outputs, secret_outputs = property_values(state.get("outputs") or {})
    urn = str(state.get("urn") or step_urn)
    dependencies: Mapping[str, list[str]] = state.get("propertyDependencies") or {}
    options = (
        *("retainOnDelete", "ignoreChanges", "replaceOnChanges", "additionalSecretOutputs", "customTimeouts"),
        *("deletedWith", "replaceWith", "replacementTrigger", "resourceHooks"),
    )
    return Resource(
        urn=urn,
        type=str(state.get("type") or urn.split("::")[2].rsplit("$", maxsplit=1)[-1]),
        name=urn.split("::", 3)[3],
        custom=bool(state.get("custom", True)),
        parent=str(state.get("parent", "")),
        inputs=inputs,
        outputs={key: value for key, value in outputs.items() if key not in inputs},
        dependencies=tuple(sorted(state.get("dependencies") or ())),
        property_dependencies={key: tuple(sorted(urns)) for key, urns in sorted(dependencies.items()) if urns},
        provider=str(state.get("provider", "")).removesuffix(f"::{UNKNOWN}"),
        protect=bool(state.get("protect", False)),
        aliases=tuple(state.get("aliases") or ()),
        options={name: state[name] for name in options if state.get(name)},
        secret_paths=secret_paths | secret_outputs,
        source=declaring_line(_positions(state)),
    )


def _positions(state: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Where a state was registered, innermost first: `project:///components/x.py#42,7` as file and line
    (sdk/go/common/apitype/core.go, ResourceV3 and StackFrameV1).
    """
    for place in (*(state.get("stackTrace") or ()), state):
        if found := re.match(r"project:/*([^#]+)#(\d+)", str(place.get("sourcePosition", ""))):
            yield unquote(found[1]), int(found[2])
