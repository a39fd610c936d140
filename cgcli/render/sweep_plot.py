"""The picture of a sweep: a curve over one swept value, a heat map over two, parallel coordinates over more."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cgcli.diagnostics.escape import show

from . import plots
from .numbers import shortest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 100.0  # times as large as the smallest: from here on the scale is logarithmic
CURVES = 8  # values at most that are drawn over one axis
FEW = 40  # points that are marked, and ticks of words
MOST_LINES = 2000  # of parallel coordinates: more would be one surface
DIGITS = 4
LONGEST = 24  # characters of a word at an axis


def sweep_plot(kind: str, columns: Mapping[str, Any], swept: Sequence[str], value: str) -> bytes:
    """The picture (`svg`, `png` or `pdf`) of a table with a row a point.

    columns: the table; swept: which of them say where a point is, words among them; value: the number that is drawn.
    Raises CgError when matplotlib is not there.
    """
    axes = [_Axis(name, _cells(columns[name])) for name in swept]
    numbers = list(map(float, _cells(columns[value])))
    with plots.style() as colours:
        if len(axes) == 1:
            figure = _curves(axes[0], columns, swept, colours)
        elif len(axes) == 2:
            figure = _heat_map(axes, numbers, value, colours)
        else:
            figure = _parallel(axes, numbers, value, colours)
        return plots.image(figure, kind, f"{value} by {', '.join(swept)}")


class _Axis:
    """The places of the points along one axis: numbers are their own; words, and tensors, stand side by side."""

    def __init__(self, name: str, cells: Sequence[Any]) -> None:
        self.name = name
        self.words: list[str] | None = None
        if all(isinstance(x, int | float) and not isinstance(x, bool) for x in cells):
            self.at = [float(x) for x in cells]
            return
        texts = [shortest(x) if isinstance(x, bool) else str(x) for x in cells]
        self.words = list(dict.fromkeys(texts))
        place = {word: float(k) for k, word in enumerate(self.words)}
        self.at = [place[text] for text in texts]

    @property
    def is_wide(self) -> bool:
        """Whether a logarithmic scale suits the values."""
        finite = [x for x in self.at if math.isfinite(x)]
        return self.words is None and bool(finite) and min(finite) > 0 and max(finite) / min(finite) >= WIDE

    def label(self, axes: Axes, axis: str) -> None:
        """The scale of the axis `x` or `y`: words as they are, wide ranges by their logarithm."""
        if self.words is not None and len(self.words) <= FEW:
            texts = [show(_short(word)) for word in self.words]
            axes.set(**{f"{axis}ticks": range(len(self.words)), f"{axis}ticklabels": texts})
        elif self.is_wide:
            plots.log_scale(axes, axis)


def _curves(axis: _Axis, columns: Mapping[str, Any], swept: Sequence[str], colours: Mapping[str, str]) -> Any:
    """Each number of the table over the swept value."""
    names = [n for n, x in columns.items() if n not in swept and hasattr(x, "dtype") and x.ndim == 1]
    names = [n for n in names if columns[n].dtype.kind in "fiu"][:CURVES]
    figure = plots.new_figure(7, 4.2)
    axes = plots.panel(figure.add_subplot(), x=axis.name, y=names[0] if len(names) == 1 else "")
    order = sorted(range(len(axis.at)), key=lambda k: axis.at[k])
    marker = "o" if len(order) <= FEW or axis.words is not None else ""
    entries = []
    for k, name in enumerate(names):
        hue, dash = plots.SERIES[k % len(plots.SERIES)]
        y = [float(columns[name][i]) for i in order]
        line = "" if axis.words is not None else dash  # words have nothing between them
        x = [axis.at[i] for i in order]
        entries.append((axes.plot(x, y, color=colours[hue], linestyle=line, marker=marker, markersize=3.5)[0], name))
    axis.label(axes, "x")
    if len(entries) > 1:
        plots.legend(axes, entries)
    return figure


def _heat_map(axes: Sequence[_Axis], numbers: Sequence[float], value: str, colours: Mapping[str, str]) -> Any:
    """The number by colour, over a grid of both swept values; of points that make no grid a dot each."""
    first, second = axes
    across, down = sorted(set(first.at)), sorted(set(second.at))
    figure = plots.new_figure(6.6, 5)
    panel = plots.panel(figure.add_subplot(), x=first.name, y=second.name)
    panel.grid(visible=False)
    scale = _Scale(numbers, colours)
    drawn: Any
    if len(across) * len(down) == len(numbers):
        column, row = {x: k for k, x in enumerate(across)}, {y: k for k, y in enumerate(down)}
        cells = [[math.nan] * len(across) for _ in down]
        for x, y, z in zip(first.at, second.at, numbers, strict=True):
            cells[row[y]][column[x]] = z
        panel.set_facecolor(colours["border"])
        edges = _edges(across, log=first.is_wide), _edges(down, log=second.is_wide)
        drawn = panel.pcolormesh(*edges, cells, cmap=scale.colours, norm=scale.norm, rasterized=len(numbers) > 20_000)
    else:
        drawn = panel.scatter(first.at, second.at, c=numbers, s=18, cmap=scale.colours, norm=scale.norm)
    first.label(panel, "x")
    second.label(panel, "y")
    scale.bar(figure, drawn, panel, value)
    return figure


def _edges(centres: Sequence[float], *, log: bool) -> list[float]:
    """The borders between cells around these centres, by their logarithms where the scale is one of them."""
    if log:
        return [math.exp(x) for x in _edges([math.log(x) for x in centres], log=False)]
    if len(centres) == 1:
        return [centres[0] - 0.5, centres[0] + 0.5]
    inner = [(a + b) / 2 for a, b in pairwise(centres)]
    return [centres[0] - (inner[0] - centres[0]), *inner, centres[-1] + (centres[-1] - inner[-1])]


def _parallel(axes: Sequence[_Axis], numbers: Sequence[float], value: str, colours: Mapping[str, str]) -> Any:
    """A line a point through its place on each axis, the last of which is the number; the smallest are on top."""
    from matplotlib.collections import LineCollection

    all_axes = [*axes, _Axis(value, numbers)]
    places = [_places(axis) for axis in all_axes]
    finite = [k for k, x in enumerate(numbers) if math.isfinite(x)]
    drawn = finite[:: -(-len(finite) // MOST_LINES)] if finite else []
    drawn.sort(key=lambda k: -numbers[k])
    figure = plots.new_figure(max(6.6, 1.5 * len(all_axes)), 4.6)
    panel = plots.panel(figure.add_subplot())
    panel.grid(visible=False)
    panel.spines[["left", "bottom"]].set_visible(False)
    scale = _Scale(numbers, colours, ("negative", "positive"))  # a line needs more contrast than a surface
    lines = LineCollection(
        [[(float(x), places[x][k]) for x in range(len(all_axes))] for k in drawn],
        cmap=scale.colours,
        norm=scale.norm,
        linewidths=1.0,
        alpha=0.8,
    )
    lines.set_array([numbers[k] for k in drawn])
    panel.add_collection(lines)
    ground = {"facecolor": colours["paper"], "edgecolor": "none", "alpha": 0.75, "pad": 1}  # under texts
    for x, axis in enumerate(all_axes):
        panel.axvline(x, color=colours["line"], linewidth=0.8)
        for text, y in _ticks(axis):
            panel.annotate(text, (x, y), (4, 0), textcoords="offset points", va="center", fontsize=8, bbox=ground)
    panel.set_xlim(-0.15, len(all_axes) - 0.6)
    panel.set_ylim(-0.05, 1.05)
    names = [show(_short(axis.name)) for axis in all_axes]
    panel.set(xticks=range(len(all_axes)), xticklabels=names, yticks=[])
    return figure


def _short(text: str) -> str:
    """A text that fits at an axis: what is left out is in its middle, for names often differ at the end."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[1 - LONGEST // 2 :]}"


