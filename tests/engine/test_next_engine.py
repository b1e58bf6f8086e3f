"""What the engine to come prints of a preview is read as what the pinned one prints of it."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from replayed import Replayed, replaying

from review import reviewing
from review.report import Part
from review.report_file import as_json
from testing.pull_requests import base, changed
from tools.engine.build import NEXT, PINNED, ROOT
from tools.engine.project import read_events

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not NEXT.built.exists(), reason="NO NEXT ENGINE: `make engine-next` builds it (needs Go)"),
]
# Each is previewed twice, with all policies.
TRIED = (
    *("nothing", "bucket-opened", "component-renamed-with-alias", "database-renamed", "protection-taken-off"),
    *("secret-rotated", "service-added"),
)


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Replayed]]:
    """By engine a stack that it has brought up."""
    with contextlib.ExitStack() as made:
        found = {
            name: made.enter_context(replaying(tmp_path_factory.mktemp(name), engine))
            for name, engine in (("found", None), ("next", NEXT.built))
        }
        for stack in found.values():
            stack.declare(base())
            up = stack.project.up()
            assert up.code == 0, up.stdout[-3000:] + up.stderr
        yield found


def _reviewed(stack: Replayed, name: str) -> tuple[Mapping[str, Any], set[Part]]:
    stack.declare(changed(name))
    preview, events = stack.project.directory / "preview.json", stack.project.directory / "events.json"
    events.unlink(missing_ok=True)
    pack = ("--policy-pack", str(ROOT / "policies"), "--policy-pack-config", str(ROOT / "policies" / "prod.json"))
    preview.write_text(stack.project.preview("--event-log", str(events), *pack).stdout)
    return _report(preview, events)


def _report(preview: Path, events: Path) -> tuple[Mapping[str, Any], set[Part]]:
    """The report on a preview, whose steps and events come in another order each time."""
    digest = json.loads(preview.read_text())
    digest["steps"].sort(key=lambda step: step["urn"])
    preview.write_text(json.dumps(digest))
    told = [{**event, "sequence": 0, "timestamp": 0} for event in read_events(events)]
    events.write_text("\n".join(sorted(map(json.dumps, told))))
    report = reviewing.of_preview(preview, events)
    return json.loads(as_json(report)), {*report.sections}


def test_it_is_the_version_to_come(stacks: Mapping[str, Replayed]) -> None:
    assert stacks["next"].project.run("version").stdout.strip() == NEXT.version
    assert NEXT.version != PINNED.version


@pytest.mark.parametrize("name", TRIED)
def test_both_engines_previews_are_reviewed_alike(name: str, stacks: Mapping[str, Replayed]) -> None:
    of_pinned, _ = _reviewed(stacks["found"], name)
    of_next, sections = _reviewed(stacks["next"], name)
    assert of_next == of_pinned
    assert Part.DOUBTS not in sections
