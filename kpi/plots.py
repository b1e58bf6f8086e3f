"""The report's plots as SVG texts, to stand inside the page."""

import io
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
_NAMES = {"origin": "made anew", "api": "the API's cache", "gateway": "the gateway's", "none": "never cached"}
_COLOURS = {"origin": "#c44e52", "api": "#4c72b0", "gateway": "#55a868", "none": "#8c8c8c"}


def _svg(canvas: Canvas) -> str:
    text = io.StringIO()
    canvas.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def latencies(records: Records, uncached: Records) -> str:
    """Cumulative distribution of answers' times, by who answered, and of the same mix without caches."""
    canvas = Canvas(figsize=(7, 3.5))
    axes = canvas.subplots()
    for number, layer in enumerate(LAYERS):
        _cumulative(axes, records["seconds"][records["layer"] == number], label=_NAMES[layer], color=_COLOURS[layer])
    _cumulative(axes, uncached["seconds"], label="without caches", color="black", linestyle="--")
    axes.axvline(50, color="#c44e52", linewidth=0.8, linestyle=":")
    axes.set(xscale="log", xlabel="milliseconds", ylabel="share of answers", title="Time to answer, by who answered")
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
        records["at"][~failed], records["seconds"][~failed] * 1e3, ".", color="#4c72b0", markersize=3, label="answered"
    )
    if failed.any():
        axes.plot(
            records["at"][failed], records["seconds"][failed] * 1e3, "x", color="#c44e52", label="no answer or 5xx"
        )
    axes.axvline(0, color="#c44e52", linewidth=1, label=f"{failover.lost} lost")
    if failover.promoted is not None:
        label = f"other node promoted ({failover.promoted:.1f} s)"
        axes.axvline(failover.promoted, color="#55a868", linewidth=1, label=label)
    axes.set(yscale="log", xlabel="seconds since the loss", ylabel="milliseconds", title="A Redis master is lost")
    axes.legend(fontsize="small")
    return _svg(canvas)


def hits_over_time(records: Records) -> str:
    """Who answered, in shares of each second."""
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
    axes.set(xlabel="second of the load", ylabel="share", ylim=(0, 1), title="Who answered, over time")
    axes.legend(loc="lower right", fontsize="small")
    return _svg(canvas)


def queries_saved(without: float, made: float) -> str:
    """Statements that the load would have cost, and cost."""
    canvas = Canvas(figsize=(7, 2))
    axes = canvas.subplots()
    axes.barh(["without caches", "with caches"], [without, made], color=["#c44e52", "#55a868"])
    axes.set(xlabel="statements", title="Database statements of the load")
    return _svg(canvas)
