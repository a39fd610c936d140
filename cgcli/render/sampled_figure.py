"""Curves and contours as pictures, by matplotlib, which is installed with `cgcli[plot]`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.escape import show

from . import plots
from .numbers import concise
from .picture.themes import ThemeName
from .sampled import Axis, Curve, Line, Sampled, levels, limits, tangent, within_floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIGITS = 4  # of the numbers in a plot
DASHES = "-", "--", ":", "-."  # of derivatives, which have one colour; of more of them each has its own
ARROWS = 12  # along each axis
LEVELS = 7  # contours
SIDE, HIGHEST = 6.0, 7.5  # inches of a panel with two inputs: its width, and its height at most
LONGEST = 100  # characters of a line below the title
FEW = 60  # points that are marked by dots of their own, or by larger ones
SQUARE = 2.5  # times as long as the other may an axis be, for the same unit along both


def figure(sampled: Sampled, kind: str, theme: ThemeName = "light") -> bytes:
    """The picture (`svg`, `png` or `pdf`). Raises CgError when matplotlib is not there."""
    with plots.style(theme) as colours:
        if len(sampled.over) == 2:
            drawn = _contours(sampled, colours)
        else:
            drawn = _curves(sampled, colours)
        data = plots.image(drawn, kind, sampled.heading)
    return _rounded(data) if kind == "svg" else data


def _title(sampled: Sampled, axes: Axes, colours: Mapping[str, str]) -> None:
    """What is shown, and below it the inputs that are the same everywhere."""
    caption = plots.shortened(show(sampled.caption), LONGEST).replace("-", "−")
    axes.set_title(show(sampled.heading), fontweight="bold", pad=20 if caption else 8)
    place: dict[str, Any] = {"xycoords": "axes fraction", "xytext": (0, 6), "textcoords": "offset points"}
    axes.annotate(caption, (0, 1), **place, color=colours["quiet"], fontsize=8.5)


def _number(x: float) -> str:
    return concise(x, DIGITS).replace("-", "−")


# ---- one input


def _curves(sampled: Sampled, colours: Mapping[str, str]) -> Figure:
    """The values with their tangents, below them the derivatives."""
    axis, slopes = sampled.over[0], sampled.drawn_slopes
    drawn = plots.new_figure(7, 5.6 if slopes else 3.8)
    upper, *lower = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 2]) if slopes else [drawn.subplots()]
    looks = [{"color": colours[hue], "linestyle": dash} for hue, dash in plots.SERIES]
    _lines(upper, axis, [(c.value, c.value) for c in sampled.curves], looks, _tangents(sampled, upper, colours))
    _title(sampled, upper, colours)
    if slopes:
        if len(slopes) <= len(DASHES):
            looks = [{"color": colours["accent"], "linestyle": dash} for dash in DASHES]
        _lines(lower[0], axis, [(line, curve.value) for curve, line in slopes], looks, [])
    last = [upper, *lower][-1]
    last.set_xlabel(show(axis.name))
    if axis.whole:
        from matplotlib.ticker import MaxNLocator

        last.xaxis.set_major_locator(MaxNLocator(integer=True))
    room = 0.02 * (axis.high - axis.low) if axis.whole else 0
    last.set_xlim(axis.low - room, axis.high + room)
    return drawn


def _lines(
    axes: Axes,
    axis: Axis,
    lines: Sequence[tuple[Line, Line]],
    looks: Sequence[Mapping[str, Any]],
    entries: Sequence[tuple[Any, str]],
) -> None:
    """Lines, each drawn where the other one of its pair is finite too. entries: of the legend, behind
    those of these."""
    names: list[tuple[Any, str]] = []
    for k, (line, valid) in enumerate(lines):
        look = looks[k % len(looks)]
        names.append((_line(axes, axis, line, valid, **look), line.name))
        if axis.at is not None:
            axes.plot([axis.at], [within_floats(line.at)], marker="o", markersize=5, color=look["color"], zorder=3)
    low, high = limits([line.where(valid.numbers) for line, valid in lines], [line.at for line, _ in lines])
    axes.set_ylim(low, high)
    if low < 0 < high:
        axes.axhline(0, color=axes.spines["bottom"].get_edgecolor(), linewidth=0.8, zorder=1)
    if len(names) == 1:
        axes.set_ylabel(show(names[0][1]))
    if len(names) + len(entries) > 1:
        plots.legend(axes, [*names, *entries])


def _line(axes: Axes, axis: Axis, line: Line, valid: Line, **look: Any) -> Any:
    """A line in pieces, as one artist; of an int dots."""
    if axis.whole:
        size = 4 if len(axis.points) <= FEW else 2
        return axes.plot(axis.points, line.numbers, marker="o", markersize=size, **{**look, "linestyle": ""})[0]
    x: list[float] = []
    y: list[float] = []
    pieces = line.pieces(valid.numbers)
    for piece in pieces:
        x += [*(axis.points[k] for k in piece), math.nan]
        y += [*(within_floats(line.numbers[k]) for k in piece), math.nan]
    lonely = [piece[0] for piece in pieces if len(piece) == 1]
    numbers = [line.numbers[k] for k in lonely]
    axes.plot([axis.points[k] for k in lonely], numbers, marker=".", markersize=3, color=look["color"], linestyle="")
    return axes.plot(x, y, **look)[0]


def _tangents(sampled: Sampled, axes: Axes, colours: Mapping[str, str]) -> list[tuple[Any, str]]:
    """The tangents at the given point, and what the legend says of them."""
    axis = sampled.over[0]
    entries = []
    for curve in sampled.curves:
        both = tangent(axis, curve)
        if both is None or axis.at is None:
            continue
        y, slope = both
        ends = [within_floats(y + slope * (x - axis.at)) for x in (axis.low, axis.high)]
        line = axes.plot([axis.low, axis.high], ends, color=colours["accent"], linewidth=1, linestyle=(0, (4, 2)))[0]
        at = f"at {axis.name} = {_number(axis.at)}"
        several = len(sampled.curves) > 1  # then the panel below has their slopes, and a legend of all hides the curves
        entries.append((line, f"tangents {at}" if several else f"tangent {at}: slope {_number(slope)}"))
    return entries[:1]


# ---- two inputs


def _contours(sampled: Sampled, colours: Mapping[str, str]) -> Figure:
    """Lines of equal value with their numbers, arrows along the gradient, the path of a training."""
    across, down = sampled.over
    (curve,) = sampled.curves
    ratio = (down.high - down.low) / (across.high - across.low)
    equal = 1 / SQUARE <= ratio <= SQUARE
    width, height = (min(SIDE, HIGHEST / ratio), min(SIDE * ratio, HIGHEST)) if equal else (SIDE, 0.75 * SIDE)
    drawn = plots.new_figure(width + 0.8, height + 1.4)
    axes = plots.panel(drawn.subplots(), x=across.name, y=down.name)
    axes.grid(visible=False)
    _title(sampled, axes, colours)
    if equal:
        axes.set_aspect("equal")
    _bands(axes, sampled, curve, colours)
    _arrows(axes, sampled, curve, (width, height), colours)
    entries = []
    if sampled.path:
        xs, ys = zip(*sampled.path, strict=True)
        marker = "." if len(xs) <= FEW else None
        line = axes.plot(xs, ys, color=colours["param line"], marker=marker, markersize=3, linewidth=1.2)[0]
        entries.append((line, f"training, {len(xs)} points"))
        axes.plot(xs[-1:], ys[-1:], color=colours["param line"], marker="D", markersize=5)
    if across.at is not None and down.at is not None:
        where = f"{across.name} = {_number(across.at)}, {down.name} = {_number(down.at)}"
        point = axes.plot([across.at], [down.at], color=colours["ink"], marker="o", markersize=6, linestyle="")[0]
        entries.append((point, f"{where}: {curve.value.name} = {_number(curve.value.at)}"))
    axes.set_xlim(across.low, across.high)
    axes.set_ylim(down.low, down.high)
    plots.legend(drawn, entries, loc="outside lower left", ncols=2)
    return drawn


def _bands(axes: Axes, sampled: Sampled, curve: Curve, colours: Mapping[str, str]) -> None:
    """The contours, and between them shades, the darker, the larger the value."""
    from matplotlib.colors import LinearSegmentedColormap

    across, down = (axis.points for axis in sampled.over)
    numbers = [within_floats(x) if math.isfinite(x) else math.nan for x in curve.value.numbers]
    marks = levels(numbers, LEVELS)
    if not marks:
        return
    rows = [numbers[j :: len(down)] for j in range(len(down))]
    low, high = min(x for x in numbers if x == x), max(x for x in numbers if x == x)
    bands = [low, *(x for x in marks if low < x < high), high]
    hues = LinearSegmentedColormap.from_list("heat", [colours["paper"], colours["cold"], colours["hot"]])
    shades = [hues(0.05 + 0.5 * k / len(bands)) for k in range(len(bands) - 1)]
    axes.contourf(across, down, rows, levels=bands, colors=shades)
    lines = axes.contour(across, down, rows, levels=marks, colors=colours["line"], linewidths=0.7)
    for text in axes.clabel(lines, fontsize=8, fmt=lambda x: _number(float(x)), colors=colours["ink"]):
        text.set_parse_math(False)


def _arrows(axes: Axes, sampled: Sampled, curve: Curve, size: tuple[float, float], colours: Mapping[str, str]) -> None:
    """Arrows to where the value grows fastest in the picture: the longer, the steeper, by the logarithm.

    size: of the panel, in inches.
    """
    across, down = sampled.over
    if not {across.name, down.name} <= set(curve.slopes):
        return
    # inches that are one unit of the input
    scales = [length / (axis.high - axis.low) for axis, length in zip(sampled.over, size, strict=True)]
    by_x, by_y = (curve.slopes[axis.name].numbers for axis in sampled.over)
    places = []
    for i in _spread(len(across.points)):
        for j in _spread(len(down.points)):
            k = i * len(down.points) + j
            u, v = by_x[k] / scales[0], by_y[k] / scales[1]
            steepness = math.hypot(u, v)
            if steepness and math.isfinite(steepness):
                places.append((across.points[i], down.points[j], u / steepness, v / steepness, math.log(steepness)))
    if not places:
        return
    x, y, *directions, steep = zip(*places, strict=True)
    ordered = sorted(steep)
    low, high = ordered[len(steep) // 20], ordered[-1 - len(steep) // 20]
    unit = min(size) / ARROWS
    lengths = [unit * (0.35 + 0.5 * min(max((s - low) / (high - low or 1.0), 0.0), 1.0)) for s in steep]
    parts = [[a * length for a, length in zip(part, lengths, strict=True)] for part in directions]
    settings: dict[str, Any] = {
        "units": "inches",
        "scale_units": "inches",
        "scale": 1,
        "width": 0.015,
        "headwidth": 4.5,
        "pivot": "mid",
    }
    axes.quiver(x, y, *parts, color=colours["accent"], **settings)


def _spread(count: int) -> list[int]:
    """Some of so many points, evenly apart and away from the ends."""
    few = min(ARROWS, count)
    return sorted({round((k + 0.5) * (count - 1) / few) for k in range(few)})


def _rounded(svg: bytes) -> bytes:
    """The picture with the numbers in its outlines to a hundredth of a point: two thirds of the file."""
    return re.sub(rb' d="[^"]*"', lambda d: re.sub(rb"(\.\d\d)\d+", rb"\1", d[0]), svg)
