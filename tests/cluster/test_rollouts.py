"""Changed settings, secrets and images under load: each pod is replaced, and no request fails."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from secrets import token_urlsafe
from typing import Any

import yaml
from running_cluster import Cluster
from visitors import Visitors

from cluster import environment, stack
from cluster.layout import ENVIRONMENT, NODES
from components.settings.secrets import STEPS, rotated
from stack.environments import stack_config
from tools.engine.project import Project

NEW_VERSION = "1.0.1"
OURS = ("api", "api-worker", "storefront", "gateway", "pgbouncer")
Change = Callable[[dict[str, Any]], None]
"""Of a stack file's configuration."""
CHANGES: Mapping[str, Change] = {
    "gateway": lambda config: config["simone:gateway"].update(default_country="NL"),
    "api": lambda config: config["simone:api"].update(log_level="warning"),
    "pgbouncer": lambda config: config["simone:pgbouncer"].update(drain="6s"),
    "storefront": lambda config: config["simone:storefront"]["resources"].update(cpu="210m"),
    "redis": lambda config: config["simone:redis"]["computed"].update(repl_backlog="32MiB"),
}
"""A small change of each system's own text or shape."""


@contextmanager
def stack_put_back() -> Generator[Project]:
    """The stack, to be changed; as it was after the block."""
    project = stack.project()
    before = project.stack_file.read_text()
    try:
        yield project
    finally:
        project.stack_file.write_text(before)
        up(project)


def change(project: Project, *changes: Change) -> None:
    """Apply changes of the stack file, and wait until they have rolled out."""
    content = yaml.safe_load(project.stack_file.read_text())
    for each in changes:
        each(content["config"])
    project.stack_file.write_text(yaml.safe_dump(content, sort_keys=False))
    up(project)


def up(project: Project) -> None:
    result = project.up()
    assert result.code == 0, f"{result.stdout[-2000:]}{result.stderr[-1000:]}"


def accept(step: str) -> Change:
    """How far the rotation of every secret with two values is."""

    def of_all(config: dict[str, Any]) -> None:
        for name in rotated():
            system, _, secret = name.partition(".")
            config["simone:secrets"][system]["rotation"][secret]["accepted"] = step

    return of_all


def test_new_settings_secrets_and_images_roll_out_unnoticed(visitors: Visitors, own_nodes: Cluster) -> None:
    """Of every system at once, as a new version of the project brings them: changed settings, our images, with a
    migration first, and second values beside all secrets. Then clients show those. Then back, in two steps.
    """
    registry = stack_config(ENVIRONMENT)["simone:images"]["registry"]
    for node in NODES:
        environment.tag_images(node, registry, NEW_VERSION)

    def pods() -> set[tuple[str, str]]:
        found = (pod["metadata"] for system in CHANGES for pod in own_nodes.pods(system))
        return {(each["name"], each["uid"]) for each in found}

    def our_images() -> set[str]:
        images = {c["image"] for system in OURS for pod in own_nodes.pods(system) for c in pod["spec"]["containers"]}
        return {image for image in images if image.startswith(registry)}

    def let_in() -> Mapping[str, int]:
        return {
            slot: visitors.rename(visitors.products[0], "Renamed", token=token).status_code
            for slot, token in tokens.items()
        }

    before = pods()
    alternates = {name: token_urlsafe(24) for name in rotated()}
    tokens = {"main": stack.plain_secrets()["api"]["admin_token"], "alternate": alternates["api.admin_token"]}
    with visitors.running(), stack_put_back() as project:
        settings = stack_config(ENVIRONMENT) | stack.config()
        project.set_secrets(
            {
                f"simone:secrets.{system}.rotation.{secret}.alternate": value
                for (system, _, secret), value in ((name.partition("."), value) for name, value in alternates.items())
            }
        )
        new_images: Change = lambda config: config["simone:images"].update(version=NEW_VERSION)  # noqa: E731
        change(project, *CHANGES.values(), new_images, accept(STEPS[1]))
        own_nodes.settled()
        left = {name for name, _ in before & pods()}
        old = {image for image in our_images() if not image.endswith(f":{NEW_VERSION}")}
        both = let_in()
        change(project, accept(STEPS[2]))
        change(project, lambda config: config.update(settings), accept(STEPS[1]))
    own_nodes.settled()
    one = let_in()
    print(
        f"settings of {', '.join(CHANGES)}, images of {', '.join(OURS)} and {len(alternates)} secrets changed there "
        f"and back, in four deployments: {visitors.figures()}"
    )
    assert (left, old) == (set(), set())
    assert (both, one) == ({"main": 200, "alternate": 200}, {"main": 200, "alternate": 401})
    assert (visitors.failed, visitors.lost) == ({}, [])
