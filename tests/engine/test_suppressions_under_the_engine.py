"""A finding that policies/suppressions.yaml accepts, when the engine runs the policies as its policy pack."""

import dataclasses
import datetime
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from replayed import Replayed, replaying

from policies import suppressions
from review import reviewing
from review.report import Report, Verdict
from stack.render import Rendered, render
from stack.stand_in_outputs import outputs
from tools.engine.build import ROOT

ENTRY = {
    "rule": "s3-block-complete",
    "resource": "redis-backups-private",
    "reason": "the auditors read it until the move",
    "owner": "shop-platform",
    "expires": str(suppressions.today() + datetime.timedelta(days=2)),
}
# What else finds the same.
OTHER = {**ENTRY, "rule": "s3-public-access-blocked"}
Judged = Callable[..., Report]


@pytest.fixture(scope="module")
def opened() -> Rendered:
    """Production, with one thing that a policy forbids."""
    production = render("prod", resolve=outputs)
    return dataclasses.replace(
        production,
        resources=tuple(
            dataclasses.replace(resource, inputs={**resource.inputs, "blockPublicPolicy": False})
            if resource.name == ENTRY["resource"]
            else resource
            for resource in production.resources
        ),
    )


@pytest.fixture(scope="module")
def judged(opened: Rendered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    """The report on a preview by a pack with these entries."""
    with replaying(tmp_path_factory.mktemp("suppressing")) as stack:
        stack.declare(opened)
        yield lambda *entries: _report(stack, tmp_path_factory.mktemp("pack"), *entries)


def _report(stack: Replayed, directory: Path, *entries: Mapping[str, str]) -> Report:
    pack = directory / "policies"
    shutil.copytree(ROOT / "policies", pack, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / ".venv").symlink_to(ROOT / ".venv")
    (pack / "suppressions.yaml").write_text(yaml.safe_dump([*entries]))
    preview, events = directory / "preview.json", directory / "events.json"
    finished = stack.project.preview(
        *("--event-log", str(events), "--policy-pack", str(pack)),
        *("--policy-pack-config", str(ROOT / "policies" / "prod.json")),
    )
    preview.write_text(finished.stdout)
    return reviewing.of_preview(preview, events)


def _subjects(report: Report, part: str) -> list[str]:
    return [entry.item.subject for name, found in report.sections.items() if name.name == part for entry in found]


def test_a_finding_that_is_accepted_is_told_and_does_not_stop(judged: Judged) -> None:
    unused = {**ENTRY, "resource": "no-such-bucket"}
    report = judged(ENTRY, OTHER, unused)
    assert report.verdict is Verdict.CAREFUL, report.headline
    assert _subjects(report, "VIOLATIONS") == []
    accepted, other, left_over = _subjects(report, "ACCEPTED")
    assert accepted == (
        f"s3-block-complete on redis-backups-private is suppressed until {ENTRY['expires']} (shop-platform: "
        "the auditors read it until the move), policies/suppressions.yaml:1: blockPublicPolicy is off"
    )
    assert other.startswith("s3-public-access-blocked on redis-backups-private is suppressed until ")
    assert left_over.endswith(
        "the suppression of s3-block-complete on no-such-bucket accepts nothing in prod; remove it"
    )


def test_a_finding_whose_suppression_has_ended_stops_again(judged: Judged) -> None:
    yesterday = suppressions.today() - datetime.timedelta(days=1)
    report = judged({**ENTRY, "expires": str(yesterday)}, OTHER)
    assert report.verdict is Verdict.STOPPED, report.headline
    assert _subjects(report, "VIOLATIONS") == ["s3-block-complete"]
    (violation,) = report.sections[next(part for part in report.sections if part.name == "VIOLATIONS")]
    assert f"blockPublicPolicy is off; its suppression ended on {yesterday}" in violation.item.sentences[0]
