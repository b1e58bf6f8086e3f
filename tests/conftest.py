"""What all tests share: the rendered environments, and the running shop."""

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.environment import Environment
from local.state import State
from stack.environments import environments
from stack.render import Rendered, render
from testing.network_namespace import own_network

TESTS = Path(__file__).parent
pytest_plugins = ["databases", "testing.watchdog"]


@functools.cache
def _rendered(environment: str) -> Rendered:
    return render(environment)


@pytest.fixture(scope="session")
def rendered() -> Callable[[str], Rendered]:
    """`rendered("prod")`: an environment's whole graph, rendered once in each test process."""
    return _rendered


@pytest.fixture(params=environments())
def environment(request: pytest.FixtureRequest) -> Rendered:
    """Each environment in turn."""
    return _rendered(request.param)


ROOMS = {
    "shop": {"shop", "chaos", "kpi"},
    "pods": {"chaos", "components", "local"},
    "engine": {"engine"},
    "browser": {"browser"},
}
"""Where the tests of a lane stand: a lane's process reads no others, which takes longer than some lanes' tests."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out directories in which a lane (`-m "shop and ..."`) has nothing."""
    rooms = ROOMS.get(config.option.markexpr.split(" ")[0])
    return (rooms is not None and collection_path.parent == TESTS and collection_path.name not in rooms) or None


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Tests of the shop come last: a network that another session fixture enters would hide the shop's."""
    for item in items:
        for lane, rooms in ROOMS.items():
            if item.get_closest_marker(lane) and item.path.relative_to(TESTS).parts[0] not in rooms:
                raise pytest.UsageError(
                    f"{item.nodeid} is marked {lane}: add its directory to ROOMS in tests/conftest.py"
                )
    items.sort(key=lambda item: "shop" in item.fixturenames)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The whole local environment, healthy, in a network and a state directory of its own; down at the end.

    The test process is in that network too, and so are the programs it starts; `SIMONE_STATE` is set for them.
    """
    state = State(tmp_path_factory.mktemp("shop"))
    environment = Environment(state)
    environment.prepare()
    with pytest.MonkeyPatch.context() as patch, own_network():
        patch.setenv("SIMONE_STATE", str(state.root))
        try:
            environment.up()
            yield environment
        finally:
            environment.down()
            shutil.rmtree(state.volumes, ignore_errors=True)  # the logs stay for whoever looks at a failure
