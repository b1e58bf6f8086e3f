"""The real environments, rendered once."""

from collections.abc import Callable, Mapping

import pytest

from stack.environments import environments
from stack.render import Rendered


@pytest.fixture(scope="session")
def rendered(rendered: Callable[[str], Rendered]) -> Mapping[str, Rendered]:
    """Every environment."""
    return {environment: rendered(environment) for environment in environments()}
