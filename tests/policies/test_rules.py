"""Each policy catches the one thing that it is about, and lets the environments pass as they are."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from pkgutil import iter_modules

import pytest
from breaking import BREAKS, CACHING, CRASHES, GUARD, INSTANCE, OTHER_BREAKS, Break, Editable, with_edge
from typer.testing import CliRunner

from policies import pack, rules
from policies.catalogue import GROUPS, RULES
from policies.judgement import RuleVerdict, judge
from policies.rule import Finding, Level, Rule
from policies.rules.coverage import NEED_NONE, is_judged
from policies.settings_file import Strictness, read
from review import checkouts, gate
from review.__main__ import app
from review.gate import verdicts
from stack.environments import environments
from stack.render import Rendered
from stack.resource import Stack
from stack.values import UNKNOWN
from testing.snapshots import rendering


def _strict(rule: Rule) -> Mapping[str, Strictness]:
    """The rule as production applies it."""
    return {rule.id: read("prod", RULES)[rule.id]}


def _judged(stack: Stack, rule: Rule) -> RuleVerdict:
    return judge(stack, [rule], _strict(rule))[0]


@pytest.mark.parametrize("environment", environments())
def test_an_environment_as_it_is_breaks_no_policy(environment: str, rendered: Mapping[str, Rendered]) -> None:
    found = verdicts(environment, rendered[environment])
    assert {verdict.rule.id: [f.message for f in verdict.findings] for verdict in found if verdict.findings} == {}


def test_every_rule_is_listed_and_comes_with_a_change_that_breaks_it() -> None:
    listed = {module.__name__.rpartition(".")[2] for _, module in GROUPS}
    faults = [
        *(
            f"policies/rules/{found.name}.py stands on no list: add it to GROUPS in policies/catalogue.py"
            for found in iter_modules(rules.__path__)
            if found.name not in listed
        ),
        *(
            f"no test breaks {rule.id}: say what breaks it in BREAKS of tests/policies/breaking.py"
            for rule in RULES
            if rule.id not in BREAKS
        ),
        *(
            f"BREAKS of tests/policies/breaking.py breaks {name}, which no rule of policies/rules/ is called"
            for name in BREAKS.keys() - {rule.id for rule in RULES}
        ),
    ]
    assert not faults, faults


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


@pytest.mark.parametrize(("rule_id", "resource", "breaks"), [pytest.param(*one, id=one[0]) for one in CRASHES])
def test_a_rule_that_fails_is_named_with_the_resource_and_the_others_still_judge(
    rule_id: str, resource: str, breaks: Break, rendered: Mapping[str, Rendered]
) -> None:
    whole = Editable.of(rendered["prod"])
    breaks(whole)
    stack_protected = whole.protect[INSTANCE]
    whole.protect[INSTANCE] = False
    found = judge(whole.stack(), RULES, read("prod", RULES))
    crashes = gate.crashes(found)
    assert stack_protected
    assert any(line.startswith(f"the rule {rule_id} can't judge {resource}: ") for line in crashes), crashes
    assert [verdict.rule.id for verdict in found if verdict.findings] == ["stateful-protected"]


def test_a_rule_that_fails_under_the_engine_stops_the_deployment(rendered: Mapping[str, Rendered]) -> None:
    said: list[str] = []

    def failing(stack: Stack, _: object) -> list[Finding]:
        assert stack.resources[0].get("no")["thing"]
        return []

    rule = dataclasses.replace(RULES[0], check=failing)
    pack.tell(rule, lambda: rule.check(rendered["prod"], {}), lambda message, _urn=None: said.append(message))
    assert said[0].startswith(f"the rule {rule.id} can't judge ")


def test_the_gate_of_a_rule_that_fails_says_so_and_ends_with_2(
    rendered: Mapping[str, Rendered], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = Editable.of(rendered["prod"])
    CRASHES[0][2](whole)
    monkeypatch.setattr(checkouts, "here", lambda *_: rendering(whole.stack(), "prod", tmp_path))
    result = CliRunner().invoke(app, ["gate", "prod"])
    assert result.exit_code == 2
    assert "the rule redis-eviction-policy can't judge redis-data-config: ValueError: '10gig'" in result.output


def test_the_kinds_of_types_that_no_rule_looks_at_say_why() -> None:
    assert all(len(reason) > 10 for reason in NEED_NONE.values())
    assert not is_judged("aws:lambda/function:Function")
    assert not is_judged("acme:apps:Deployment")


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
        assert not _judged(hidden, rule).crashes


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_a_person_needs(rule: Rule) -> None:
    assert rule.title, f"{rule.id} has no title: its function's docstring is that"
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


def test_a_secret_within_an_export_is_found(rendered: Mapping[str, Rendered]) -> None:
    rule = next(rule for rule in RULES if rule.id == "no-plain-secrets")
    stack = dataclasses.replace(rendered["prod"], exports={"database": {"user": "app", "password": "correct horse"}})
    (finding,) = _judged(stack, rule).findings
    assert finding.message == "the export database.password holds a secret: the value of password"