def _cells(column: Any) -> list[Any]:
    return list(column.tolist() if hasattr(column, "tolist") else column)


def _places(axis: _Axis) -> list[float]:
    """The places of the points from 0 to 1, by the logarithm of wide ranges; 0.5 where all are the same."""
    at = [math.log(x) if axis.is_wide and math.isfinite(x) else x for x in axis.at]
    finite = [x for x in at if math.isfinite(x)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return [(x - low) / (high - low) if high > low else 0.5 for x in at]


def _ticks(axis: _Axis) -> list[tuple[str, float]]:
    """Texts and their places from 0 to 1: words, few numbers, or the ends of many."""
    places = dict(zip(axis.at, _places(axis), strict=True))
    if axis.words is not None:
        words = axis.words if len(axis.words) <= 12 else (axis.words[0], axis.words[-1])
        return [(show(_short(word)), places[float(axis.words.index(word))]) for word in words]
    finite = [x for x in places if math.isfinite(x)]
    ends = sorted({min(finite, default=0.0), max(finite, default=0.0)}) if finite else []
    distinct = sorted(finite) if len(finite) <= 6 else ends
    return [(shortest(x, DIGITS), places[x]) for x in distinct]


class _Scale:
    """The colours of a number: light to dark, of both signs two hues; by the logarithm where it spans much above 0."""

    def __init__(self, numbers: Sequence[float], colours: Mapping[str, str], hues: Sequence[str] = ()) -> None:
        from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize

        finite = [x for x in numbers if math.isfinite(x)]
        low, high = min(finite, default=0.0), max(finite, default=1.0)
        self.is_wide = low > 0 and high / low >= WIDE
        roles = hues or (("negative", "zero", "positive") if low < 0 < high else ("cold", "hot"))
        self.colours = LinearSegmentedColormap.from_list("sweep", [colours[role] for role in roles])
        most = max(-low, high)
        ends = (-most, most) if low < 0 < high and not hues else (low, high if high > low else low + 1)
        self.norm = LogNorm(*ends) if self.is_wide else Normalize(*ends)

    def bar(self, figure: Any, drawn: Any, panel: Axes, value: str) -> None:
        """Says what the colours mean."""
        bar = figure.colorbar(drawn, ax=panel)
        bar.set_label(show(_short(value)))
        bar.outline.set_visible(False)
        if self.is_wide:
            plots.log_scale(bar.ax, "y")
