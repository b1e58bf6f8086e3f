"""Stacks under the real Pulumi engine, each brought up once per test run."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from deployed import Deployed, deploy

from stack.environments import deployed_environments
from stack.render import render
from tools.engine import build

ENVIRONMENTS = deployed_environments()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs an engine; without one it is skipped, and the summary says what to do."""
    missing = pytest.mark.skip(reason="NO PULUMI ENGINE: `make engine` builds one (needs Go), then run this again")
    for item in items:
        if "tests/engine" in str(item.path):
            item.add_marker(pytest.mark.engine)
            if build.find() is None:
                item.add_marker(missing)


@pytest.fixture(scope="session")
def deployments() -> Mapping[str, Deployed]:
    """Both environments, brought up side by side; rendering isn't for threads."""
    rendered = [render(environment) for environment in ENVIRONMENTS]
    with ThreadPoolExecutor(max_workers=len(ENVIRONMENTS)) as pool:
        return dict(zip(ENVIRONMENTS, pool.map(deploy, rendered), strict=True))


@pytest.fixture(params=ENVIRONMENTS)
def deployed(request: pytest.FixtureRequest, deployments: Mapping[str, Deployed]) -> Deployed:
    """Each environment in turn."""
    return deployments[request.param]
