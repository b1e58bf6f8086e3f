"""What stands for a cloud's answers lets everything that the program makes out of outputs be judged."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.aws_identity import allow
from components.redis import jobs
from review import gate
from stack.environments import environments
from stack.render import Rendered, render
from stack.stand_in_outputs import is_made_up, outputs
from stack.values import UNKNOWN


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module", params=environments())
def resolved(request: pytest.FixtureRequest) -> Rendered:
    return render(request.param, resolve=outputs)


def test_nothing_stays_unknown(resolved: Rendered) -> None:
    unknown = [one.name for one in resolved.resources if UNKNOWN in _texts(dict(one.inputs))]
    assert unknown == []


def test_the_gate_leaves_nothing_undecided(resolved: Rendered) -> None:
    assert gate.undecided(gate.verdicts(resolved.environment, resolved)) == ()


def test_a_policy_that_is_made_of_an_output_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "allow", lambda *_, **named: allow("*", **named))
    stack = render("prod", resolve=outputs)
    found = gate.violations(gate.verdicts("prod", stack))
    assert {(one.rule, one.urn.rpartition("::")[2]) for one in found} == {("iam-no-wildcard", "redis-jobs-policy")}
    unresolved = render("prod")
    undecided = gate.undecided(gate.verdicts("prod", unresolved))
    told = [one for one in undecided if one.startswith("the rule iam-no-wildcard can't judge ")]
    assert told
    assert all(one.endswith("before the deployment: policy is known only after the deployment") for one in told)


def test_what_is_made_up_is_recognised() -> None:
    made = outputs("aws:kms/key:Key", "key", {})
    assert made == outputs("aws:kms/key:Key", "key", {})
    assert all(is_made_up(text) for text in made.values())
    assert not is_made_up("arn:aws:iam::123456789012:role/simone")
