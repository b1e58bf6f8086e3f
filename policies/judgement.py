"""A stack judged by all rules, without an engine."""

import datetime
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from policies import suppressions
from policies.rule import Finding, Level, Rule
from policies.settings_file import Strictness
from policies.suppressions import Suppressed, Suppression
from stack.resource import Resource, Stack, Undecided


@dataclass(frozen=True)
class RuleVerdict:
    """One rule's findings, and how to fix them in this environment.

    `undecided`: sentences on what the rule can't judge yet, because a value isn't known. `crashes`: sentences on what
    it can't judge, because it failed there. `suppressed`: the findings that policies/suppressions.yaml accepts.
    """

    rule: Rule
    level: Level
    findings: tuple[Finding, ...]
    undecided: tuple[str, ...]
    fix: str
    crashes: tuple[str, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()


def judge(
    stack: Stack,
    rules: Iterable[Rule],
    strictness: Mapping[str, Strictness],
    accepted: Sequence[Suppression] = (),
    today: datetime.date | None = None,
) -> tuple[RuleVerdict, ...]:
    """Every enabled rule's verdict, with or without findings. A rule that fails doesn't stop the others."""
    day = today or suppressions.today()
    return tuple(
        _verdict(stack, rule, strictness[rule.id], accepted, day)
        for rule in rules
        if strictness[rule.id].level is not Level.DISABLED
    )


def crash(rule: Rule, error: Exception, judged: Resource | None = None) -> str:
    """A sentence on a rule that failed: which, on what, and why."""
    where = judged or _last_looked_at(error)
    return f"the rule {rule.id} can't judge {where.name if where else 'the stack'}: {type(error).__name__}: {error}"


def _verdict(
    stack: Stack, rule: Rule, strictness: Strictness, accepted: Sequence[Suppression], today: datetime.date
) -> RuleVerdict:
    judged = [resource for resource in stack.resources if rule.applies_to(resource.type)] if rule.types else [None]
    findings: list[Finding] = []
    crashes: list[str] = []
    undecided: list[str] = []
    for resource in judged:
        try:
            for finding in rule.check(Stack((resource,)) if resource else stack, strictness.parameters):
                findings.append(finding)
        except Undecided as error:
            where = resource or _last_looked_at(error)
            undecided.append(
                f"the rule {rule.id} can't judge {where.name if where else 'the stack'} before the deployment: {error}"
            )
        except Exception as error:
            crashes.append(crash(rule, error, resource))
    fix = rule.fix_with(strictness.parameters)
    counting, suppressed = suppressions.applied(rule, findings, accepted, today)
    return RuleVerdict(rule, strictness.level, counting, tuple(undecided), fix, tuple(crashes), suppressed)


def _last_looked_at(error: Exception) -> Resource | None:
    """The resource that a rule over the whole stack was judging when it failed."""
    found: Resource | None = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for value in frame.f_locals.values():
            if isinstance(value, Resource):
                found = value
    return found
