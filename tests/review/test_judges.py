"""A change is judged by its base's policies too, and is told to weaken its judge where it does."""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from policies import settings_file
from policies.catalogue import RULES
from review import checkouts, reviewing
from review.__main__ import app
from review.judges import Judge, weaker
from review.markdown import markdown
from review.plan import Violation
from review.report import Verdict, build
from review.reviewing import BaseJudgement, with_base
from stack.environments import ROOT
from stack.render import Rendered
from testing.pull_requests import planned
from testing.snapshots import printed, rendering

BASE = Judge(
    rules={
        "backups": {"level": "mandatory", "parameters": {"days": 7}},
        "owner": {"level": "advisory", "parameters": {}},
        "spread": {"level": "disabled", "parameters": {}},
    }
)


def _own(**rules: Any) -> Judge:
    return Judge(rules={**BASE.rules, **rules})


def _suppression(expires: str) -> Mapping[str, str]:
    return {"rule": "owner", "resource": "redis-*", "reason": "moves", "owner": "shop-platform", "expires": expires}


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (_own(), ()),
        (_own(backups={"level": "remediate", "parameters": {"days": 7}}), ()),
        (_own(spread={"level": "mandatory", "parameters": {}}, new={"level": "advisory", "parameters": {}}), ()),
        (Judge(rules={"backups": BASE.rules["backups"]}), ("the rule owner is gone; it was advisory",)),
        (_own(owner={"level": "disabled", "parameters": {}}), ("the rule owner is disabled; it was advisory",)),
        (
            _own(backups={"level": "advisory", "parameters": {"days": 1}}),
            (
                "the rule backups is advisory; it was mandatory",
                "the rule backups judges by another days: 7 → 1",
            ),
        ),
        (
            _own(backups={"level": "mandatory", "parameters": {}}),
            ("the rule backups judges by another days: 7 → nothing",),
        ),
        (
            Judge(rules=BASE.rules, suppressions=(_suppression("2027-01-31"),)),
            ("a new suppression of owner on redis-*, until 2027-01-31 (shop-platform: moves)",),
        ),
    ],
)
def test_where_a_judge_is_weaker_is_told(own: Judge, told: tuple[str, ...]) -> None:
    assert tuple(weaker(BASE, own)) == told


def test_a_suppression_is_told_when_it_is_prolonged_only() -> None:
    base, own = (Judge(rules={}, suppressions=(_suppression(day),)) for day in ("2026-12-31", "2027-01-31"))
    assert tuple(weaker(own, base)) == tuple(weaker(base, base)) == ()
    assert [text.split(" until")[0] for text in weaker(base, own)] == [
        "a suppression of owner on redis-* is prolonged from 2026-12-31"
    ]


def test_a_weaker_judge_comes_first_and_is_looked_at_with_care() -> None:
    changes, found, doubts = with_base(_own(owner={"level": "disabled", "parameters": {}}), BaseJudgement(BASE, ("f",)))
    plan = dataclasses.replace(planned("nothing"), violations=found, doubts=doubts, judge_changes=changes)
    report = build([plan])
    assert (report.verdict, report.headline) == (Verdict.CAREFUL, "Deploy with care: changes what judges it")
    text = markdown(report)
    assert text.index("the rule owner is disabled; it was advisory") < text.index("settings of what judges: f")
    assert text.index("### What judges this changes") == text.index("###")


def test_what_only_the_base_s_policies_find_stops_a_deployment() -> None:
    found = Violation(rule="backups", mandatory=True, message="1 day", urn="", by_base=True)
    base = dataclasses.replace(BASE, violations=(found,), crashes=("the rule owner can't judge x: boom",))
    _, violations, doubts = with_base(_own(), BaseJudgement(base, ("policies/prod.json",)))
    report = build([dataclasses.replace(planned("nothing"), violations=violations)])
    assert report.verdict is Verdict.STOPPED
    assert "mandatory, by the base's policies" in markdown(report)
    assert doubts == ("the base's policies: the rule owner can't judge x: boom",)
    own = dataclasses.replace(_own(), violations=(dataclasses.replace(found, by_base=False),))
    assert with_base(own, BaseJudgement(base, ("f",)))[1] == own.violations


