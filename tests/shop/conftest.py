"""The running shop, watched in time lapse."""

from collections.abc import Iterator

import pytest

from components.monitoring.settings import MonitoringSettings
from local.environment import Environment
from testing.time_lapse import TimeLapse, time_lapse
from testing.waits import PATIENCE

SETTINGS = MonitoringSettings.model_validate({"discovery": "file"})


@pytest.fixture(scope="session")
def lapse(shop: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeLapse]:
    """The declared rules over the running shop, every duration divided; all of its targets are up."""
    with time_lapse(tmp_path_factory.mktemp("lapse"), shop.state.discovery, SETTINGS) as running:
        running.until(
            lambda: bool(running.query("up")) and not running.query("up == 0"),
            lambda: running.query("up == 0"),
            PATIENCE,
        )
        yield running
