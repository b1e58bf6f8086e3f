"""What a reviewer reads about realistic pull requests, pinned word for word (`SIMONE_PIN=1` writes them anew)."""

import dataclasses
import os
from pathlib import Path

import pytest

from policies.catalogue import RULES
from policies.judgement import judge
from policies.rule import Level, Parameters
from policies.settings_file import Strictness
from review import gate
from review.html import html
from review.markdown import markdown
from review.plan import Op, Plan, Violation
from review.report import Part, Report, Verdict, build
from review.reviewing import drift_page
from stack.resource import Stack
from testing.pull_requests import PULL_REQUESTS, planned

PINNED = Path(__file__).resolve().parent / "pinned"
# Those that a part of the stack can satisfy: the others ask for what the part leaves out.
JUDGED = [
    rule
    for rule in RULES
    if (rule.types and not rule.id.startswith("edge"))
    or rule.id in ("redis-sentinel-quorum", "kubernetes-no-plain-secrets", "edge-authorization-bypass")
]


def _of_the_fixture(parameters: Parameters) -> Parameters:
    """The rule's parameters, with the registry that the part of a stack names."""
    allowed = parameters.get("registries")
    return {**parameters, "registries": [*allowed, "registry.example"]} if allowed else parameters


def reviewed(name: str) -> Report:
    plan = planned(name)
    strictness = {rule.id: Strictness(Level.MANDATORY, _of_the_fixture(rule.parameters)) for rule in JUDGED}
    found = judge(Stack(plan.after), JUDGED, strictness)
    return build([dataclasses.replace(plan, violations=gate.violations(found))])


def steps(plan: Plan) -> dict[str, Op]:
    return {step.resource.name: step.op for step in plan.steps if step.op is not Op.SAME}


@pytest.mark.parametrize("name", PULL_REQUESTS)
def test_the_report_reads_as_pinned(name: str) -> None:
    text = markdown(reviewed(name))
    pinned = PINNED / f"{name}.md"
    if os.environ.get("SIMONE_PIN"):
        pinned.write_text(text)
    assert text == pinned.read_text()


@pytest.mark.parametrize("name", PULL_REQUESTS)
def test_no_report_shows_a_secret(name: str) -> None:
    report = reviewed(name)
    for text in (markdown(report), html(report)):
        assert "hunter2" not in text
        assert "held back" not in text
        assert "#0123" not in text


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("nothing", Verdict.NO_CHANGES),
        ("immediate-parameter", Verdict.HARMLESS),
        ("flow-added", Verdict.CAREFUL),
        ("migration-released", Verdict.HARMLESS),
        ("reboot-parameter", Verdict.CAREFUL),
        ("memory-cut", Verdict.CAREFUL),
        ("component-deleted", Verdict.CAREFUL),
        ("secret-rotated", Verdict.CAREFUL),
        ("cache-rule-reordered", Verdict.STOPPED),
        ("component-renamed-with-alias", Verdict.HARMLESS),
        ("sentinel-removed", Verdict.STOPPED),
        ("bucket-opened", Verdict.STOPPED),
        ("firewall-opened", Verdict.STOPPED),
        ("database-renamed", Verdict.STOPPED),
        ("volume-grown", Verdict.STOPPED),
        ("password-in-a-variable", Verdict.STOPPED),
    ],
)
def test_the_verdict_says_how_bad_it_is(name: str, verdict: Verdict) -> None:
    assert reviewed(name).verdict is verdict


def test_a_renamed_component_without_an_alias_is_made_anew() -> None:
    found = steps(planned("component-renamed"))
    assert found["pooler-deployment"] is Op.CREATE
    assert found["pgbouncer-deployment"] is Op.DELETE


