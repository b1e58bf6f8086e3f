"""A setting's line in its stack file, or in the project's defaults."""

from collections.abc import Sequence

import yaml

from stack.environments import ROOT
from stack.properties import parse_path


def line_of(environment: str, path: str) -> str:
    """`Pulumi.prod.yaml:17` for `simone:redis.data.maxmemory`: the innermost existing line; empty without one."""
    for file, below in ((f"Pulumi.{environment}.yaml", ()), ("Pulumi.yaml", ("default",))):
        try:
            root = yaml.compose((ROOT / file).read_text())
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        keys = [key for key in _keys(_child(root, "config")) if path == key or path.startswith((f"{key}.", f"{key}["))]
        if keys:
            key = max(keys, key=len)
            rest = path[len(key) :].removeprefix(".")
            try:
                parts = parse_path(rest) if rest else ()
            except ValueError:
                parts = ()
            return f"{file}:{_deepest(root, ('config', key, *below, *parts))}"
    return ""


def is_a_setting_s(file: str) -> bool:
    """Whether a changed file changes only settings."""
    return file.startswith("Pulumi.") and file.endswith(".yaml")


def _keys(node: yaml.Node | None) -> Sequence[str]:
    return [str(key.value) for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []


def _child(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if str(key.value) == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None


def _deepest(node: yaml.Node, path: Sequence[str | int]) -> int:
    """The line of the last key of a path that is there."""
    line = node.start_mark.line + 1
    found: yaml.Node | None = node
    for part in path:
        if isinstance(found, yaml.MappingNode):
            key = next((key for key, _ in found.value if str(key.value) == str(part)), None)
            line = key.start_mark.line + 1 if key else line
        found = _child(found, part)
        if found is None:
            break
        if isinstance(found, yaml.ScalarNode | yaml.MappingNode) and isinstance(part, int):
            line = found.start_mark.line + 1
    return line
