"""The engine's event log (`--event-log FILE`, or `--json` streaming): one JSON object a line, sdk/go/common/apitype/
events.go. It has what the preview's digest lacks: the policies' results and the stack's new outputs.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard, cast

from review.plan import Violation
from stack.resource import STACK_TYPE

Event = Mapping[str, Any]

_KINDS = re.compile(r"\w+(?:Event)\Z")
_COLOUR = re.compile(r"<\{%.*?%\}>")
_POLICY_RESULTS = (
    *("policyEvent", "policyRemediationEvent", "policyLoadEvent"),
    *("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent", "policyRemediateSummaryEvent"),
)


class EventError(ValueError):
    """The text isn't an event log, or not one of a preview; the message says why."""


def parse(text: str) -> tuple[Event, ...]:
    """The events of a log: one a line, or all in an array or in the `events` of Pulumi Cloud's answer.

    Raises EventError.
    """
    try:
        content = json.loads(text) if text.strip() else []
    except ValueError:
        content = _lines(text)
    if isinstance(content, dict) and not _is_event(content):
        content = cast("dict[str, Any]", content).get("events")
    events: Any = [content] if _is_event(content) else content
    if not isinstance(events, list) or not all(_is_event(event) for event in cast("list[Any]", events)):
        raise EventError("it has no events of the engine")
    if any(summary.get("isPreview") is False for summary in payloads(events, "summaryEvent")):
        raise EventError("it is that of an update, not of a preview")
    return tuple(events)


def _lines(text: str) -> list[Any]:
    found: list[Any] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise EventError(f"line {number} is not JSON: {error}") from None
    return found


def _is_event(value: Any) -> TypeGuard[Event]:
    return isinstance(value, dict) and any(_KINDS.match(str(key)) for key in cast("dict[str, Any]", value))


def plain_text(text: str) -> str:
    """A message without the engine's colour tags."""
    return _COLOUR.sub("", text)


def payloads(events: Iterable[Event], kind: str) -> Iterable[Mapping[str, Any]]:
    """The payloads of the events of one kind."""
    return (event[kind] for event in events if isinstance(event.get(kind), dict))


def _asked(events: Sequence[Event]) -> bool:
    """Whether the policies have run."""
    return any(True for kind in _POLICY_RESULTS for _ in payloads(events, kind)) or any(
        summary.get("PolicyPacks") or summary.get("policyPacks") for summary in payloads(events, "summaryEvent")
    )


def is_cut_short(events: Sequence[Event]) -> bool:
    """Whether policies ran and the log ends before the last of them."""
    return _asked(events) and not any(True for _ in payloads(events, "summaryEvent"))


def violations(events: Sequence[Event]) -> tuple[Violation, ...] | None:
    """The policies that are broken; None if none ran, or if the log ends before the first."""
    found = tuple(
        Violation(
            rule=str(policy.get("policyName", "")),
            mandatory=policy.get("enforcementLevel") == "mandatory",
            message=plain_text(str(policy.get("message", ""))).strip() + _excepted(policy),
            urn=str(policy.get("resourceUrn", "")),
            severity=str(policy.get("severity", "")),
        )
        for policy in payloads(events, "policyEvent")
    )
    return found if found or (_asked(events) and not is_cut_short(events)) else None


def _excepted(policy: Mapping[str, Any]) -> str:
    """A sentence on an exception of the engine's own (version 2 of `--policy-pack-config`), which is in no reviewed
    file of this repository.
    """
    exceptions: Sequence[Mapping[str, Any]] = policy.get("exceptions") or ()
    told = "; ".join(f"{one.get('id')} ({one.get('reason')})" for one in exceptions)
    return f"; the engine lets it pass by an exception, which counts for nothing here: {told}" if told else ""


def exports(events: Iterable[Event]) -> Mapping[str, Any] | None:
    """The stack's new outputs; None if the log doesn't have them."""
    found: Mapping[str, Any] | None = None
    for event in payloads(events, "resOutputsEvent"):
        metadata: Mapping[str, Any] = event.get("metadata") or {}
        outputs = (metadata.get("new") or {}).get("outputs") if metadata.get("type") == STACK_TYPE else None
        found = cast("Mapping[str, Any]", outputs) if outputs and isinstance(outputs, dict) else found
    return found


def digest(events: Sequence[Event]) -> Mapping[str, Any]:
    """The log in the form of `pulumi preview --json`. Raises EventError for an incomplete one."""
    summary = next(iter(payloads(events, "summaryEvent")), None)
    if summary is None:
        raise EventError("it was cut short: it has no summary")
    diagnostics = [
        {**found, "message": f"{found.get('prefix', '')}{found.get('message', '')}"}
        for found in payloads(events, "diagnosticEvent")
        if not found.get("ephemeral")
    ]
    failures = [{"severity": "error", "message": found.get("error", "")} for found in payloads(events, "errorEvent")]
    return {
        "config": next((found.get("config") for found in payloads(events, "preludeEvent")), {}),
        "steps": list(steps(events)),
        "diagnostics": [*diagnostics, *failures],
        "changeSummary": summary.get("resourceChanges"),
        "maybeCorrupt": summary.get("maybeCorrupt"),
    }


def steps(events: Iterable[Event]) -> Iterator[Mapping[str, Any]]:
    """The steps in the digest's form, with the parts of replacements."""
    for event in payloads(events, "resourcePreEvent"):
        yield _step(event.get("metadata") or {})


def _step(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    detailed: Mapping[str, Mapping[str, Any]] = metadata.get("detailedDiff") or {}
    return {
        "op": metadata.get("op"),
        "urn": metadata.get("urn"),
        "oldState": metadata.get("old"),
        "newState": metadata.get("new"),
        "diffReasons": metadata.get("diffs"),
        "replaceReasons": metadata.get("keys"),
        "detailedDiff": {path: {**diff, "kind": diff.get("diffKind")} for path, diff in detailed.items()},
    }
