"""docs/pictures/offline-queue.svg: what becomes of a write that a browser has queued, from the sync engine's source."""

import re
from typing import Final

from stack.environments import ROOT
from tools.docs.drawing import HEADER, MARGIN, Drawing

_OFFLINE: Final = ROOT / "app" / "storefront" / "src" / "offline"
_DRAWN: Final = {"pending", "failed", "conflict"}


class UnknownQueueError(Exception):
    """The sync engine's source isn't what the picture shows; the message says what to change."""


def picture() -> str:
    """The queue's states, and which response leads from one to the next."""
    engine, database = ((_OFFLINE / name).read_text() for name in ("queue.ts", "database.ts"))
    states = set(re.findall(r'"(\w+)"', _found(r"type ChangeStatus = ([^;]+);", database)))
    if states != _DRAWN:
        raise UnknownQueueError(
            f"a change's states are {', '.join(sorted(states))}: draw them in tools/docs/queue_picture.py"
        )
    retried = _found(r"RETRIED = new Set\(\[([^]]+)\]\)", engine)
    first, longest = (int(_found(rf"{name} = ([\d_]+);", engine)) for name in ("FIRST_WAIT_MS", "LONGEST_WAIT_MS"))
    changed, conflict = (_found(rf"const {name} = (\d+);", engine) for name in ("CHANGED_MEANWHILE", "CONFLICT"))
    wait = f"{first / 1000:g} s to {longest / 1000:g} s"

    drawing = Drawing(
        "A queued write, from the customer's change to the shop's confirmation",
        1000,
        HEADER + 326,
        about=f"A change is written with its row, pending. 2xx deletes the row. No response, {retried} or 5xx: the "
        f"same row again after {wait}. {changed} that isn't merged, or {conflict} to a PUT: conflict. Any other "
        "response: failed. From conflict and failed the customer sends it again under a new key, or discards it.",
    )
    width, height = 190, 74
    left, middle, right = MARGIN, 390, 1000 - MARGIN - width
    upper, lower = HEADER + 40, HEADER + 212
    conflict_at, failed_at, back = 300, 540, 256
    theirs = ("the customer chooses:", "theirs or the shop's")
    drawing.box(left, upper, width, height, "a change", "cart and row,", "one transaction", accent="outside")
    drawing.box(middle, upper, width, height, "pending", "sent in order,", "one at a time")
    drawing.box(right, upper, width, height, "confirmed", "the row is deleted", accent="outside")
    drawing.box(conflict_at, lower, width, height, "conflict", *theirs, accent="store")
    drawing.box(failed_at, lower, width, height, "failed", "kept, with the", "shop's reason", accent="fault")

    drawing.arrow(left + width, upper + 37, middle, upper + 37, "Idempotency-Key")
    drawing.arrow(middle + width, upper + 37, right, upper + 37, "2xx")
    loop = upper - 22
    drawing.way((middle + 130, upper), (middle + 130, loop), (middle + 60, loop), (middle + 60, upper))
    drawing.text(middle + 144, loop + 4, f"no response, {retried}, 5xx: again after {wait}", "muted")
    drawing.arrow(middle + 50, upper + height, conflict_at + 95, lower)
    drawing.text(middle + 12, upper + height + 32, f"{changed}, unless merged;", "muted", "end")
    drawing.text(middle + 4, upper + height + 49, f"{conflict} to a PUT", "muted", "end")
    drawing.arrow(middle + 140, upper + height, failed_at + 95, lower)
    drawing.text(middle + 210, upper + height + 40, "any other", "muted")
    drawing.way((conflict_at, lower + 37), (back, lower + 37), (back, upper + 56), (middle, upper + 56))
    drawing.text(back - 8, lower + 34, "again: new key,", "muted", "end")
    drawing.text(back - 8, lower + 51, "over what the shop holds", "muted", "end")
    drawing.way((failed_at + width, lower + 37), (right + 95, lower + 37), (right + 95, upper + height))
    drawing.text(right + 95, lower + 58, "discarded; or sent again,", "muted", "middle")
    drawing.text(right + 95, lower + 75, "new key: pending", "muted", "middle")
    return drawing.svg()


def _found(pattern: str, source: str) -> str:
    match = re.search(pattern, source)
    if match is None:
        raise UnknownQueueError(f"{pattern} isn't in app/storefront/src/offline: draw what is, in {__name__}")
    return match[1].replace("_", "")
