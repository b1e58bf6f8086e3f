"""A change is shown by what differs, however long the value is that it is in."""

import json
from typing import Any

import pytest

from review.readable import LONGEST_VALUE, ValueChange, readable_changes
from stack.properties import Kind
from stack.resource import Resource


def _changes(old: Any, new: Any) -> list[ValueChange]:
    before, after = (Resource(urn="u", type="t:m:T", name="n", inputs={"policy": value}) for value in (old, new))
    found = readable_changes(before, after)
    assert all(isinstance(change, ValueChange) for change in found)
    return [change for change in found if isinstance(change, ValueChange)]


def _policy(*statements: dict[str, Any], indent: int | None = None) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=indent)


READ = {"Sid": "read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::backups/*"}
WRITE = {"Sid": "write", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::backups/*"}


def test_only_the_statement_that_differs_is_shown() -> None:
    many = [{**READ, "Sid": f"read{number}"} for number in range(40)]
    opened = {**WRITE, "Action": "*"}
    (change,) = _changes(_policy(*many, WRITE), _policy(*many, opened))
    assert (change.path, change.old, change.new) == ("policy.Statement[write].Action", "s3:PutObject", "*")


def test_a_statement_without_a_name_is_found_by_what_it_says() -> None:
    bare = [{key: value for key, value in statement.items() if key != "Sid"} for statement in (READ, WRITE)]
    (change,) = _changes(_policy(bare[0]), _policy(bare[1], bare[0]))
    assert (change.path, change.kind) == ("policy.Statement[0]", Kind.ADD)


def test_another_layout_of_the_same_document_is_still_a_change() -> None:
    (change,) = _changes(_policy(READ), _policy(READ, indent=1))
    assert change.path == "policy"


def test_a_secret_in_a_document_is_not_shown() -> None:
    old, new = (json.dumps({"password": f"canary-{number}", "user": f"u{number}"}) for number in (1, 2))
    assert "canary" not in repr(_changes(old, new))


@pytest.mark.parametrize("at", [0, 10, 500, 4_990])
def test_of_a_long_value_the_part_that_differs_is_shown(at: int) -> None:
    old = "a" * 5_000
    new = f"{old[:at]}DIFFERS{old[at + 7 :]}"
    (change,) = _changes(old, new)
    assert change.new is not None
    assert "DIFFERS" in change.new
    assert len(change.new) <= LONGEST_VALUE + 30
    assert change.old != change.new


@pytest.mark.parametrize(("old", "new"), [("ab" * 300, "ab" * 301), ("a" * 600, "a" * 601), ("x" * 400, "y" * 900)])
def test_two_long_values_never_look_the_same(old: str, new: str) -> None:
    (change,) = _changes(old, new)
    assert change.old != change.new
