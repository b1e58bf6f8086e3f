"""Changed settings and images under load: each pod is replaced, and no request fails."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml
from running_cluster import Cluster
from visitors import Visitors

from cluster import stack
from tools.engine.project import Project

CHANGES: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "gateway": lambda config: config["simone:gateway"].update(default_country="NL"),
    "api": lambda config: config["simone:api"].update(log_level="warning"),
    "pgbouncer": lambda config: config["simone:pgbouncer"].update(drain="6s"),
    "storefront": lambda config: config["simone:storefront"]["resources"].update(cpu="210m"),
    "redis": lambda config: config["simone:redis"]["computed"].update(repl_backlog="32MiB"),
}
"""A small change of each system's own text or shape."""


@pytest.mark.parametrize("system", CHANGES)
def test_a_changed_setting_rolls_out_unnoticed(visitors: Visitors, own_nodes: Cluster, system: str) -> None:
    project = stack.project()
    before = project.stack_file.read_text()
    pods = {pod["metadata"]["uid"] for pod in own_nodes.pods(system)}
    try:
        with visitors.running():
            changed = yaml.safe_load(before)
            CHANGES[system](changed["config"])
            project.stack_file.write_text(yaml.safe_dump(changed, sort_keys=False))
            _up(project)
            own_nodes.settled()
        replaced = pods - {pod["metadata"]["uid"] for pod in own_nodes.pods(system)}
    finally:
        project.stack_file.write_text(before)
        _up(project)
    own_nodes.settled()
    print(f"{system}'s setting changed, {len(replaced)} of {len(pods)} pods replaced: {visitors.figures()}")
    assert replaced
    assert (visitors.failed, visitors.lost) == ({}, [])


def _up(project: Project) -> None:
    result = project.up()
    assert result.code == 0, f"{result.stdout[-2000:]}{result.stderr[-1000:]}"
