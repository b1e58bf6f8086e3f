"""Our caches beside other libraries', on the same servers with the same payload."""

import json
from pathlib import Path
from typing import Final

import typer

ROOT: Final = Path(__file__).parents[2]
RIVALS_PYTHON: Final = ROOT / ".tools/compare/bin/python"


def payload() -> bytes:
    """A listing of the size that the API answers most often with, a little under a kilobyte."""
    items = [{"id": number, "name": f"Compact Lamp {number}", "price": 1999 + number} for number in range(18)]
    return json.dumps({"items": items}, separators=(",", ":")).encode()


def environment(directory: Path, redis: int, sentinel: int, code: Path) -> dict[str, str]:
    """What candidates are told: where the payload, the servers at these ports, and the programs of `code` are."""
    if not RIVALS_PYTHON.exists():
        raise typer.BadParameter(f"{RIVALS_PYTHON} is missing: `make compare` installs the other libraries")
    (directory / "payload.json").write_bytes(payload())
    (directory / "secrets").mkdir()
    return {
        "PAYLOAD": str(directory / "payload.json"),
        "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        "REDIS_SENTINELS": f"127.0.0.1:{sentinel}",
        "SECRETS_DIR": str(directory / "secrets"),
        "PYTHONPATH": f"{ROOT}:{code}",
    }
