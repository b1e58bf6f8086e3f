"""Each policy catches the one thing that it is about, and lets the environments pass as they are."""

import dataclasses
from collections.abc import Mapping

import pytest
from breaking import BREAKS, CACHING, GUARD, OTHER_BREAKS, Break, Editable, with_edge

from policies.catalogue import RULES
from policies.judgement import Verdict, judge
from policies.rule import Level, Rule
from policies.settings_file import Strictness, read
from review.gate import verdicts
from stack.environments import environments
from stack.render import Rendered
from stack.resource import Stack
from stack.values import UNKNOWN


def _strict(rule: Rule) -> Mapping[str, Strictness]:
    """The rule as production applies it."""
    return {rule.id: read("prod", RULES)[rule.id]}


def _judged(stack: Stack, rule: Rule) -> Verdict:
    return judge(stack, [rule], _strict(rule))[0]


@pytest.mark.parametrize("environment", environments())
def test_an_environment_as_it_is_breaks_no_policy(environment: str, rendered: Mapping[str, Rendered]) -> None:
    found = verdicts(environment, rendered[environment])
    assert {verdict.rule.id: [f.message for f in verdict.findings] for verdict in found if verdict.findings} == {}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_broken_stack_is_caught(rule: Rule, rendered: Mapping[str, Rendered]) -> None:
    whole = Editable.of(rendered["prod"])
    assert _judged(whole.stack(), rule).findings == ()
    BREAKS[rule.id](whole)
    assert _judged(whole.stack(), rule).findings


@pytest.mark.parametrize(
    ("rule_id", "breaks"), [pytest.param(rule, breaks, id=f"{rule}: {way}") for rule, way, breaks in OTHER_BREAKS]
)
def test_other_ways_to_break_a_rule_are_caught(rule_id: str, breaks: Break, rendered: Mapping[str, Rendered]) -> None:
    whole = Editable.of(rendered["prod"])
    breaks(whole)
    assert _judged(whole.stack(), next(rule for rule in RULES if rule.id == rule_id)).findings


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_unknown_values_never_break_a_rule(rule: Rule, rendered: Mapping[str, Rendered]) -> None:
    """Every top-level property unknown, one resource type after the other: a rule waits, or is silent."""
    stack = rendered["prod"]
    for type_ in sorted({resource.type for resource in stack.resources}):
        hidden = Stack(
            tuple(
                dataclasses.replace(r, inputs=dict.fromkeys(r.inputs, UNKNOWN)) if r.type == type_ else r
                for r in stack.resources
            )
        )
        _judged(hidden, rule)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_a_person_needs(rule: Rule) -> None:
    assert rule.title
    assert rule.protects.endswith(".")
    assert rule.fix.endswith((".", ")"))
    assert rule.link.startswith("https://")


def test_every_rule_has_a_name_of_its_own() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES) >= 30


def test_a_correct_edge_breaks_no_policy(rendered: Mapping[str, Rendered]) -> None:
    stack = Editable.of(rendered["prod"])
    with_edge(stack, CACHING, GUARD)
    edge = [rule for rule in RULES if rule.id.startswith("edge-")]
    found = judge(stack.stack(), edge, {rule.id: Strictness(Level.MANDATORY, rule.parameters) for rule in edge})
    assert [finding for verdict in found for finding in verdict.findings] == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.remediation], ids=lambda rule: rule.id)
def test_a_remediation_repairs_what_its_rule_finds(rule: Rule, rendered: Mapping[str, Rendered]) -> None:
    stack = Editable.of(rendered["prod"])
    BREAKS[rule.id](stack)
    broken = _judged(stack.stack(), rule).findings[0].resource
    assert broken is not None
    assert rule.remediation is not None
    repaired = rule.remediation(broken)
    assert repaired is not None
    assert not _judged(Stack((dataclasses.replace(broken, inputs=repaired),)), rule).findings
