"""The environments and their configuration, as the stack files say: `Pulumi.<environment>.yaml`."""

from pathlib import Path
from typing import Any, cast

import yaml

PROJECT = "simone"
ROOT = Path(__file__).resolve().parent.parent


class RenderError(Exception):
    """The environment can't be rendered: a missing or wrong stack file, or a program that fails."""


def environments(directory: Path | None = None) -> tuple[str, ...]:
    """The environments that have a stack file, here or in another checkout, sorted by name."""
    return tuple(sorted(path.name.split(".")[1] for path in (directory or ROOT).glob("Pulumi.*.yaml")))


def deployed_environments() -> tuple[str, ...]:
    """Those that are deployed to a cloud: all but those of one machine, which name a stand-in for AWS
    (`simone:aws.endpoint_url`). One with a broken stack file counts as deployed: whoever looks at it says
    what is wrong.
    """
    return tuple(name for name in environments() if not _has_stand_in(name))


def _has_stand_in(environment: str) -> bool:
    try:
        given = stack_config(environment).get(f"{PROJECT}:aws")
    except RenderError:
        return False
    return isinstance(given, dict) and bool(cast("dict[str, Any]", given).get("endpoint_url"))


def stack_config(environment: str) -> dict[str, Any]:
    """A stack file's configuration with the project's defaults. Raises `RenderError` for a missing file or bad YAML."""
    path = ROOT / f"Pulumi.{environment}.yaml"
    try:
        content = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        there = ", ".join(environments())
        raise RenderError(
            f"there is no environment {environment!r} ({path.name} is missing); there are: {there}"
        ) from None
    except yaml.YAMLError as error:
        raise RenderError(f"{path.name} is not valid YAML: {error}") from None
    config = content.get("config") if isinstance(content, dict) else None
    if not isinstance(config, dict):
        raise RenderError(f"{path.name} needs a mapping `config:` with the environment's settings")
    defaults = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    declared = {key: entry["default"] for key, entry in defaults.items() if "default" in entry}
    return declared | cast(dict[str, Any], config)
