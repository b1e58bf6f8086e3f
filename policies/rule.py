"""A rule: a small function over one resource or the whole stack, and its texts for people."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from stack.resource import Resource, Stack


class Severity(StrEnum):
    """How bad it is when the rule is broken."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Level(StrEnum):
    """The effect of a broken rule: it stops a deployment, is reported, is repaired on the way, or has none."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    REMEDIATE = "remediate"
    DISABLED = "disabled"


@dataclass(frozen=True)
class Finding:
    """One place where a rule is broken."""

    message: str
    resource: Resource | None = None


Parameters = Mapping[str, Any]
Findings = Iterable[Finding]
Check = Callable[[Stack, Parameters], Findings]
Remediation = Callable[[Resource], Mapping[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule with its texts and default parameters.

    `types` are endings of the resource types that it judges one by one; empty for a rule over the whole stack.
    In `fix` a parameter's name in braces stands for its value. `level` applies where the settings name none.
    `remediation` returns a resource's corrected properties, or None when there is nothing to correct.
    """

    id: str
    title: str
    severity: Severity
    protects: str
    fix: str
    link: str
    check: Check
    types: tuple[str, ...] = ()
    parameters: Parameters = field(default_factory=dict[str, Any])
    remediation: Remediation | None = None
    level: Level = Level.MANDATORY

    @property
    def description(self) -> str:
        """The rule in one paragraph, as the engine shows it before each violation."""
        return f"{self.title}. {self.protects} Fix: {self.fix_with(self.parameters)} ({self.link})"

    def fix_with(self, parameters: Parameters) -> str:
        """How to fix it where these parameters apply: `{days}` in the text is the parameter of that name."""
        return re.sub(r"(?<!\$)\{(\w+)\}", lambda named: f"{parameters[named[1]]:g}", self.fix)

    def applies_to(self, type_: str) -> bool:
        """Whether the rule judges resources of this type one by one."""
        return bool(self.types) and type_.endswith(self.types)


def rule(
    id: str,
    *,
    severity: Severity,
    protects: str,
    fix: str,
    link: str,
    types: tuple[str, ...] = (),
    parameters: Parameters | None = None,
    remediation: Remediation | None = None,
    level: Level = Level.MANDATORY,
) -> Callable[[Callable[..., Findings]], Rule]:
    """Make a rule of a function. Its docstring is the rule's title.

    With `types` the function takes one resource and the parameters, without the whole stack and the parameters.
    """

    def made(check: Callable[..., Findings]) -> Rule:
        def one_by_one(stack: Stack, parameters: Parameters) -> Findings:
            for resource in stack.resources:
                if resource.type.endswith(types):
                    yield from check(resource, parameters)

        return Rule(
            id=id,
            title=" ".join((check.__doc__ or "").split()).rstrip("."),
            severity=severity,
            protects=protects,
            fix=fix,
            link=link,
            check=one_by_one if types else cast("Check", check),
            types=types,
            parameters=parameters or {},
            remediation=remediation,
            level=level,
        )

    return made
