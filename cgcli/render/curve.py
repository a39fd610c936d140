"""The learning curve: the loss, and what the steps did to each parameter. Drawn by `plots`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import plots
from .numbers import shortest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 100.0  # times as high as low: from here on the scale is logarithmic
PARTS = 40  # of a curve: the running mean takes so much of it on either side
MOST_POINTS = 500  # of a curve of a parameter
LONGEST_NAME = 28  # characters, in a legend
LEGEND_WIDTH = 96  # characters
RULE_OF_THUMB = 1e-3  # the update over the value of a parameter that learns well

Changes = Mapping[str, tuple[float, float, float]]
"""By parameter its gradient in a step, what was added to it and its value: of a tensor norms, of a number these."""


def curve(
    kind: str,
    title: str,
    name: str,
    history: Sequence[Mapping[str, Any]],
    steps: Sequence[tuple[int, float]],
    changes: Sequence[tuple[int, Changes]] = (),
) -> bytes:
    """The picture (`svg`, `png` or `pdf`) of a loss over the steps of a training.

    name: of the loss. history: a record an epoch, with `epoch`, `step`, `loss` and perhaps `validation`, whose first
    number is the loss. steps: losses of single batches, by step. changes: of parameters, by step; without any there are
    no panels of them. Raises CgError when matplotlib is not there.
    """
    with plots.style() as colours:
        if not changes:
            figure = plots.new_figure(7.5, 4)
            _loss(figure.add_subplot(), colours, name, history, steps)
        else:
            figure = plots.new_figure(7.5, 7)
            axes = figure.subplot_mosaic([["loss", "loss"], ["gradient", "update"]], height_ratios=[3, 2])
            _loss(axes["loss"], colours, name, history, steps)
            entries = _parameters(axes["gradient"], axes["update"], colours, changes)
            widths = [len(label) + 8 for _, label in entries]
            columns = len(entries) if sum(widths) <= LEGEND_WIDTH else LEGEND_WIDTH // max(widths)
            plots.legend(figure, entries, loc="outside lower center", ncols=columns)
            for panel in (axes["gradient"], axes["update"]):
                panel.sharex(axes["loss"])
        plots.heading(figure, title)
        return plots.image(figure, kind, title)


def _loss(
    axes: Axes,
    colours: Mapping[str, str],
    name: str,
    history: Sequence[Mapping[str, Any]],
    steps: Sequence[tuple[int, float]],
) -> None:
    """Losses of steps with their running mean, epochs from before these steps, and validation losses with the best."""
    plots.panel(axes, x=_step_label(history), y=plots.shortened(name, LONGEST_NAME))
    marker = "o" if len(history) < 40 else None
    entries: list[tuple[Any, str]] = []
    earlier = [(r["step"], r["loss"]) for r in history if not steps or r["step"] < steps[0][0]]
    with_validation = [record for record in history if record.get("validation")]
    validation = [(record["step"], _validation(record)) for record in with_validation]
    if earlier:  # of a run that was resumed: its steps before are not known
        (line,) = axes.plot(*_xy(earlier), color=colours["input line"], marker=marker, markersize=3, linestyle=":")
        entries.append((line, "mean of an epoch"))
    if steps:
        x, y = _xy(steps)
        half = len(steps) // PARTS
        colour = colours["border" if half else "input line"]
        (line,) = axes.plot(x, y, color=colour, linewidth=0.9 if half else None, marker="o" if len(x) == 1 else None)
        entries.append((line, "of a step"))
        if half:
            (line,) = axes.plot(x, smoothed(y, half), color=colours["input line"])
            entries.append((line, f"mean over {(2 * half + 1) * (x[1] - x[0])} steps"))
    if validation:
        colour = colours["positive"]
        (line,) = axes.plot(*_xy(validation), color=colour, marker=marker, markersize=3, linestyle="--")
        entries.append((line, "validation"))
        judged = [record for record, (_, loss) in zip(with_validation, validation, strict=True) if not math.isnan(loss)]
        if judged:
            entries.append(_best(axes, colours, min(judged, key=_validation)))
    numbers = [y for _, y in [*steps, *earlier, *validation] if math.isfinite(y)]
    if numbers and min(numbers) > 0 and max(numbers) / min(numbers) > WIDE:
        plots.log_scale(axes)
    axes.locator_params(axis="x", integer=True)
    plots.legend(axes, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(entries), borderaxespad=0.2)


def _best(axes: Axes, colours: Mapping[str, str], record: Mapping[str, Any]) -> tuple[Any, str]:
    """Marks the epoch with the lowest validation loss; its entry in the legend."""
    value = _validation(record)
    axes.axvline(record["step"], color=colours["quiet"], linewidth=0.9, linestyle=(0, (1, 2)))
    settings: Any = {"markerfacecolor": colours["paper"], "markeredgecolor": colours["positive"], "linestyle": "none"}
    (mark,) = axes.plot([record["step"]], [value], marker="D", markersize=7, markeredgewidth=1.6, **settings)
    return mark, f"best: epoch {record['epoch']}, {shortest(value, 4)}"


def _validation(record: Mapping[str, Any]) -> float:
    """The validation loss of an epoch."""
    return float(next(iter(record["validation"].values())))


def _step_label(history: Sequence[Mapping[str, Any]]) -> str:
    """The name of the axis of steps; where they are more than epochs, how many make one."""
    last = history[-1] if history else None
    if last is None or last["step"] == last["epoch"] or last["step"] % last["epoch"]:
        return "step"
    return f"step ({last['step'] // last['epoch']} make an epoch)"


def _parameters(
    gradients: Axes, updates: Axes, colours: Mapping[str, str], changes: Sequence[tuple[int, Changes]]
) -> list[tuple[Any, str]]:
    """The panels of gradients and of updates, a curve a parameter, and the entries of their common legend."""
    plots.panel(gradients, title="norm of the gradient", x="step")
    plots.panel(updates, title="norm of the update / of the value", x="step")
    gradients.title.set_color(colours["accent"])
    names = list(changes[0][1])
    entries: list[tuple[Any, str]] = []
    for k, name in reversed(list(enumerate(names))):  # the first ones on top
        series = [(step, change[name]) for step, change in changes if name in change]
        sizes = [(step, abs(gradient)) for step, (gradient, _, _) in series]
        shares = [(step, abs(update / value) if value else math.nan) for step, (_, update, value) in series]
        hue, dash = plots.SERIES[k] if k < len(plots.SERIES) else ("border", "-")
        for axes, points in ((gradients, sizes), (updates, shares)):
            line = _parameter(axes, points, colours[hue], dash)
        if k < len(plots.SERIES):
            entries.insert(0, (line, plots.shortened(name, LONGEST_NAME)))
        elif not entries:
            entries.append((line, f"{len(names) - len(plots.SERIES)} more"))
    rule = updates.axhline(RULE_OF_THUMB, color=colours["quiet"], linewidth=0.9, linestyle=(0, (1, 2)))
    entries.append((rule, f"{shortest(RULE_OF_THUMB)}, a rule of thumb"))
    for axes in (gradients, updates):
        plots.log_scale(axes)
        axes.locator_params(axis="x", integer=True)
    return entries


def _parameter(axes: Axes, points: Sequence[tuple[int, float]], colour: str, dash: str) -> Any:
    """The sizes of a parameter as they are, faint, and their running mean, which is returned; 0 has no place."""
    x, y = _xy([(step, size) for step, size in points if size > 0])
    stride, half = max(1, math.ceil(len(x) / MOST_POINTS)), len(x) // PARTS
    if half:
        axes.plot(x[::stride], y[::stride], color=colour, linewidth=0.6, alpha=0.3)
    marker = "o" if len(x) == 1 else None
    settings: Any = {"color": colour, "linestyle": dash, "linewidth": 1.3, "marker": marker, "markersize": 4}
    (line,) = axes.plot(x[::stride], smoothed(y, half)[::stride], **settings)
    return line


def smoothed(values: Sequence[float], half: int) -> list[float]:
    """The running mean: of each value and of up to `half` values on either side of it, of fewer near the ends. It is
    centred, so that it does not lag behind a curve that falls, as an exponential mean does.
    """
    windows = (values[max(0, k - half) : k + half + 1] for k in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def _xy(points: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
