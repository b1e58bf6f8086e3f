"""What all tests share: the rendered environments."""

import functools
from collections.abc import Callable

import pytest

from review.render import Rendered, render

ENVIRONMENTS = ("dev", "local", "prod")


@functools.cache
def _rendered(environment: str) -> Rendered:
    return render(environment)


@pytest.fixture(scope="session")
def rendered() -> Callable[[str], Rendered]:
    """`rendered("prod")`: an environment's whole graph, rendered once in each test process."""
    return _rendered


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> Rendered:
    """Each environment in turn."""
    return _rendered(request.param)
