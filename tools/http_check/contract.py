"""schemathesis: valid and invalid requests from the OpenAPI document; checks the responses against it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SCHEMATHESIS: Final = ROOT / ".tools/http/bin/schemathesis"
SEED: Final = 20260101
TAKEN: Final = ("2xx", "3xx", "401", "403", "404", "409", "410", "429")
"""The statuses of a valid request; 410 for a mail's token, which can't be made up."""


@dataclass(frozen=True, slots=True)
class ContractResult:
    """Whether every check of every request passed, and the report."""

    passed: bool
    report: str


def judge(url: str, admin_token: str, directory: Path, *, examples: int, seed: int = SEED) -> ContractResult:
    """All checks, as administrator, with up to `examples` made-up requests for each operation; edge values come on top.

    During the run the token is in a file in `directory`, because anybody can read command lines.
    """
    config = directory / "schemathesis.toml"
    config.write_text(
        f'headers = {{ Authorization = "Bearer {admin_token}" }}\n'
        f"[checks.positive_data_acceptance]\nexpected-statuses = {list(TAKEN)}\n"
    )
    config.chmod(0o600)
    command = [SCHEMATHESIS, "--config-file", config, "run", f"{url}/api/openapi.json"]
    options = ["--checks", "all", "--max-examples", str(examples), "--seed", str(seed), "--warnings", "off"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tools.http_check.hooks", "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            [*command, *options], cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        config.unlink()
    return ContractResult(done.returncode == 0, done.stdout + done.stderr)
