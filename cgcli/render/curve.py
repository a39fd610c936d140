"""The learning curve, by matplotlib, which is installed with `cgcli[plot]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import plots

WIDE = 100.0  # times as high as low: from here on the scale is logarithmic


def curve(kind: str, name: str, history: Sequence[Mapping[str, Any]], steps: Sequence[tuple[int, float]]) -> bytes:
    """The picture (`svg`, `png` or `pdf`) of a loss over the steps of a training.

    history: a record an epoch, with `step`, `loss` and perhaps `validation`. steps: losses of single batches.
    Raises CgError when matplotlib is not there.
    """
    with plots.style() as colours:
        figure = plots.new_figure(7, 4)
        axes = plots.panel(figure.add_subplot(), x="step", y=name)
        at = [record["step"] for record in history]
        losses = [record["loss"] for record in history]
        validation = [(r["step"], next(iter(r["validation"].values()))) for r in history if r.get("validation")]
        marker = "o" if len(at) < 40 else None
        entries: list[tuple[Any, str]] = []
        if steps:
            entries += [(axes.plot(*zip(*steps, strict=True), color=colours["faint"], linewidth=0.8)[0], "of a step")]
        if at:
            line = axes.plot(at, losses, color=colours["input line"], marker=marker, markersize=3)
            entries += [(line[0], "of an epoch")]
        if validation:
            line = axes.plot(*zip(*validation, strict=True), color=colours["positive"], marker=marker, markersize=3)
            entries += [(line[0], "validation")]
        numbers = [y for _, y in steps] + losses + [y for _, y in validation]
        if numbers and min(numbers) > 0 and max(numbers) / min(numbers) > WIDE:
            plots.log_scale(axes)
        plots.legend(axes, entries)
        return plots.image(figure, kind, name)
