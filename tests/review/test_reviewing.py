"""What is compared besides resources: environments, settings, options, and a base that is broken."""

import dataclasses
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from review import base_packages, checkouts, reviewing, settings
from review.base_packages import Packages
from review.checkouts import Snapshot
from review.html import html
from review.markdown import markdown, prose
from review.plan import Plan
from review.report import Verdict, build
from review.reviewing import as_json
from testing.pull_requests import base

CONFIG: Mapping[str, Any] = {
    "aws:region": "eu-central-1",
    "simone:redis": {"data": {"maxmemory": "4GiB"}},
    "simone:secrets": {"redis": {"app": {"secure": "v1:canary-of-before"}}},
}


def _snapshot(**config: Any) -> Snapshot:
    return Snapshot({"prod": base()}, {}, {"prod": {**CONFIG, **config}})


def _reviewed(before: Snapshot, after: Snapshot, *doubts: str) -> Plan:
    return dataclasses.replace(reviewing._plan("prod", before, after, doubts), violations=())


def test_the_same_has_no_changes() -> None:
    assert build([_reviewed(_snapshot(), _snapshot())]).verdict is Verdict.NO_CHANGES


@pytest.mark.parametrize(
    ("changed", "verdict", "shown"),
    [
        (
            {"simone:redis": {"data": {"maxmemory": "5GiB"}}},
            Verdict.HARMLESS,
            "data.maxmemory`: `4GiB` → `5GiB`",
        ),
        ({"aws:region": "eu-west-1"}, Verdict.CAREFUL, "`aws:region`: `eu-central-1` → `eu-west-1`"),
        ({"kubernetes:context": "other"}, Verdict.CAREFUL, "`kubernetes:context`: nothing → `other`"),
        (
            {"simone:secrets": {"redis": {"app": {"secure": "v1:canary-of-after"}}}},
            Verdict.CAREFUL,
            "`simone:secrets.redis.app.secure`: `[secret]` → `[secret]`",
        ),
    ],
)
def test_a_changed_setting_is_a_change(changed: dict[str, Any], verdict: Verdict, shown: str) -> None:
    report = build([_reviewed(_snapshot(), _snapshot(**changed))])
    assert (report.verdict, shown in markdown(report)) == (verdict, True)
    for text in (markdown(report), html(report), as_json(report)):
        assert "canary" not in text


def test_a_value_that_becomes_secret_is_hidden_before_too() -> None:
    found = settings.compare({"simone:x": {"a": "canary"}}, {"simone:x": {"a": {"secure": "v1:canary"}}})
    assert "canary" not in repr(found.changes)
    assert found.undecided == ("simone:x.a",)


def test_a_deleted_environment_is_told_with_all_that_it_had() -> None:
    plan = reviewing._plan("prod", _snapshot(), Snapshot({}, {}, {}), ())
    report = build([plan])
    assert report.verdict is Verdict.STOPPED
    assert {step.op.value for step in plan.steps} == {"delete"}
    assert "Pulumi.prod.yaml is gone" in markdown(report)


def test_a_base_that_does_not_render_leaves_this_side_to_be_judged() -> None:
    broken = Snapshot({}, {"prod": "simone:redis.quorum is 9"}, {})
    report = build([_reviewed(broken, _snapshot())])
    assert report.verdict is Verdict.CAREFUL
    assert "the base doesn't render, so only this side is judged: simone:redis.quorum is 9" in markdown(report)
    assert report.summaries[0].counts.keys() == {"same"}


@pytest.mark.parametrize("name", ["ignoreChanges", "retainOnDelete", "deleteBeforeReplace", "replaceOnChanges"])
def test_a_changed_option_is_a_change_that_nobody_has_judged(name: str) -> None:
    resources = tuple(
        dataclasses.replace(one, options={name: ["spec"]}) if one.name == "redis-backups" else one
        for one in base().resources
    )
    after = Snapshot({"prod": dataclasses.replace(base(), resources=resources)}, {}, {"prod": CONFIG})
    report = build([_reviewed(_snapshot(), after)])
    assert (report.verdict, report.headline) == (
        Verdict.CAREFUL,
        "Deploy with care: changes the options of redis-backups",
    )
    assert f"its option {name} changes: not set → " in markdown(report)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit: a lock file, a policy and a program."""
    for file, text in (
        ("requirements/project.lock", "pulumi-aws==7.50.0 \\\n    --hash=sha256:aa\npydantic==2.0\n"),
        ("policies/prod.json", "{}"),
        ("components/redis.py", ""),
    ):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "--message=x"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(checkouts, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def other_versions(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with other versions in its files than in its commit; the directory of what is installed."""
    lock = repository / "requirements" / "project.lock"
    lock.write_text(lock.read_text().replace("7.50.0", "7.51.0").replace("pydantic==2.0", "pydantic==2.1"))
    kept = tmp_path_factory.mktemp("kept")
    monkeypatch.setattr(base_packages, "KEPT", kept)
    return kept


