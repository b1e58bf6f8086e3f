"""A stack judged by all rules, without an engine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.rule import Finding, Level, Rule
from policies.settings_file import Strictness
from stack.resource import Resource, Stack, Undecided


@dataclass(frozen=True)
class Verdict:
    """What one rule found, and how to mend it here. `undecided` is true where it needs a value that isn't known yet."""

    rule: Rule
    level: Level
    findings: tuple[Finding, ...]
    undecided: bool
    fix: str


def judge(stack: Stack, rules: Iterable[Rule], strictness: Mapping[str, Strictness]) -> tuple[Verdict, ...]:
    """Every enabled rule's verdict, the silent ones too."""
    return tuple(
        _verdict(stack, rule, strictness[rule.id]) for rule in rules if strictness[rule.id].level is not Level.DISABLED
    )


def _verdict(stack: Stack, rule: Rule, strictness: Strictness) -> Verdict:
    stacks = [Stack((resource,)) for resource in _judged(stack, rule)] if rule.types else [stack]
    findings: list[Finding] = []
    undecided = False
    for part in stacks:
        try:
            for finding in rule.check(part, strictness.parameters):
                findings.append(finding)
        except Undecided:
            undecided = True
    return Verdict(rule, strictness.level, tuple(findings), undecided, rule.fix_with(strictness.parameters))


def _judged(stack: Stack, rule: Rule) -> Iterable[Resource]:
    return (resource for resource in stack.resources if rule.applies_to(resource.type))
