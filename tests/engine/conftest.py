"""Stacks under the real Pulumi engine, each brought up once per test run."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from review.render import Rendered, render, stack_config
from review.secret_placeholders import with_placeholders
from tools.engine import build
from tools.engine.project import Project, Result

ENVIRONMENTS = ("dev", "prod")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs an engine; without one it is skipped, and the summary says what to do."""
    missing = pytest.mark.skip(reason="NO PULUMI ENGINE: `make engine` builds one (needs Go), then run this again")
    for item in items:
        if "tests/engine" in str(item.path):
            item.add_marker(pytest.mark.engine)
            if build.find() is None:
                item.add_marker(missing)


@dataclass(frozen=True)
class Deployed:
    """One environment's life under the engine, from the first preview to the destruction."""

    rendered: Rendered
    preview: Result
    up: Result
    state: Mapping[str, Any]
    stored_text: str
    second_up: Result
    destroy_protected: Result
    destroy: Result


def _flat(values: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}", str(value)


def _live(rendered: Rendered) -> Deployed:
    environment = rendered.environment
    with Project(environment) as project:
        project.set_secrets(dict(_flat(with_placeholders(None, None, stack_config(environment)), "simone:secrets")))
        preview = project.preview()
        up = project.up()
        state, stored_text = project.state(), project.stored_text()
        second_up = project.up("--expect-no-changes")
        destroy_protected = project.destroy("--preview-only")
        project.run("state", "unprotect", "--all", "--yes")
        destroy = project.destroy()
    return Deployed(rendered, preview, up, state, stored_text, second_up, destroy_protected, destroy)


@pytest.fixture(scope="session")
def deployments() -> Mapping[str, Deployed]:
    """Both environments, brought up side by side; rendering isn't for threads."""
    rendered = [render(environment) for environment in ENVIRONMENTS]
    with ThreadPoolExecutor(max_workers=len(ENVIRONMENTS)) as pool:
        return dict(zip(ENVIRONMENTS, pool.map(_live, rendered), strict=True))


@pytest.fixture(params=ENVIRONMENTS)
def deployed(request: pytest.FixtureRequest, deployments: Mapping[str, Deployed]) -> Deployed:
    """Each environment in turn."""
    return deployments[request.param]