def test_a_base_that_cannot_judge_is_told() -> None:
    changes, _, _ = with_base(_own(), BaseJudgement("no module", ("f",)))
    assert changes[-1] == "the base's policies can't judge it: no module"


@pytest.mark.parametrize(
    ("file", "judges"),
    [
        ("policies/promql.py", True),
        ("components/edge/expressions.py", True),
        ("requirements/project.lock", True),
        ("local/setup.sh", True),
        ("promql_parser.py", True),
        ("yaml", True),
        ("yaml/__init__.py", True),
        (".venv/bin/python", True),
        ("policies.py", True),
        ("components/redis/nodes.py", False),
        ("Pulumi.prod.yaml", False),
        ("CHANGELOG.md", False),
        (".ci/run", False),
    ],
)
def test_what_judges_is_known_by_its_path(file: str, judges: bool) -> None:
    assert checkouts.is_judging(file) is judges


def test_each_folder_of_the_repository_is_known() -> None:
    """One that isn't would make a change of it a change of the judge."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    folders = {file.partition("/")[0] for file in listed if "/" in file}
    assert folders <= {*checkouts._OTHERS, *(path.partition("/")[0] for path in checkouts.JUDGING)}


def test_all_that_judges_is_known_as_such() -> None:
    """What the rules and the comparison import of this repository."""
    listing = "import sys, review.reviewing; print(*(getattr(m, '__file__', '') or '' for m in sys.modules.values()))"
    text = subprocess.run([sys.executable, "-c", listing], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [path.relative_to(ROOT).as_posix() for path in map(Path, text.split()) if path.is_relative_to(ROOT)]
    assert [file for file in files if not file.startswith(".venv/") and not checkouts.is_judging(file)] == []


@pytest.fixture
def weakened(rendered: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rendered:
    """A change that opens a bucket and disables the rules about it."""
    for file in settings_file.DIRECTORY.glob("*.*"):
        shutil.copy(file, tmp_path)
    path = tmp_path / "prod.json"
    disabled = dict.fromkeys(["s3-block-complete", "s3-public-access-blocked"], "disabled")
    path.write_text(json.dumps({**json.loads(path.read_text()), **disabled}))
    monkeypatch.setattr(settings_file, "DIRECTORY", tmp_path)
    monkeypatch.setattr(checkouts, "judging_code_since", lambda _: ("policies/prod.json",))
    stack: Rendered = rendered("prod")
    return dataclasses.replace(
        stack,
        resources=tuple(
            dataclasses.replace(one, inputs={**one.inputs, "blockPublicPolicy": False})
            if one.name == "redis-backups-private"
            else one
            for one in stack.resources
        ),
    )


def test_a_change_that_disables_the_rules_it_breaks_is_stopped_by_its_base(
    weakened: Rendered, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(checkouts, "here", lambda *_: rendering(weakened, "prod", tmp_path))
    alone = CliRunner().invoke(app, ["gate", "prod"])
    both = CliRunner().invoke(app, ["gate", "prod", "--base", "HEAD"])
    assert "s3-block-complete" not in alone.output
    assert both.exit_code == 1
    assert "the rule s3-block-complete is disabled; it was mandatory" in both.output
    assert "s3-block-complete (high, mandatory, by the base's policies): blockPublicPolicy is off" in both.output


def test_an_environment_that_the_base_does_not_know_is_judged_by_the_rules_own_levels(weakened: Rendered) -> None:
    new = dataclasses.replace(weakened, environment="stage")
    judge = reviewing.judged_by_base("HEAD", printed(new, "stage"))["stage"].judge
    assert isinstance(judge, Judge)
    assert judge.rules.keys() <= {rule.id for rule in RULES}
    assert judge.rules["postgres-multi-az"]["level"] == "mandatory"
