"""What two renders compared say about a pull request is what the engine says, for every one of the pinned ones."""

from collections.abc import Iterator

import pytest
from replayed import Replayed, replaying

from review.plan import Op, Plan
from testing.pull_requests import PULL_REQUESTS, base, changed, planned

# Each preview takes seconds of both cores: the ones that decide differently always, all of them in the full run.
QUICK = {"database-renamed", "component-renamed-with-alias", "memory-cut"}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    with replaying(tmp_path_factory.mktemp("replay")) as stack:
        stack.declare(base())
        up = stack.project.up()
        assert up.code == 0, up.stdout[-3000:] + up.stderr
        yield stack


def _decided(plan: Plan) -> dict[str, tuple[Op, tuple[str, ...]]]:
    """By resource what happens to it and why; the replay's own provider isn't the pull request's."""
    return {
        step.resource.name: (step.op, tuple(sorted({reason.split(".")[0] for reason in step.replace_reasons})))
        for step in plan.steps
        if step.op is not Op.SAME and not step.resource.type.startswith("pulumi:providers:")
    }


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.full) for name in PULL_REQUESTS],
)
def test_the_comparison_decides_as_the_engine_does(name: str, replayed: Replayed) -> None:
    assert _decided(planned(name)) == _decided(replayed.preview(changed(name)))
