"""However large a change is, its report fits, names what matters and counts the rest; a small one is short."""

import dataclasses
from pathlib import Path

import pytest

from review.compare import compare
from review.markdown import SIZE_LIMIT, markdown
from review.plan import Op, Origin, Plan, Step, Violation
from review.report import build
from review.report_data import Part, Report, Verdict
from stack.resource import Resource
from testing.pull_requests import PULL_REQUESTS, base, planned

PINNED = Path(__file__).resolve().parent / "pinned"


def _named(name: str) -> Resource:
    return next(resource for resource in base().resources if resource.name == name)


def _many(resource: Resource, count: int, size: str = "") -> tuple[Resource, ...]:
    return tuple(
        dataclasses.replace(
            resource,
            name=f"{resource.name}-{number}",
            urn=f"{resource.urn}-{number}",
            inputs={**resource.inputs, "data": {"size": f"{number}{size}"}},
        )
        for number in range(count)
    )


def _deleted(resources: tuple[Resource, ...]) -> Plan:
    return compare(dataclasses.replace(base(), resources=resources), dataclasses.replace(base(), resources=()))


def _updated(count: int) -> Plan:
    resource = _named("pgbouncer-config")
    old, new = _many(resource, count), _many(resource, count, "Gi")
    steps = tuple(
        Step(op=Op.UPDATE, urn=after.urn, old=before, new=after) for before, after in zip(old, new, strict=True)
    )
    return Plan(environment="prod", origin=Origin.RENDERS, steps=steps, violations=())


def test_four_thousand_deletions_still_name_the_database() -> None:
    database = dataclasses.replace(_named("postgres-instance"), protect=False)
    text = markdown(build([_deleted((*_many(_named("pgbouncer-config"), 4_000), database))]))
    assert len(text) <= SIZE_LIMIT
    section = text[text.index("### Deletions and replacements") :]
    assert "`postgres-instance`" in section.splitlines()[2]
    assert "IT HOLDS DATA" in section


def test_five_thousand_updates_show_the_first_ones_and_count_the_others() -> None:
    text = markdown(build([_updated(5_000)]))
    assert len(text) <= SIZE_LIMIT
    assert "Updates (5,000)" in text
    assert "`pgbouncer-config-0`" in text
    shown = text.count("- **~** `pgbouncer-config-")
    assert shown > 200
    assert f"… and {5_000 - shown:,} more, left out for length" in text


def test_a_section_that_is_too_long_leaves_room_for_the_first_of_the_others() -> None:
    many = tuple(
        Violation(rule=f"rule-{number}", mandatory=False, message="x" * 200, urn="") for number in range(1_000)
    )
    plan = dataclasses.replace(_updated(1_000), violations=many, doubts=("not known",))
    text = markdown(build([plan]))
    for shown in ("`rule-0`", "not known", "`pgbouncer-config-0`"):
        assert shown in text
    assert len(text) <= SIZE_LIMIT
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("name", PULL_REQUESTS)
def test_a_small_change_is_under_forty_lines(name: str) -> None:
    assert len((PINNED / f"{name}.md").read_text().splitlines()) < 40


def test_the_same_change_of_many_resources_is_one_entry() -> None:
    resource = _named("pgbouncer-config")
    old = _many(resource, 28)
    new = tuple(dataclasses.replace(one, inputs={**one.inputs, "immutable": True}) for one in old)
    steps = tuple(Step(op=Op.UPDATE, urn=b.urn, old=a, new=b) for a, b in zip(old, new, strict=True))
    report = build([Plan(environment="prod", origin=Origin.RENDERS, steps=steps, violations=())])
    (entry,) = report.sections[Part.UPDATES]
    assert (entry.item.subject, len(entry.item.also)) == ("pgbouncer-config-0", 27)
    assert "`pgbouncer-config-9` and 18 more core/v1 ConfigMap" in markdown(report)


def test_one_rule_is_one_policy_and_one_block_in_all_environments() -> None:
    def plan(environment: str, *names: str) -> Plan:
        found = tuple(
            Violation(rule="tagged", mandatory=True, message="it has no owner", urn=f"urn:pulumi:x::y::z::{name}")
            for name in names
        )
        return dataclasses.replace(planned("nothing"), environment=environment, violations=found)

    report = build([plan("dev", "a", "b"), plan("prod", "a", "b", *map(str, range(28)))])
    (entry,) = report.sections[Part.VIOLATIONS]
    assert entry.environments == ("dev", "prod")
    assert entry.item.sentences[0] == "a, b: it has no owner"
    assert entry.item.sentences[1].startswith("0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 18 more (only prod): ")
    assert [summary.stopped_by for summary in report.summaries] == ["1 policy", "1 policy"]


def _headline(*plans: Plan) -> Report:
    return build([dataclasses.replace(plan, violations=plan.violations or ()) for plan in plans])


def test_what_nobody_deploys_never_leads() -> None:
    local = dataclasses.replace(planned("component-deleted"), environment="local", deployed=False)
    report = _headline(planned("image-bumped"), local)
    assert report.headline == "Deploy with care: interrupts redis-data-nodes"
    alone = _headline(planned("nothing"), local)
    assert alone.verdict is Verdict.CAREFUL
    assert alone.headline.endswith(" (only in local, which nobody deploys)")


def test_nothing_is_deleted_is_only_said_where_nothing_is_lost() -> None:
    assert _headline(planned("immediate-parameter")).headline == "Nothing is deleted, replaced or interrupted"
    old = _named("pgbouncer-config")
    metadata = {**old.inputs["metadata"], "labels": {}}
    new = dataclasses.replace(old, inputs={**old.inputs, "metadata": metadata})
    step = Step(op=Op.UPDATE, urn=old.urn, old=old, new=new)
    report = _headline(Plan(environment="prod", origin=Origin.RENDERS, steps=(step,)))
    assert "eleted" not in report.headline
    assert "takes something away from pgbouncer-config" in report.headline
    gone = dataclasses.replace(planned("nothing"), exports_before={"url": "x"}, exports_after={})
    assert "eleted" not in _headline(gone).headline


def test_a_renamed_component_that_holds_data_still_names_what_is_lost() -> None:
    parent = _named("pgbouncer")
    database = dataclasses.replace(_named("postgres-instance"), protect=False, parent=parent.urn)
    new = dataclasses.replace(parent, name="pooler", urn=parent.urn.replace("::pgbouncer", "::pooler"))
    plan = compare(
        dataclasses.replace(base(), resources=(parent, database)), dataclasses.replace(base(), resources=(new,))
    )
    report = _headline(plan)
    assert report.headline.startswith("Deploy with care: renames pgbouncer to pooler without aliases=[")
    assert "deletes postgres-instance" in report.headline
    assert [entry.item.subject for entry in report.sections[Part.LOSSES]] == ["postgres-instance", "pgbouncer"]