def test_the_same_packages_need_no_others(repository: Path) -> None:
    assert checkouts.packages_of("HEAD") == Packages()


def test_a_base_with_other_packages_is_rendered_by_its_own(
    repository: Path, other_versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def install(wanted: Path, target: Path) -> None:
        asked.append(wanted.read_text())
        target.mkdir()
        (target / "of_the_base.py").write_text("")

    monkeypatch.setattr(base_packages, "_install", install)
    found = checkouts.packages_of("HEAD")
    again = checkouts.packages_of("HEAD")
    assert found == again
    assert asked == ["pulumi-aws==7.50.0 \\\n    --hash=sha256:aa\npydantic==2.0\n"]
    assert found.directory
    assert found.directory.parent == other_versions
    (doubt,) = found.doubts
    assert doubt.startswith("SDKs changed (+pulumi-aws==7.51.0 -pulumi-aws==7.50.0): each side is rendered by its own")
    report = build([_reviewed(_snapshot(), _snapshot(), doubt)])
    assert (report.verdict, prose(doubt) in markdown(report)) == (Verdict.CAREFUL, True)
    # Libraries read what is judged, so that other versions of them are another judge.
    assert checkouts.judging_code_since("HEAD") == ("requirements/project.lock",)


def test_a_script_sees_the_packages_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "yaml.py").write_text("NAME = 'of the base'")
    (tmp_path / "script.py").write_text("import yaml\nprint(yaml.NAME)")
    monkeypatch.setattr(checkouts, "_HERE", tmp_path)
    process = checkouts._start("script.py", tmp_path, packages=tmp_path / "given")
    assert checkouts.finish(process, "x") == "of the base\n"


def test_packages_that_cannot_be_installed_are_said_to_be_ours(
    repository: Path, other_versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(repository / "empty"))
    found = checkouts.packages_of("HEAD")
    (doubt,) = found.doubts
    assert found.directory is None
    assert doubt.startswith(
        "SDKs changed (+pulumi-aws==7.51.0 -pulumi-aws==7.50.0): the installed ones render both sides, "
        "as the base's can't be installed: "
    )


def test_few_of_them_are_kept(other_versions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_packages, "_install", lambda wanted, target: None)
    for number in range(base_packages.MOST_KEPT + 2):
        base_packages.of(f"yaml=={number}.5\n", "")
    assert len([*other_versions.iterdir()]) == base_packages.MOST_KEPT


def test_what_takes_too_long_is_given_up(other_versions: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "uv"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(base_packages.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(base_packages, "MOST_SECONDS", 0.1)
    assert "can't be installed: it takes more than 0.1 seconds" in base_packages.of("yaml==1.5\n", "").doubts[0]


def test_a_kept_render_is_of_the_same_files_installed_packages_and_stand_ins(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "review").mkdir()
    (repository / "stack").mkdir()
    (repository / "review" / "snapshot.py").write_text("")
    stand_ins = repository / "stack" / "stand_in_outputs.py"
    stand_ins.write_text("")
    known = checkouts._rendering("HEAD")
    assert checkouts._rendering("HEAD") == known
    assert checkouts._rendering("HEAD", repository / "packages") != known
    stand_ins.write_text("account = 1")
    assert checkouts._rendering("HEAD") != known
    stand_ins.write_text("")
    monkeypatch.setattr(checkouts.sysconfig, "get_path", lambda _: str(repository))
    assert checkouts._rendering("HEAD") != known


def test_a_new_file_that_python_would_import_for_a_library_changes_the_judge(repository: Path) -> None:
    (repository / "yaml.py").write_text("")
    (repository / "components" / "more.py").write_text("")
    assert checkouts.judging_code_since("HEAD") == ("yaml.py",)


def test_what_both_sides_share_though_it_changed_is_doubted() -> None:
    report = build([_reviewed(_snapshot(), _snapshot(), "policies changed (policies/prod.json): …")])
    assert (report.verdict, report.headline) == (Verdict.CAREFUL, "Deploy with care: not everything could be judged")
