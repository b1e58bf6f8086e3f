"""The report's picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt

BEFORE, AFTER = "#c2410c", "#0f766e"
SHOWN = 30
"""Queries in the picture: those that gained most."""


def draw(
    path: Path,
    times: Mapping[str, tuple[float, float]],
    indexes: Mapping[str, tuple[int, float]],
    *,
    target_ms: float,
) -> None:
    """Milliseconds before and after by query, and bytes against milliseconds gained by index."""
    figure: Any
    bars: Any
    points: Any
    figure, (bars, points) = plt.subplots(1, 2, figsize=(16, 10), width_ratios=(3, 2), layout="constrained")
    names = sorted(times, key=lambda name: times[name][0] - times[name][1])[-SHOWN:]
    places = range(len(names))
    bars.barh([place + 0.2 for place in places], [times[name][0] for name in names], 0.4, color=BEFORE, label="before")
    bars.barh([place - 0.2 for place in places], [times[name][1] for name in names], 0.4, color=AFTER, label="after")
    bars.axvline(target_ms, color="#57606a", linestyle="--", linewidth=1, label=f"asked for: {target_ms:g} ms")
    bars.set_yticks(list(places), names)
    bars.set_xscale("log")
    bars.set_xlabel("milliseconds (log)")
    bars.set_title("Time of a query, without and with the indexes")
    bars.legend()
    for name, (size, gain) in indexes.items():
        points.scatter(size / 2**20, max(gain, 0.01), color=AFTER)
        points.annotate(
            name.removeprefix("idx_"),
            (size / 2**20, max(gain, 0.01)),
            fontsize=7,
            xytext=(4, 2),
            textcoords="offset points",
        )
    points.set_xscale("log")
    points.set_yscale("log")
    points.set_xlabel("size, MB (log)")
    points.set_ylabel("gain, ms over all queries that use it (log)")
    points.set_title("What an index takes and what it gives")
    figure.savefig(path)
    plt.close(figure)