def test_a_renamed_component_is_told_the_alias_that_keeps_it() -> None:
    (entry,) = reviewed("component-renamed").sections[Part.LOSSES]
    told, deleted, created = entry.item.sentences
    assert told == "renamed to pooler: with aliases=[pulumi.Alias(name='pgbouncer')] there all of it stays"
    assert deleted.startswith("without it 4 resources are deleted: pgbouncer-deployment, ")
    assert created.startswith("and 4 created: pooler-config, ")
    assert Part.CREATIONS not in reviewed("component-renamed").sections
    assert not any(entry.item.sentences for entry in reviewed("component-deleted").sections[Part.LOSSES])


def test_an_alias_keeps_what_is_renamed() -> None:
    assert set(steps(planned("component-renamed-with-alias")).values()) <= {Op.UPDATE}


def test_a_variable_in_front_is_one_change() -> None:
    entry = reviewed("variable-in-front").sections[Part.DISRUPTIONS][0]
    assert [change.path for change in entry.item.changes] == ["spec.template.spec.containers[pgbouncer].env[TZ]"]


def test_an_element_put_in_between_is_one_change() -> None:
    entry = reviewed("flow-added").sections[Part.ACCESS][0]
    assert [change.path for change in entry.item.changes] == ["spec.ingress[1]"]


def test_a_job_made_anew_runs_again_and_is_no_loss() -> None:
    report = reviewed("migration-released")
    assert Part.LOSSES not in report.sections
    assert report.sections[Part.UPDATES][0].item.sentences == ("runs again",)


def test_moved_rules_are_shown_as_an_order() -> None:
    entry = reviewed("cache-rule-reordered").sections[Part.UPDATES][0]
    assert [change.path for change in entry.item.changes] == ["rules (order)"]


def test_a_rotated_secret_is_seen_to_have_changed() -> None:
    assert '`stringData["users.acl"]`: `[secret]` → `[secret]`' in markdown(reviewed("secret-rotated"))


def test_the_same_change_in_two_environments_is_said_once() -> None:
    plan = planned("image-bumped")
    report = build([dataclasses.replace(plan, environment=name) for name in ("dev", "prod")])
    entries = report.sections[Part.DISRUPTIONS]
    assert [entry.environments for entry in entries] == [("dev", "prod")]


def test_the_first_line_names_what_it_is_about() -> None:
    def headline(name: str) -> str:
        return reviewed(name).headline

    assert headline("component-deleted").startswith("Deploy with care: deletes pgbouncer, ")
    assert headline("component-renamed") == (
        "Deploy with care: renames pgbouncer to pooler without aliases=[pulumi.Alias(name='pgbouncer')]"
    )
    assert headline("image-bumped") == "Deploy with care: interrupts redis-data-nodes"
    assert headline("firewall-opened") == "Must not be deployed: prod (security-group-closed)"
    assert headline("database-renamed") == "Must not be deployed: prod (postgres-instance is protected)"


@pytest.mark.parametrize(
    ("pull_request", "policies", "headline"),
    [
        ("nothing", "a rule", "🔴 prod is what the program declares, but what is deployed breaks policies"),
        ("owner-changed", "", "🟠 prod differs from what the program declares"),
        ("owner-changed", "a rule", "🔴 prod differs from what the program declares, and what is deployed breaks"),
    ],
)
def test_the_page_on_drift_says_what_is_wrong(pull_request: str, policies: str, headline: str) -> None:
    page = drift_page("prod", build([planned(pull_request)]), policies)
    assert f"## {headline}" in page
    assert ("### Policies that the deployed stack breaks" in page) is bool(policies)


def test_one_rule_is_one_block_with_its_resources() -> None:
    broken = tuple(
        Violation(
            rule="tagged", mandatory=True, message="it has no owner", urn=f"urn:pulumi:prod::simone::x:y:Z::{name}"
        )
        for name in ("first", "second")
    )
    (entry,) = build([dataclasses.replace(planned("nothing"), violations=broken)]).sections[Part.VIOLATIONS]
    assert entry.item.sentences == ("first, second: it has no owner",)
