"""The gate: an environment's render judged by the policies, as a plan's violations and as an exit code."""

from collections.abc import Iterable
from enum import IntEnum

from policies.catalogue import RULES
from policies.judgement import Verdict, judge
from policies.rule import Level
from policies.settings_file import read
from review.plan import Violation
from stack.resource import Stack


class Exit(IntEnum):
    """What a gate's exit code says."""

    FINE = 0
    VIOLATED = 1
    BROKEN = 2


def verdicts(environment: str, stack: Stack) -> tuple[Verdict, ...]:
    """Every rule's verdict on an environment. Raises PolicySettingsError for a wrong policies/<environment>.json."""
    return judge(stack, RULES, read(environment, RULES))


def crashes(found: Iterable[Verdict]) -> tuple[str, ...]:
    """A sentence on each thing that a rule failed to judge."""
    return tuple(crash for verdict in found for crash in verdict.crashes)


def violations(found: Iterable[Verdict]) -> tuple[Violation, ...]:
    """What is wrong, mandatory violations first, the severest first."""
    severities = ["critical", "high", "medium", "low"]
    listed = [
        Violation(
            rule=verdict.rule.id,
            mandatory=verdict.level is not Level.ADVISORY,
            message=finding.message,
            urn=finding.resource.urn if finding.resource else "",
            protects_from=verdict.rule.protects,
            fix=verdict.fix,
            link=verdict.rule.link,
            severity=verdict.rule.severity.value,
        )
        for verdict in found
        for finding in verdict.findings
    ]
    return tuple(
        sorted(listed, key=lambda item: (not item.mandatory, severities.index(item.severity), item.rule, item.urn))
    )
