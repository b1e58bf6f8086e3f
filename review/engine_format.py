"""The known parts of the engine's output, so that a later version's additions are reported and never ignored.

Sources: pulumi, pkg/display/json.go (the digest), sdk/go/common/apitype/core.go (ResourceV3) and events.go there.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stack.listing import few

_STATE = {
    *("urn", "custom", "delete", "id", "type", "inputs", "outputs", "parent", "protect", "taint", "external"),
    *("dependencies", "provider", "propertyDependencies", "pendingReplacement", "additionalSecretOutputs", "aliases"),
    *(
        "customTimeouts",
        "importID",
        "retainOnDelete",
        "deletedWith",
        "replaceWith",
        "ignoreChanges",
        "replaceOnChanges",
    ),
    *("replacementTrigger", "resourceHooks", "sourcePosition", "stackTrace"),
    # Differences in these have no effect: times, display options, and whether and why a refresh comes first.
    *("created", "modified", "hideDiff", "hideDiffs", "refreshBeforeUpdate", "initErrors", "viewOf"),
}
_DIFF = {"kind", "diffKind", "inputDiff"}
_STEP: Mapping[str, Any] = {
    **dict.fromkeys(("op", "urn", "type", "provider", "diffReasons", "replaceReasons", "keys", "diffs", "logical")),
    "oldState": _STATE,
    "newState": _STATE,
    "old": _STATE,
    "new": _STATE,
    "detailedDiff": {"*": _DIFF},
}
_DIAGNOSTIC = {"urn", "prefix", "message", "severity", "color", "streamID", "ephemeral"}
_DIGEST: Mapping[str, Any] = {
    **dict.fromkeys(("config", "duration", "changeSummary", "maybeCorrupt", "diagnostics")),
    "steps": [_STEP],
    "diagnostics": [_DIAGNOSTIC],
}
_RESOURCE_EVENT = {"metadata": _STEP, "planning": None, "status": None, "steps": None, "awaited": None}
_POLICY = {
    *("resourceUrn", "message", "color", "policyName", "policyPackName", "policyPackVersion", "policyPackVersionTag"),
    *("enforcementLevel", "severity", "exceptions"),
}
_EVENT: Mapping[str, Any] = {
    **dict.fromkeys(("sequence", "timestamp", "cancelEvent", "stdoutEvent", "preludeEvent", "errorEvent")),
    **dict.fromkeys(("startDebuggingEvent", "progressEvent", "policyRemediationEvent", "policyLoadEvent")),
    **dict.fromkeys(("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent", "policyRemediateSummaryEvent")),
    "diagnosticEvent": _DIAGNOSTIC,
    "policyEvent": _POLICY,
    "resourcePreEvent": _RESOURCE_EVENT,
    "resOutputsEvent": _RESOURCE_EVENT,
    "resOpFailedEvent": _RESOURCE_EVENT,
    "summaryEvent": {
        *("maybeCorrupt", "durationSeconds", "resourceChanges", "PolicyPacks", "policyPacks", "isPreview", "result"),
    },
}


def not_understood(preview: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence on parts of a preview and its events that this reader doesn't know."""
    found = [*_unknown(preview, _DIGEST, "")]
    for event in events:
        found += _unknown(event, _EVENT, "")
    if found:
        yield f"the engine says what this reader doesn't know, so it isn't judged: {few(found)}"


def _unknown(value: Any, known: Any, path: str) -> Iterator[str]:
    """The unknown paths that have a value; below a path that is known as None anything may be."""
    if isinstance(known, list):
        for item in value if isinstance(value, list) else ():
            yield from _unknown(item, known[0], path)
    elif known is not None and isinstance(value, Mapping):
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            if isinstance(known, Mapping) and ("*" in known or key in known):
                yield from _unknown(item, known["*" if "*" in known else key], path if "*" in known else below)
            elif key not in known and item not in (None, False, "", [], {}):
                yield below
