"""The learning curve, by matplotlib, which is installed with `cgcli[plot]`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show

WIDE = 100.0  # times as high as low: from here on the scale is logarithmic


def require() -> None:
    """Raises CgError when matplotlib is not there."""
    if find_spec("matplotlib") is None:
        raise error("no-matplotlib")


def curve(kind: str, name: str, history: Sequence[Mapping[str, Any]], steps: Sequence[tuple[int, float]]) -> bytes:
    """The picture (`svg`, `png` or `pdf`) of a loss over the steps of a training.

    history: a record an epoch, with `step`, `loss` and perhaps `validation`. steps: losses of single batches.
    Raises CgError when matplotlib is not there.
    """
    require()
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if steps:
        axes.plot(*zip(*steps, strict=True), color="#b7c3d0", linewidth=0.8, label="of a step")
    at = [record["step"] for record in history]
    losses = [record["loss"] for record in history]
    validation = [(r["step"], next(iter(r["validation"].values()))) for r in history if r.get("validation")]
    marker = "o" if len(at) < 40 else None
    if at:
        axes.plot(at, losses, color="#2b6cb0", marker=marker, markersize=3, label="of an epoch")
    if validation:
        axes.plot(*zip(*validation, strict=True), color="#c05621", marker=marker, markersize=3, label="validation")
    numbers = [y for _, y in steps] + losses + [y for _, y in validation]
    if numbers and min(numbers) > 0 and max(numbers) / min(numbers) > WIDE:
        axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel(show(name), parse_math=False)
    axes.grid(color="#e5e9ee", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if numbers:
        axes.legend(frameon=False)
    out = io.BytesIO()
    # no time of day: the same training gives the same file
    about = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    with rc_context({"svg.hashsalt": "cg"}):
        figure.savefig(out, format=kind, dpi=150, metadata=about)
    return out.getvalue()
