"""Whatever is read or shown: a clear message, exit code 2, no traceback, nothing injected."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from policies.catalogue import RULES
from review import checkouts, engine_preview
from review.__main__ import app
from review.checkouts import CheckoutError
from review.compare import compare
from review.engine_preview import PreviewError
from review.html import html
from review.markdown import SIZE_LIMIT, code, fenced, markdown, prose
from review.plan import Op, Origin, Plan
from review.report import Verdict, build
from stack.render import Rendered
from testing.pull_requests import Editor, base, changed

URN = "urn:pulumi:dev::simone::aws:s3/bucket:Bucket::backups"
STEP = {"op": "create", "urn": URN, "newState": {"urn": URN, "type": "aws:s3/bucket:Bucket", "inputs": {}}}
PREVIEW = json.dumps({"steps": [STEP], "diagnostics": [], "changeSummary": {"create": 1}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        (PREVIEW[: len(PREVIEW) // 2], "not complete JSON"),
        ("[]", "no list of steps"),
        ('{"steps": {}}', "no list of steps"),
        ('{"steps": [{"op": "explode", "urn": "urn:x"}]}', "explode"),
        ('{"steps": [{"op": "same", "urn": "urn:x"}]}', "neither an old nor a new state"),
    ],
)
def test_a_bad_preview_ends_with_2_and_a_message(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "preview.json"
    path.write_text(text)
    result = CliRunner().invoke(app, ["review", "--from", str(path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_missing_preview_is_named(tmp_path: Path) -> None:
    with pytest.raises(PreviewError, match=r"gone\.json can't be read"):
        engine_preview.read(tmp_path / "gone.json")


def test_a_failed_preview_is_reported_as_broken() -> None:
    text = json.dumps({"steps": [STEP], "diagnostics": [{"severity": "error", "message": "no such setting: tll"}]})
    report = build([engine_preview.parse(text)])
    assert report.verdict is Verdict.BROKEN
    assert "no such setting: tll" in markdown(report)


def test_a_policy_that_stops_the_preview_is_no_fault_of_the_program() -> None:
    rule = next(rule for rule in RULES if rule.id == "s3-encrypted")
    policy = {
        "policyName": rule.id,
        "message": f"{rule.description}\nno key\n",
        "enforcementLevel": "mandatory",
        "resourceUrn": "urn:pulumi:dev::simone::pulumi:pulumi:Stack::simone-dev",
    }
    stopped = {"severity": "error", "message": "error: preview failed\n"}
    broken = {"severity": "error", "message": "error: no such setting: tll\n"}
    text = json.dumps({"steps": [STEP], "diagnostics": [stopped]})
    plan = engine_preview.parse(text, events=[{"policyEvent": policy}])
    assert (plan.errors, build([plan]).verdict) == ((), Verdict.STOPPED)
    assert "the whole stack: " in markdown(build([plan]))
    both = engine_preview.parse(
        json.dumps({"steps": [STEP], "diagnostics": [stopped, broken]}), events=[{"policyEvent": policy}]
    )
    assert (both.errors, build([both]).verdict) == (("error: no such setting: tll",), Verdict.BROKEN)
    alone = engine_preview.parse(text, events=[])
    assert alone.errors == ("error: preview failed",)


def test_a_missing_base_is_named() -> None:
    with pytest.raises(CheckoutError, match="there is no commit 'no-such-branch'"):
        checkouts.commit_of("no-such-branch")


def test_a_program_that_fails_is_an_error_of_its_environment(tmp_path: Path) -> None:
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "__init__.py").write_text("")
    (tmp_path / "review" / "render.py").write_text(
        "class RenderError(Exception): pass\ndef render(name):\n    raise ValueError('division of the shop by zero')\n"
    )
    snapshot = Path(checkouts.__file__).with_name("snapshot.py")
    finished = subprocess.run(
        [sys.executable, snapshot, "prod"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    errors = checkouts.parse(finished.stdout).errors
    assert errors == {"prod": "the program fails: ValueError: division of the shop by zero"}


def test_a_rendering_without_result_is_told() -> None:
    with pytest.raises(CheckoutError, match="no usable result"):
        checkouts.parse("{", "the base")


def _with_value(value: str) -> Plan:
    head = changed("nothing")
    editor = Editor({resource.name: resource for resource in head.resources}, dict(head.exports))
    editor.inputs("redis-backups")["bucket"] = value
    return compare(base(), dataclasses.replace(head, resources=tuple(editor.resources.values())))


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[31mred\x1b[0m",
        "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
        "`` ` `` **bold** <img src=x onerror=alert(1)>",
        "</details></details> # heading",
        "a | b | c",
        "--> <!-- simone-review -->",
        "line\n## another heading",
        "\u202egnp.exe",
    ],
)
def test_a_value_can_not_pass_for_markup(hostile: str) -> None:
    report = build([_with_value(hostile)])
    text = markdown(report)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\n## another" not in text
    shown = next(line for line in text.splitlines() if line.strip().startswith("- `bucket`"))
    assert shown.strip().endswith(code(hostile))
    assert "<img" not in html(report)


def test_code_holds_any_number_of_backticks() -> None:
    assert code("a`b") == "``a`b``"
    assert code("``") == "``` `` ```"
    assert fenced("```\n````").startswith("`````")


def test_a_sentence_mentions_and_links_nobody() -> None:
    text = prose("ask @admin, see [this](https://evil.example) and #12 <b>")
    assert "@admin" not in text
    assert "[this]" not in text.replace("\\[", "").replace("\\]", "")
    assert "://" not in text


def test_a_value_of_a_megabyte_is_shortened() -> None:
    text = markdown(build([_with_value("x" * 1_000_000)]))
    assert len(text) < 5_000
    assert "(1,000,000 characters)" in text


def test_a_text_of_a_megabyte_is_not_compared_line_by_line() -> None:
    text = markdown(build([_with_value("line\n" * 200_000)]))
    assert len(text) < 5_000


def test_five_thousand_resources_fit_into_the_comment() -> None:
    bucket = next(resource for resource in base().resources if resource.name == "redis-backups")
    many = tuple(
        dataclasses.replace(bucket, name=f"bucket-{number}", urn=f"{bucket.urn}-{number}") for number in range(5_000)
    )
    rendered = Rendered(environment="prod", resources=many, exports={}, secret_exports=frozenset())
    plan = compare(None, rendered)
    assert len(plan.steps) == 5_000
    assert {step.op for step in plan.steps} == {Op.CREATE}
    text = markdown(build([plan]))
    assert len(text) <= SIZE_LIMIT
    assert "Creations" in text


def test_an_environment_that_can_not_be_rendered_is_broken() -> None:
    plan = Plan(environment="prod", origin=Origin.RENDERS, errors=("simone:redis.quorum is 1; allowed: 2 to 3",))
    report = build([plan])
    assert report.verdict is Verdict.BROKEN
    assert "simone:redis.quorum is 1; allowed: 2 to 3" in markdown(report).replace("\\", "")
