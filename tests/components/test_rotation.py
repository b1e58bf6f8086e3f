"""A secret with two values: servers take what counts and no more, clients show the first, steps fit together."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from components.postgres.roles import APP, EXPORTER
from components.scram import scram_verifier
from components.settings.secrets import STEPS, Accepted, Rotation, Secrets, role_of, rotated
from components.settings.section import section_of
from stack.environments import ROOT
from stack.render import Rendered, render
from stack.resource import Resource

SLOTS = ("main", "alternate")
THERE = STEPS[:4]
"""From one value to the other; back is the same with the names exchanged."""


def value(name: str, slot: str) -> str:
    return f"{slot}-value-of-{name.replace('.', '-')}-which-is-long"


def secrets_at(step: str) -> dict[str, Any]:
    """All secrets that have two values, at the same step."""
    found: dict[str, Any] = {}
    for name in rotated():
        system, _, secret = name.partition(".")
        section = found.setdefault(system, {"rotation": {}})
        section[secret] = value(name, "main")
        section["rotation"][secret] = {"alternate": value(name, "alternate"), "accepted": step}
    return found


@cache
def rendered(step: str) -> Rendered:
    return render("prod", secrets=secrets_at(step))


@cache
def declared(step: str) -> Mapping[str, Resource]:
    return {each.name: each for each in rendered(step).resources}


def forms(name: str, slot: str) -> list[str]:
    """What shows that a value counts: itself, its hash in Redis's ACL, its verifier in Postgres's roles."""
    secret = value(name, slot)
    system, _, user = name.partition(".")
    verifiers = [scram_verifier(role_of(user, slot), SecretStr(secret))] if system == "postgres" else []
    return [secret, hashlib.sha256(secret.encode()).hexdigest(), *verifiers]


def holders(step: str, name: str, slot: str) -> set[str]:
    """The resources in which a value of a secret can be seen, in whatever form."""
    return {
        resource
        for resource, each in declared(step).items()
        if any(form in json.dumps(each.inputs, default=str) for form in forms(name, slot))
    }


@pytest.mark.parametrize("name", rotated())
@pytest.mark.parametrize("step", THERE)
def test_what_does_not_count_is_nowhere(step: str, name: str) -> None:
    for slot in SLOTS:
        assert bool(holders(step, name, slot)) == (slot in step.split()), (slot, holders(step, name, slot))


@pytest.mark.parametrize("name", rotated())
def test_a_rotation_ends_where_the_next_one_begins(name: str) -> None:
    """Nothing of the first value is left behind, and whatever held it holds the second one."""
    kept = holders("main", name, "main")
    assert holders("alternate", name, "alternate") == kept


@pytest.mark.parametrize("role", [APP, EXPORTER])
@pytest.mark.parametrize("step", THERE)
def test_clients_of_the_database_show_a_role_that_its_servers_knew_one_step_before(step: Accepted, role: str) -> None:
    before, slot = THERE[max(THERE.index(step) - 1, 0)], step.partition(" ")[0]
    shown = role_of(role, slot)
    variable = "DATABASE_USER" if role == APP else "DATA_SOURCE_USER"
    for pod in (
        ("api-deployment", "api-worker-deployment") if role == APP else ("monitoring-postgres-exporter-deployment",)
    ):
        assert environment_of(declared(step)[pod])[variable] == shown
    for at in (before, step):
        users = declared(at)["pgbouncer-users"].inputs["stringData"]["userlist.txt"]
        verifier = scram_verifier(shown, SecretStr(value(f"postgres.{role}", slot)))
        assert f'"{shown}" "{verifier}"\n' in users
        assert declared(at)["api-owner-secrets"].inputs["stringData"][f"{shown}-scram"] == verifier


def environment_of(deployment: Resource) -> Mapping[str, str]:
    containers = deployment.inputs["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", "") for entry in containers[0]["env"]}


@pytest.mark.parametrize("pod", ["api-deployment", "api-worker-deployment"])
def test_a_pod_of_the_step_before_still_finds_its_own_password(pod: str) -> None:
    """A container that starts again while the roll-out goes on has the old environment and the new files."""
    files = declared("alternate after main")["api-secrets"].inputs["stringData"]
    assert files["database-password"] == value("postgres.app", "main")
    shown = environment_of(declared("alternate after main")[pod])["DATABASE_PASSWORD_NAME"]
    assert files[shown] == value("postgres.app", "alternate")


def test_pods_start_anew_where_they_show_another_value() -> None:
    """A Secret in an environment variable is read when a container starts."""
    for workload in ("redis-sessions-nodes", "redis-sentinel-nodes"):
        templates = [
            declared(step)[workload].inputs["spec"]["template"]["metadata"]["annotations"]
            for step in ("main then alternate", "alternate after main")
        ]
        assert templates[0] != templates[1], workload


def test_rotations_are_exported_while_there_are_any() -> None:
    exports = rendered("main then alternate").exports
    assert json.loads(exports["rotations"]) == dict.fromkeys(rotated(), "main then alternate")
    assert "rotations" not in rendered("main").exports


def test_a_value_that_is_not_there_cannot_count() -> None:
    with pytest.raises(ValidationError, match="accepted is 'alternate' and there is no alternate: set it"):
        Rotation.model_validate({"accepted": "alternate"})


def test_the_page_says_of_every_secret_how_it_is_replaced() -> None:
    page = (ROOT / "docs" / "rotation.md").read_text()
    names = {
        f"{system}.{name}"
        for system, field in Secrets.model_fields.items()
        for name in (section_of(field.annotation) or Secrets).model_fields
        if name != "rotation"
    }
    assert {name for name in names if f"`{name}`" not in page} == set()
