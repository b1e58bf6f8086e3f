"""Tables of README.md and docs/api-caching.md that compare our caches with others', from the kept measurements.

`make measured` measures and keeps them, as docs/measured/compare.json and docs/measured/compare-cache.json. The tables
show processor time, not requests a second: it depends least on what else the machine does.
"""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from stack.environments import ROOT

KEPT: Final = ROOT / "docs" / "measured"
_BASELINES: Final = ("raw ", "Go,", "ours, memory, 304", "ours, a trivial handler's")
_USUAL = "1 KB"


class NotMeasuredError(Exception):
    """A page shows figures of a report that isn't in docs/measured."""


def filled(text: str) -> str:
    """A page with its tables as the kept measurements have them. Raises NotMeasuredError."""
    for name, table in (("libraries", libraries), ("sizes", sizes), ("entities", entities)):
        place = re.compile(rf"(?<=<!-- {name}: made by make docs -->\n).*?(?=<!-- end -->)", re.DOTALL)
        if place.search(text):
            made = table()
            text = place.sub(lambda _, made=made: made, text, count=1)
    return text


def libraries() -> str:
    """What one cached answer costs each candidate, the cheapest first, without the baselines."""
    usual = sorted(
        (one for one in _kept("compare")["speeds"] if one["name"] == _USUAL),
        key=lambda one: float(one["cpu_microseconds"]),
    )
    rows = [
        (_ours(one["candidate"]), f"{one['cpu_microseconds']:,.0f}")
        for one in usual
        if not one["candidate"].startswith(_BASELINES)
    ]
    return _table(("One cached answer of 1 KB, one worker", "server CPU, µs"), rows)


def sizes() -> str:
    """The same for some of them at other sizes, workers, connections and numbers of keys, a row each."""
    differing: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for one in _kept("compare")["speeds"]:
        if one["name"] != _USUAL:
            differing[one["name"]][one["candidate"]] = f"{one['cpu_microseconds']:,.0f}"
    candidates = list(dict.fromkeys(name for measured in differing.values() for name in measured))
    rows = [
        (what, *(measured.get(name, "not measured") for name in candidates)) for what, measured in differing.items()
    ]
    return _table(("Server CPU, µs", *map(_ours, candidates)), rows)


def entities() -> str:
    """What an entity's hit costs, and how often 1,000 simultaneous readers of a missing one have it loaded."""
    rows = [
        (
            _ours(name),
            f"{one['cpu_microseconds']:,.0f}",
            f"{one['loads']:,}",
            f"{one['last_answer_seconds']:.2f}",
        )
        for name, one in _kept("compare-cache")["results"].items()
    ]
    headings = ("A value of 1 KB in Redis", "CPU of a hit, µs", "loads for 1,000 readers", "last answer, s")
    return _table(headings, rows)


def _kept(name: str) -> dict[str, Any]:
    path = KEPT / f"{name}.json"
    if not path.exists():
        raise NotMeasuredError(f"{path.relative_to(ROOT)} is missing: `make measured` measures and keeps it")
    return json.loads(path.read_text())


def _ours(candidate: str) -> str:
    return f"**{candidate}**" if candidate.startswith("ours") else candidate


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    marks = ["---", *["--:" if cell[0].isdigit() else "---" for cell in rows[0][1:]]]
    lines = (headings, marks, *rows)
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"
