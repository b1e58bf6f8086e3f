"""The reports' plots as SVG texts, to stand inside a page."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from kpi.load import LAYERS, Records
from kpi.outages import Failover

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "simone"  # the same plot for the same data
_NAMES = {
    "origin": "made anew",
    "api": "the API's cache",
    "gateway": "the gateway's",
    "edge": "the edge's",
    "none": "never cached",
}
_RED, _BLUE, _GREEN, _ORANGE, _GREY = "#c44e52", "#4c72b0", "#55a868", "#dd8452", "#8c8c8c"
_COLOURS = {"origin": _RED, "api": _BLUE, "gateway": _GREEN, "edge": _ORANGE, "none": _GREY}
_SHOWN = 30
"""How many queries the database report's picture shows: those that gained most."""
_LEAST_MS = 0.01
"""The smallest gain that is drawn: zero has no place on a logarithmic axis."""


def _svg(canvas: Canvas) -> str:
    text = io.StringIO()
    canvas.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def latencies(records: Records, uncached: Records) -> str:
    """Cumulative distribution of response times, by layer, and of the same mix without caches."""
    canvas = Canvas(figsize=(7, 3.5))
    axes = canvas.subplots()
    for number, layer in enumerate(LAYERS):
        _cumulative(axes, records["seconds"][records["layer"] == number], label=_NAMES[layer], color=_COLOURS[layer])
    _cumulative(axes, uncached["seconds"], label="without caches", color="black", linestyle="--")
    axes.axvline(50, color=_RED, linewidth=0.8, linestyle=":")
    axes.set(xscale="log", xlabel="milliseconds", ylabel="share of responses", title="Response time, by layer")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    return _svg(canvas)


def _cumulative(axes: Axes, seconds: npt.NDArray[np.floating], **style: Any) -> None:
    if len(seconds):
        axes.plot(np.sort(seconds) * 1e3, np.arange(1, len(seconds) + 1) / len(seconds), **style)


def failover_timeline(failover: Failover) -> str:
    """Each request around the loss of a master: when it was sent, how long it took, whether it was answered."""
    canvas = Canvas(figsize=(7, 3.5))
    axes = canvas.subplots()
    records = failover.records
    failed = (records["status"] == 0) | (records["status"] >= 500)
    axes.plot(
        records["at"][~failed], records["seconds"][~failed] * 1e3, ".", color=_BLUE, markersize=3, label="answered"
    )
    if failed.any():
        axes.plot(records["at"][failed], records["seconds"][failed] * 1e3, "x", color=_RED, label="no response or 5xx")
    axes.axvline(0, color=_RED, linewidth=1, label=f"{failover.lost} lost")
    if failover.promoted is not None:
        label = f"other node promoted ({failover.promoted:.1f} s)"
        axes.axvline(failover.promoted, color=_GREEN, linewidth=1, label=label)
    axes.set(yscale="log", xlabel="seconds since the loss", ylabel="milliseconds", title="A Redis master is lost")
    axes.legend(fontsize="small")
    return _svg(canvas)


def hits_over_time(records: Records) -> str:
    """The share of each layer's responses, by second."""
    canvas = Canvas(figsize=(7, 3.5))
    axes = canvas.subplots()
    if len(records):
        seconds = records["at"].astype(int)
        counts = np.array(
            [np.bincount(seconds[records["layer"] == n], minlength=seconds.max() + 1) for n in range(len(LAYERS))]
        )
        shares = counts / np.maximum(1, counts.sum(axis=0))
        axes.stackplot(
            range(shares.shape[1]),
            *shares,
            colors=[_COLOURS[name] for name in LAYERS],
            labels=[_NAMES[name] for name in LAYERS],
        )
    axes.set(xlabel="second of the load", ylabel="share", ylim=(0, 1), title="Layers that answered, over time")
    axes.legend(loc="lower right", fontsize="small")
    return _svg(canvas)


def bars(values: Sequence[tuple[str, float]], title: str, label: str) -> str:
    """Names and values from top to bottom; "ours…" and "with…" stand out."""
    canvas = Canvas(figsize=(8, 0.4 * len(values) + 1))
    axes = canvas.subplots()
    colours = [_GREEN if name.startswith(("ours", "with ")) else _GREY for name, _ in values]
    drawn = axes.barh([name for name, _ in values], [value for _, value in values], color=colours)
    axes.bar_label(drawn, fmt="%.0f", padding=3)
    axes.invert_yaxis()
    axes.set(xlabel=label, title=title)
    return _svg(canvas)


def before_and_after(
    times: Mapping[str, tuple[float, float]], indexes: Mapping[str, tuple[int, float]], *, target_ms: float
) -> str:
    """Milliseconds without and with indexes by query, and bytes against milliseconds gained by index."""
    canvas = Canvas(figsize=(17, 10), layout="constrained")
    queries, gains = canvas.subplots(1, 2)
    names = sorted(times, key=lambda name: times[name][0] - times[name][1])[-_SHOWN:]
    without, whole = ([times[name][number] for name in names] for number in (0, 1))
    _pairs(queries, names, ("without the indexes", _RED, without), ("with them", _GREEN, whole))
    queries.axvline(target_ms, color=_GREY, linestyle="--", linewidth=1, label=f"asked for: {target_ms:g} ms")
    queries.set(xlabel="milliseconds (log)", title=f"Time of a query: the {len(names)} that gained most")
    names = sorted(indexes, key=lambda name: indexes[name][1])
    gained = [max(indexes[name][1], _LEAST_MS) for name in names]
    sizes = [indexes[name][0] / 2**20 for name in names]
    _pairs(
        gains,
        [name.removeprefix("idx_") for name in names],
        ("gain, ms over one call of each query that uses it", _GREEN, gained),
        ("size, MB", _GREY, sizes),
    )
    gains.set(xlabel="milliseconds and megabytes (log)", title="What an index gives and what it takes")
    for axes in (queries, gains):
        axes.set_xscale("log")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=3)
        axes.margins(y=0.01)
    return _svg(canvas)


def _pairs(axes: Axes, names: Sequence[str], *bars: tuple[str, str, Sequence[float]]) -> None:
    """Two bars for each name, the first one on top."""
    places = range(len(names))
    for offset, (label, color, values) in zip((0.2, -0.2), bars, strict=True):
        axes.barh([place + offset for place in places], values, 0.4, color=color, label=label)
    axes.set_yticks(list(places), names)
