"""Our caches beside other libraries', on the same servers with the same payload."""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Final

import typer

from app.api.responses.coding import encode
from app.api.responses.stored import SECURITY
from stack.environments import ROOT

RIVALS_PYTHON: Final = ROOT / ".tools/compare/bin/python"


ANSWER_HEADERS: Final = (
    ("content-type", "application/json"),
    ("content-encoding", "br"),
    ("cache-control", "public, max-age=300, stale-if-error=3600"),
    ("cloudflare-cdn-cache-control", "max-age=300, stale-while-revalidate=60, stale-if-error=3600"),
    ("vary", "Accept-Encoding, X-Country"),
    ("cache-tag", "item:1"),
    ("etag", '"1.0123456789abcdef01234567-br"'),
    ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"),
    ("cache-status", "simone-api; hit; ttl=3599"),
    *((name.decode(), value.decode()) for name, value in SECURITY),
)
"""Our responses' headers, for candidates that send none of their own."""


def payload(kilobytes: int = 1) -> bytes:
    """A listing. The API's most frequent responses have a little less than one kilobyte."""
    # Hashed names: repeated text would compress to almost nothing.
    items = [
        {
            "id": number,
            "name": f"Lamp {blake2b(str(number).encode(), digest_size=6).hexdigest()}",
            "price": 1999 + number,
        }
        for number in range(18 * kilobytes)
    ]
    return json.dumps({"items": items}, separators=(",", ":")).encode()


def answers(directory: Path, kilobytes: int = 1) -> dict[str, str]:
    """Writes a payload, plain and compressed as the API does it. Returns the candidates' variables for it."""
    plain, coded = directory / f"payload-{kilobytes}.json", directory / f"payload-{kilobytes}.br"
    plain.write_bytes(payload(kilobytes))
    coded.write_bytes(encode(payload(kilobytes))["br"])
    return {"PAYLOAD": str(plain), "CODED": str(coded), "HEADERS": json.dumps(ANSWER_HEADERS)}


def environment(directory: Path, redis: int, sentinel: int, code: Path) -> dict[str, str]:
    """The candidates' variables: where the payload, the servers at these ports and the programs of `code` are."""
    if not RIVALS_PYTHON.exists():
        raise typer.BadParameter(f"{RIVALS_PYTHON} is missing: `make compare` installs the other libraries")
    (directory / "secrets").mkdir()
    return {
        **answers(directory),
        "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        "REDIS_SENTINELS": f"127.0.0.1:{sentinel}",
        "SECRETS_DIR": str(directory / "secrets"),
        "PYTHONPATH": f"{ROOT}:{code}",
    }
