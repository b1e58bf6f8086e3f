"""Stacks under the real Pulumi engine, each brought up once per test run."""

import pytest
from deployed import Deployed, deploy

from stack.environments import deployed_environments
from stack.render import render
from tools.engine import build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs an engine; without one it is skipped, and the summary says what to do."""
    missing = pytest.mark.skip(reason="NO PULUMI ENGINE: `make engine` builds one (needs Go), then run this again")
    for item in items:
        if "tests/engine" in str(item.path):
            item.add_marker(pytest.mark.engine)
            if build.find() is None:
                item.add_marker(missing)


@pytest.fixture(
    scope="session",
    params=[pytest.param(name, marks=() if name == "prod" else pytest.mark.full) for name in deployed_environments()],
)
def deployed(request: pytest.FixtureRequest) -> Deployed:
    """Each environment in turn, brought up and destroyed once."""
    return deploy(render(request.param))
