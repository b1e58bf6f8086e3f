"""The real environments with stand-ins for what a cloud would answer, rendered once."""

from collections.abc import Mapping

import pytest

from stack.environments import environments
from stack.render import Rendered, render
from stack.stand_in_outputs import outputs


@pytest.fixture(scope="session")
def rendered() -> Mapping[str, Rendered]:
    """Every environment, as the gate and the review judge it."""
    return {environment: render(environment, resolve=outputs) for environment in environments()}
