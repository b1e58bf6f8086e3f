"""The render is what the engine would register, and never shows a secret."""

import json
from collections.abc import Callable

import pulumi
import pytest

from review.masking import masked
from review.preview import steps
from stack.environments import RenderError
from stack.render import Rendered, render
from stack.values import HIDDEN


def test_a_missing_environment_names_those_there_are() -> None:
    with pytest.raises(RenderError, match=r"Pulumi\.prd\.yaml.*dev, local, prod"):
        render("prd")


def test_a_wrong_setting_is_the_program_s_own_message() -> None:
    with pytest.raises(RenderError, match="did you mean 'owner'"):
        render("prod", config={"simone:ownr": "x"})


def test_two_renders_are_equal(rendered: Callable[[str], Rendered]) -> None:
    assert render("prod") == rendered("prod")


def test_parents_come_before_children_and_dependencies_before_dependents(environment: Rendered) -> None:
    seen: set[str] = set()
    for resource in environment.resources:
        assert not resource.parent or resource.parent in seen, resource.urn
        assert set(resource.dependencies) <= seen, resource.urn
        seen.add(resource.urn)


def test_every_resource_has_a_component_of_ours_as_parent(environment: Rendered) -> None:
    types = {resource.urn: resource.type for resource in environment.resources}
    for resource in environment.resources:
        if resource.custom:
            assert types[resource.parent].startswith("simone:"), resource.urn


def test_a_preview_shows_no_secret_value(environment: Rendered) -> None:
    shown = json.dumps(steps(environment))
    assert "placeholder-for-" not in shown
    assert HIDDEN in shown


def test_a_secret_is_masked_by_mark_by_kind_and_by_name() -> None:
    assert masked("aws:s3/bucket:Bucket", {"a": {"b": "x"}}, frozenset({"a.b"})) == {"a": {"b": HIDDEN}}
    assert masked("kubernetes:core/v1:Secret", {"stringData": {"k": "x"}}, frozenset()) == {"stringData": {"k": HIDDEN}}
    line = {"data": {"a.ini": "auth_password = correct-horse\nauth_password_file = /etc/x\nuser = app"}}
    shown = {"data": {"a.ini": f"auth_password = {HIDDEN}\nauth_password_file = /etc/x\nuser = app"}}
    assert masked("kubernetes:core/v1:ConfigMap", line, frozenset()) == shown
    assert masked("x", {"args": ["--password=correct-horse", "--password=$(PASSWORD)"]}, frozenset()) == {
        "args": [f"--password={HIDDEN}", "--password=$(PASSWORD)"]
    }
    assert masked("aws:rds/instance:Instance", {"password": "x", "manageMasterUserPassword": True}, frozenset()) == {
        "password": HIDDEN,
        "manageMasterUserPassword": True,
    }


def test_two_resources_of_one_urn_are_refused_as_by_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def program() -> None:
        for _ in range(2):
            pulumi.ComponentResource("simone:test:Thing", "same")

    monkeypatch.setattr("stack.render._program", program)
    with pytest.raises(RenderError, match=r"two resources have the URN \S+::simone:test:Thing::same"):
        render("prod")
