"""Changed settings and images under load: each pod is replaced, and no request fails."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import yaml
from running_cluster import Cluster
from visitors import Visitors

from cluster import environment, stack
from cluster.layout import ENVIRONMENT, NODES
from stack.environments import stack_config
from tools.engine.project import Project

NEW_VERSION = "1.0.1"
CHANGES: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "gateway": lambda config: config["simone:gateway"].update(default_country="NL"),
    "api": lambda config: config["simone:api"].update(log_level="warning"),
    "pgbouncer": lambda config: config["simone:pgbouncer"].update(drain="6s"),
    "storefront": lambda config: config["simone:storefront"]["resources"].update(cpu="210m"),
    "redis": lambda config: config["simone:redis"]["computed"].update(repl_backlog="32MiB"),
}
"""A small change of each system's own text or shape."""
UNCHANGED = ("redis-sessions-", "redis-data-", "redis-sentinel-")
"""Pods of Redis that the change of one pair leaves alone."""


@contextmanager
def changed_stack(change: Callable[[dict[str, Any]], None]) -> Generator[None]:
    """The stack with a change applied, until it has rolled out; as it was after the block."""
    project = stack.project()
    before = project.stack_file.read_text()
    try:
        content = yaml.safe_load(before)
        change(content["config"])
        project.stack_file.write_text(yaml.safe_dump(content, sort_keys=False))
        _up(project)
        yield
    finally:
        project.stack_file.write_text(before)
        _up(project)


def test_changed_settings_of_every_system_roll_out_unnoticed(visitors: Visitors, own_nodes: Cluster) -> None:
    """All in one deployment, as a new version of the project brings them; then back, which is a second one."""

    def pods() -> set[tuple[str, str]]:
        found = (pod["metadata"] for system in CHANGES for pod in own_nodes.pods(system))
        return {(each["name"], each["uid"]) for each in found}

    def change(config: dict[str, Any]) -> None:
        for of_one in CHANGES.values():
            of_one(config)

    before = pods()
    with visitors.running(), changed_stack(change):
        own_nodes.settled()
        left = {name for name, _ in before & pods()}
    own_nodes.settled()
    print(f"settings of {', '.join(CHANGES)} changed there and back: {visitors.figures()}")
    assert {name for name in left if not name.startswith(UNCHANGED)} == set()
    assert (visitors.failed, visitors.lost) == ({}, [])


def test_new_images_of_ours_roll_out_unnoticed(visitors: Visitors, own_nodes: Cluster) -> None:
    """All that are built from this repository, in a new version: the migration first, then every system."""
    registry = stack_config(ENVIRONMENT)["simone:images"]["registry"]
    for node in NODES:
        environment.tag_images(node, registry, NEW_VERSION)
    ours = ("api", "api-worker", "storefront", "gateway", "pgbouncer")
    with visitors.running(), changed_stack(lambda config: config["simone:images"].update(version=NEW_VERSION)):
        own_nodes.settled()
        images = [c["image"] for system in ours for pod in own_nodes.pods(system) for c in pod["spec"]["containers"]]
        old = [image for image in images if image.startswith(registry) and not image.endswith(f":{NEW_VERSION}")]
    own_nodes.settled()
    print(f"new images of {', '.join(ours)}, and back: {visitors.figures()}")
    assert old == []
    assert (visitors.failed, visitors.lost) == ({}, [])


def _up(project: Project) -> None:
    result = project.up()
    assert result.code == 0, f"{result.stdout[-2000:]}{result.stderr[-1000:]}"
