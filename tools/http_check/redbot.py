"""redbot: HTTP and caching of one address, note by note."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REDBOT: Final = Path(__file__).parents[2] / ".tools/http/bin/redbot"
SECONDS: Final = 60

EXPLAINED: Final[Mapping[str, str]] = {
    "STORE_PUBLIC_UNNECESSARY": "`public` is said in so many words; authorised requests get `private, no-store`",
}
"""Warnings that are intended, with the reason; docs/api-caching.md has them too."""


@dataclass(frozen=True, slots=True)
class Note:
    """One finding. `level` is redbot's: GOOD, INFO, WARN or BAD."""

    name: str
    level: str
    summary: str

    @property
    def unexplained(self) -> bool:
        """An error, or a warning without a reason of ours."""
        return self.level == "BAD" or (self.level == "WARN" and self.name not in EXPLAINED)


def judge(url: str) -> list[Note]:
    """All notes on `url`, on its other representations and on conditional requests.

    Raises RuntimeError where redbot gets no answer.
    """
    done = subprocess.run(
        [REDBOT, "--output-format", "har", url], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    try:
        entries = json.loads(done.stdout)["log"]["entries"]
        messages = entries[0]["_red_messages"]
    except (ValueError, KeyError, IndexError) as error:
        raise RuntimeError(f"redbot got no answer from {url}:\n{done.stdout[-500:]}{done.stderr[-500:]}") from error
    return [
        Note(message["note_id"], message["level"], message["summary"])
        for top in messages
        for message in (top, *top.get("subnotes", ()))
    ]
