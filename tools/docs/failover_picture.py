"""docs/pictures/failover.svg: the timeline of one recorded failover (`python -m kpi.failover`)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from stack.environments import ROOT
from tools.docs.drawing import HEADER, MARGIN, Accent, Drawing

KEPT: Final = ROOT / "docs" / "measured" / "failover.json"
_TOLD: Final[Mapping[str, tuple[str, Accent]]] = {
    "+sdown": ("a Sentinel misses it (+sdown)", "store"),
    "+odown": ("two of three miss it (+odown)", "store"),
    "+elected-leader": ("one Sentinel is elected (+elected-leader)", "service"),
    "+promoted-slave": ("the replica is promoted (+promoted-slave)", "service"),
    "+switch-master": ("clients are told (+switch-master)", "service"),
    "last write": ("last write accepted by the old master", "fault"),
    "first write": ("first write accepted by the new master", "outside"),
    "started": ("the lost node is started again", "job"),
    "follows": ("it follows the new one, with its data", "job"),
}
"""What is drawn, at its first time."""


class _Row(NamedTuple):
    at: float
    what: str
    accent: Accent


def picture() -> str:
    """The events in a column, each at its time on a scale."""
    record = json.loads(KEPT.read_text())
    rows = sorted(_first(record["events"]))
    scale, left, row, top = 640, MARGIN + 330, 34, HEADER + 20
    start, end, bottom = rows[0].at, rows[-1].at, top + len(rows) * row
    machine = f"{record['cores']} cores at load {record['load']:g}"
    title = f"{record['lost']}, a Redis master, is lost: one recorded failover, {machine}"
    drawing = Drawing(
        title,
        left + scale + 110,
        bottom + 48,
        about="; ".join(f"{at:+.2f} s: {what}" for at, what, _ in rows),
    )

    def place(at: float) -> float:
        return left + (at - start) / (end - start) * scale

    last, first = (next(at for at, what, _ in rows if what.startswith(word)) for word in ("last", "first"))
    drawing.bar(place(last), top - 12, place(first) - place(last), bottom - top + 8, "fault")
    drawing.text((place(last) + place(first)) / 2, bottom + 14, f"no write for {first - last:.1f} s", "muted", "middle")
    for number, (at, what, accent) in enumerate(rows):
        y = top + number * row + 8
        drawing.text(MARGIN, y + 4, what)
        drawing.line(left - 14, y, place(at), y, dashed=True)
        drawing.dot(place(at), y, accent)
        drawing.text(place(at) + 10, y + 4, f"{at:.2f} s", "muted")
    return drawing.svg()


def _first(events: Sequence[Mapping[str, Any]]) -> list[_Row]:
    found: dict[str, float] = {}
    for event in events:
        found.setdefault(event["what"], event["at"])
    return [_Row(at, *_TOLD[what]) for what, at in found.items() if what in _TOLD]
