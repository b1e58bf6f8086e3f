"""The report's plots as SVG texts, to stand inside the page."""

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas

from kpi.load import LAYERS, Records

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "simone"  # the same plot for the same data
_COLOURS = {"origin": "#c44e52", "api": "#4c72b0", "gateway": "#55a868", "none": "#8c8c8c"}


def _svg(canvas: Canvas) -> str:
    text = io.StringIO()
    canvas.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def latencies(records: Records, uncached: Sequence[float]) -> str:
    """Cumulative distribution of answers' times, by who answered."""
    canvas = Canvas(figsize=(7, 3.5))
    axes = canvas.subplots()
    for number, layer in enumerate(LAYERS):
        seconds = np.sort(records["seconds"][records["layer"] == number])
        if len(seconds):
            axes.plot(seconds * 1e3, np.arange(1, len(seconds) + 1) / len(seconds), _COLOURS[layer], label=layer)
    if uncached:
        axes.plot(
            np.sort(uncached) * 1e3, np.arange(1, len(uncached) + 1) / len(uncached), "k--", label="miss, one at a time"
        )
    axes.axvline(50, color="#c44e52", linewidth=0.8, linestyle=":")
    axes.set(xscale="log", xlabel="milliseconds", ylabel="share of answers", title="Time to answer, by layer")
    axes.legend()
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
        axes.stackplot(range(shares.shape[1]), *shares, labels=LAYERS, colors=[_COLOURS[name] for name in LAYERS])
    axes.set(xlabel="second of the load", ylabel="share", ylim=(0, 1), title="Who answered, over time")
    axes.legend(loc="lower right")
    return _svg(canvas)


def queries_saved(without: float, made: float) -> str:
    """Statements that the load would have cost, and cost."""
    canvas = Canvas(figsize=(7, 2))
    axes = canvas.subplots()
    axes.barh(["without caches", "with caches"], [without, made], color=["#c44e52", "#55a868"])
    axes.set(xlabel="statements", title="Database statements of the load")
    return _svg(canvas)
