"""The real environments, rendered once."""

from collections.abc import Mapping

import pytest

from stack.environments import environments
from stack.render import Rendered, render


@pytest.fixture(scope="session")
def rendered() -> Mapping[str, Rendered]:
    """Every environment."""
    return {environment: render(environment) for environment in environments()}
