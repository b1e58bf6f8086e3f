"""A changed setting is linked to its line, and what it alone changes is too."""

import copy
import dataclasses
from pathlib import Path

import pytest

from review import checkouts, setting_lines, settings
from review.attribution import single_changes
from review.markdown import markdown
from review.report import build
from review.setting_lines import line_of
from stack.environments import stack_config
from testing.pull_requests import planned

STACK_FILE = """\
config:
  aws:region: eu-central-1
  simone:redis:
    data:
      maxmemory: 5GiB
    users:
      - name: app
      - name: job
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK_FILE)
    (tmp_path / "Pulumi.yaml").write_text("name: simone\nconfig:\n  simone:zones:\n    default:\n      count: 3\n")
    monkeypatch.setattr(setting_lines, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("aws:region", "Pulumi.prod.yaml:2"),
        ("simone:redis", "Pulumi.prod.yaml:3"),
        ("simone:redis.data.maxmemory", "Pulumi.prod.yaml:5"),
        ("simone:redis.data.gone", "Pulumi.prod.yaml:4"),
        ("simone:redis.users[1].name", "Pulumi.prod.yaml:8"),
        ("simone:zones.count", "Pulumi.yaml:5"),
        ("simone:none", ""),
    ],
)
def test_a_setting_has_a_line(path: str, line: str, root: Path) -> None:
    assert line_of("prod", path) == line


def test_what_one_setting_changes_names_its_line() -> None:
    path = "simone:redis.data.maxmemory"
    changed = settings.compare(
        {"simone:redis": {"data": {"maxmemory": "4"}}}, {"simone:redis": {"data": {"maxmemory": "5"}}}
    )
    one = dataclasses.replace(changed, lines={path: "Pulumi.prod.yaml:5"}, alone=True)
    plan = dataclasses.replace(planned("immediate-parameter"), settings=one)
    text = markdown(build([plan]), link_to=lambda line: f"https://host.example/{line}")
    assert "`4` → `5` — prod ([Pulumi.prod.yaml:5](https://host.example/Pulumi.prod.yaml:5))" in text
    assert "(changed by [Pulumi.prod.yaml:5](https://host.example/Pulumi.prod.yaml:5))" in text
    with_program = dataclasses.replace(plan, settings=dataclasses.replace(one, alone=False))
    assert "changed by" not in markdown(build([with_program]))


def test_each_of_several_settings_is_put_back_alone() -> None:
    base = {"simone:redis": {"data": {"maxmemory": "4", "gone": 1}, "users": ["app"]}, "simone:old": 1}
    head = {"simone:redis": {"data": {"maxmemory": "5", "added": 1}, "users": ["app", "job"]}, "simone:new": 2}
    put_back = single_changes(base, head)
    redis = {path: config.get("simone:redis") for path, config in put_back.items()}
    assert redis["simone:redis.data.maxmemory"] == {"data": {"maxmemory": "4", "added": 1}, "users": ["app", "job"]}
    assert redis["simone:redis.data.added"] == {"data": {"maxmemory": "5"}, "users": ["app", "job"]}
    assert redis["simone:redis.data.gone"] == {
        "data": {"maxmemory": "5", "added": 1, "gone": 1},
        "users": ["app", "job"],
    }
    assert redis["simone:redis.users[1]"] == {"data": {"maxmemory": "5", "added": 1}, "users": ["app"]}
    assert (put_back["simone:old"]["simone:old"], "simone:new" in put_back) == (1, False)


def test_what_each_of_several_settings_changes_is_found() -> None:
    head = stack_config("prod")
    base = copy.deepcopy(head)
    for pair in ("data", "computed"):
        base["simone:redis"][pair]["maxmemory"] = "1GiB"
    found = checkouts.attributed({"prod": {"base": base, "head": head}})["prod"]
    by_name = {urn.rsplit("::", 1)[1]: paths for urn, paths in found.items()}
    assert by_name["redis-data-config"] == ["simone:redis.data.maxmemory"]
    assert by_name["redis-computed-config"] == ["simone:redis.computed.maxmemory"]


def test_of_several_settings_each_resource_names_its_own() -> None:
    plan = planned("immediate-parameter")
    changed = settings.compare({"simone:a": 1, "simone:b": 1}, {"simone:a": 2, "simone:b": 2})
    urn = next(step.urn for step in plan.changed)
    both = dataclasses.replace(
        changed,
        lines={"simone:a": "Pulumi.prod.yaml:5", "simone:b": "Pulumi.prod.yaml:6"},
        alone=True,
        by_resource={urn: ("simone:b",)},
    )
    text = markdown(build([dataclasses.replace(plan, settings=both)]))
    assert "changed by Pulumi.prod.yaml:6)" in text
    assert "changed by Pulumi.prod.yaml:5" not in text
    together = dataclasses.replace(both, by_resource={urn: ("simone:a", "simone:b")})
    told = markdown(build([dataclasses.replace(plan, settings=together)]))
    assert "changed by Pulumi.prod.yaml:5 and Pulumi.prod.yaml:6)" in told
