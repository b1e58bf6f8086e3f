"""The house: a room (a package at the root) reads only rooms below it."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stack.environments import ROOT

ROOMS = ("app", "components", "stack", "explain", "policies", "review", "testing", "local", "kpi", "tools", "cluster")
"""From the ground up; nobody reads the tests."""


def _packages() -> Iterator[tuple[str, Path]]:
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    for line in tracked.stdout.splitlines():
        room, _, rest = line.partition("/")
        if rest and room != "tests" and (ROOT / line).exists():
            yield room, ROOT / line


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_each_package_has_its_place() -> None:
    assert {room for room, _ in _packages()} == set(ROOMS)


def test_a_room_reads_only_rooms_below_it() -> None:
    height = {room: number for number, room in enumerate((*ROOMS, "tests"))}
    upwards = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room, path in _packages()
        for name in _imported(path)
        if height.get(name, -1) > height[room]
    ]
    assert upwards == []


def test_only_the_tests_of_kpi_import_it() -> None:
    importing = {path for path in (ROOT / "tests").rglob("*.py") if "kpi" in _imported(path)}
    assert importing
    assert {path.parent.name for path in importing} == {"kpi"}
