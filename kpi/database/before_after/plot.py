"""The report's picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt

BEFORE, AFTER, SIZE = "#c2410c", "#0f766e", "#57606a"
SHOWN = 30
"""Queries in the picture: those that gained most."""
LEAST_MS = 0.01
"""A gain below this is drawn as this: zero has no place on a logarithmic axis."""


def draw(
    path: Path,
    times: Mapping[str, tuple[float, float]],
    indexes: Mapping[str, tuple[int, float]],
    *,
    target_ms: float,
) -> None:
    """Milliseconds before and after by query, and bytes against milliseconds gained by index."""
    figure: Any
    queries: Any
    gains: Any
    figure, (queries, gains) = plt.subplots(1, 2, figsize=(17, 10), layout="constrained")
    names = sorted(times, key=lambda name: times[name][0] - times[name][1])[-SHOWN:]
    _pairs(
        queries,
        names,
        ("without the indexes", BEFORE, [times[name][0] for name in names]),
        ("with them", AFTER, [times[name][1] for name in names]),
    )
    queries.axvline(target_ms, color=SIZE, linestyle="--", linewidth=1, label=f"asked for: {target_ms:g} ms")
    queries.set_xlabel("milliseconds (log)")
    queries.set_title(f"Time of a query: the {len(names)} that gained most")
    names = sorted(indexes, key=lambda name: indexes[name][1])
    _pairs(
        gains,
        [name.removeprefix("idx_") for name in names],
        (
            "gain, ms over one call of each query that uses it",
            AFTER,
            [max(indexes[name][1], LEAST_MS) for name in names],
        ),
        ("size, MB", SIZE, [indexes[name][0] / 2**20 for name in names]),
    )
    gains.set_xlabel("milliseconds and megabytes (log)")
    gains.set_title("What an index gives and what it takes")
    for axes in (queries, gains):
        axes.set_xscale("log")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=3)
        axes.margins(y=0.01)
    figure.savefig(path)
    plt.close(figure)


def _pairs(axes: Any, names: Sequence[str], *bars: tuple[str, str, Sequence[float]]) -> None:
    """Two bars for each name, the first one on top."""
    places = range(len(names))
    for offset, (label, color, values) in zip((0.2, -0.2), bars, strict=True):
        axes.barh([place + offset for place in places], values, 0.4, color=color, label=label)
    axes.set_yticks(list(places), names)
