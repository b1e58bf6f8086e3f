"""The gate: an environment's render judged by the policies, as a plan's violations and as an exit code."""

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum

from policies import suppressions
from policies.catalogue import RULES
from policies.judgement import RuleVerdict, judge
from policies.rule import Level
from policies.settings_file import read
from review.judges import Judge
from review.plan import Violation
from stack.resource import Stack


class Exit(IntEnum):
    """A gate's exit codes."""

    FINE = 0
    VIOLATED = 1
    BROKEN = 2


def verdicts(environment: str, stack: Stack) -> tuple[RuleVerdict, ...]:
    """Every rule's verdict on an environment.

    Raises PolicySettingsError for a wrong policies/<environment>.json or policies/suppressions.yaml.
    """
    return judge(stack, RULES, read(environment, RULES), suppressions.read(RULES))


def accepted() -> tuple[Mapping[str, str], ...]:
    """The findings that policies/suppressions.yaml accepts. Raises PolicySettingsError."""
    return tuple(map(suppressions.as_json, suppressions.read(RULES)))


def judge_of(environment: str, found: Iterable[RuleVerdict]) -> Judge:
    """These files' judge of an environment, with its findings."""
    found = tuple(found)
    return Judge(
        rules={
            name: {"level": one.level.value, "parameters": dict(one.parameters)}
            for name, one in read(environment, RULES).items()
        },
        suppressions=accepted(),
        violations=violations(found),
        crashes=crashes(found),
    )


def crashes(found: Iterable[RuleVerdict]) -> tuple[str, ...]:
    """Sentences on what a rule failed to judge."""
    return tuple(crash for verdict in found for crash in verdict.crashes)


def suppressed(found: Iterable[RuleVerdict]) -> Iterator[tuple[str, str]]:
    """Each suppression's place, with a sentence on the finding that it accepts."""
    for verdict in found:
        for one in verdict.suppressed:
            yield one.by.place, suppressions.accepted(verdict.rule, one)


def unused(found: Mapping[str, Iterable[RuleVerdict]]) -> Iterator[str]:
    """A sentence on each suppression that accepts nothing in these environments."""
    used = {place for verdicts in found.values() for place, _ in suppressed(verdicts)}
    return suppressions.unused(suppressions.read(RULES), used, found, suppressions.today())


def undecided(found: Iterable[RuleVerdict]) -> tuple[str, ...]:
    """A sentence on each thing that a rule can't judge before the deployment, by rule, resource and property."""
    return tuple(sentence for verdict in found for sentence in verdict.undecided)


def violations(found: Iterable[RuleVerdict]) -> tuple[Violation, ...]:
    """The violations: mandatory ones first, the severest first."""
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
