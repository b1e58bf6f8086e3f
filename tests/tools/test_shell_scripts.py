"""Every shell script, of the repository and in a declared ConfigMap, is judged by shellcheck."""

import subprocess
import sys
from pathlib import Path

import pytest

from stack.render import Rendered

ROOT = Path(__file__).parents[2]
SHELLCHECK = Path(sys.executable).with_name("shellcheck")
OF_THE_REPOSITORY = sorted(
    name
    for name in subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    if name.endswith(".sh") or name == ".ci/run"
)


def _judged(script: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # Lists of addresses are split on purpose (2086); a sourced file is checked by itself (1091).
    return subprocess.run(
        [str(SHELLCHECK), "--exclude=SC2086,SC1091", *options, str(script)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", OF_THE_REPOSITORY)
def test_a_script_of_the_repository_passes(name: str) -> None:
    starts = (ROOT / name).read_text().startswith("#!")
    judged = _judged(ROOT / name, *([] if starts else ["--shell=sh"]))
    assert judged.returncode == 0, judged.stdout


def test_declared_scripts_pass(environment: Rendered, tmp_path: Path) -> None:
    scripts = {
        f"{resource.name}/{name}": text
        for resource in environment.resources
        for name, text in (resource.inputs.get("data") or {}).items()
        if name.endswith(".sh")
    }
    assert scripts
    for name, text in scripts.items():
        script = tmp_path / name.replace("/", "-")
        script.write_text(text)
        judged = _judged(script, "--shell=sh")
        assert judged.returncode == 0, f"{name}\n{judged.stdout}"
