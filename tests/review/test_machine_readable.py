"""SARIF, JUnit and annotations say what the comment says, each finding at its file and line."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from review.machine_readable import annotations, junit, sarif
from review.plan import Origin, Plan, Violation
from review.report import build
from review.report_data import Report
from testing.pull_requests import PULL_REQUESTS, planned

LINE = "components/redis/backups.py:42"


def _broken() -> Report:
    plan = planned("bucket-opened")
    steps = tuple(
        dataclasses.replace(step, new=step.new and dataclasses.replace(step.new, source=LINE)) for step in plan.steps
    )
    bucket = next(step.urn for step in steps if step.resource.name == "redis-backups-private")
    violations = (
        Violation(rule="s3-block-complete", mandatory=True, message="one, two: off\n100%", urn=bucket, fix="On."),
        Violation(rule="owned", mandatory=False, message="nobody", urn=""),
    )
    other = Plan(environment="dev", origin=Origin.RENDERS, errors=("quorum is \ud800 9\x00",), violations=())
    return build([dataclasses.replace(plan, steps=steps, violations=violations), other])


REPORTS = {"broken": _broken(), **{name: build([planned(name)]) for name in PULL_REQUESTS}}


@pytest.mark.parametrize("name", REPORTS)
def test_the_log_is_sarif(name: str) -> None:
    Sarif.model_validate_json(sarif(REPORTS[name]))


def test_a_violation_is_a_result_at_its_line() -> None:
    run: dict[str, Any] = json.loads(sarif(_broken()))["runs"][0]
    result = next(one for one in run["results"] if one["ruleId"] == "s3-block-complete")
    assert (result["level"], result["message"]["text"]) == ("error", "redis-backups-private: one, two: off\n100%")
    physical = result["locations"][0]["physicalLocation"]
    assert (physical["artifactLocation"]["uri"], physical["region"]["startLine"]) == ("components/redis/backups.py", 42)
    assert {one["ruleId"] for one in run["results"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    stack = next(one for one in run["results"] if one["ruleId"] == "owned")
    assert stack["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "Pulumi.prod.yaml"


def _parsed(report: Report, tmp_path: Path) -> JUnitXml:
    path = tmp_path / "review.junit.xml"
    path.write_text(junit(report))
    parsed = JUnitXml.fromfile(str(path))
    assert isinstance(parsed, JUnitXml)
    return parsed


@pytest.mark.parametrize("name", REPORTS)
def test_the_suites_can_be_read(name: str, tmp_path: Path) -> None:
    for suite in _parsed(REPORTS[name], tmp_path):
        counted = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()
        assert counted == (suite.tests, suite.failures, suite.errors, suite.skipped)
        assert suite.tests


def test_a_mandatory_policy_fails_advice_is_skipped_and_an_error_is_one(tmp_path: Path) -> None:
    suites = {suite.name: suite for suite in _parsed(_broken(), tmp_path)}
    outcome: dict[str, list[type[Any]]] = {
        str(case.classname): [type(one) for one in case.result] for suite in suites.values() for case in suite
    }
    assert outcome["s3-block-complete"] == [Failure]
    assert outcome["owned"] == [Skipped]
    assert outcome["review/errors"] == [Error]
    quiet = _parsed(build([planned("nothing")]), tmp_path)
    assert [(suite.tests, suite.failures) for suite in quiet] == [(1, 0)]


def test_annotations_are_escaped_and_few() -> None:
    report = _broken()
    told = [*annotations(report)]
    assert (
        "::error file=components/redis/backups.py,line=42,title=s3-block-complete (prod)"
        "::redis-backups-private: one, two: off%0A100%25"
    ) in told
    many = tuple(Violation(rule=f"r{n},:x", mandatory=True, message="m", urn="") for n in range(50))
    told = [*annotations(build([dataclasses.replace(planned("nothing"), violations=many)]))]
    assert len(told) == 10
    assert told[0].startswith("::error file=Pulumi.prod.yaml,line=1,title=r0%2C%3Ax (prod)::")
