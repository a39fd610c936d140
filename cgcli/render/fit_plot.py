"""The picture of a least-squares fit: data, fitted curve, residuals. Drawn by `plots`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from . import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 3000  # that are drawn of a column
MOST_BARS = 150  # points that have a bar of their error
LONGEST_NAME = 32  # characters


class Curve(NamedTuple):
    """A fitted curve: y over x, and the standard error of y, None where there is none."""

    x: Any
    y: Any
    error: Any


class FitPlot(NamedTuple):
    """What is drawn of a fit: arrays with an element a row.

    residual: its name, with `residuals`. observed: the name of the input that is predicted, with its values `data`,
    the values `predicted` for it and their standard `errors`; None where no input is. x: the name of the only other
    input that the prediction depends on, with its `positions` and the fitted `curve`; None where there are several.
    """

    residual: str
    residuals: Any
    observed: str | None = None
    data: Any = None
    predicted: Any = None
    errors: Any = None
    x: str | None = None
    positions: Any = None
    curve: Curve | None = None


def fit_picture(kind: str, title: str, fit: FitPlot) -> bytes:
    """The picture (`svg`, `png` or `pdf`) of a fit. Raises CgError when matplotlib is not there."""
    with plots.style() as colours:
        if fit.curve is not None:
            figure = plots.new_figure(7.5, 5.6)
            above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.3])
            _curve(above, colours, fit)
            _residuals(below, colours, fit, fit.positions, fit.x or "")
        elif fit.observed is not None:
            figure = plots.new_figure(9, 4.6)
            left, right = figure.subplots(1, 2)
            _predicted(left, colours, fit)
            _residuals(right, colours, fit, fit.predicted, f"{fit.observed}, predicted")
        else:
            figure = plots.new_figure(7.5, 3.6)
            _residuals(figure.add_subplot(), colours, fit, range(1, len(fit.residuals) + 1), "number of the residual")
        plots.heading(figure, title)
        return plots.image(figure, kind, title)


def _curve(axes: Axes, colours: Mapping[str, str], fit: FitPlot) -> None:
    """The data and the fitted curve with the band of its standard error."""
    assert fit.curve is not None
    x, y, error = fit.curve
    entries: list[tuple[Any, str]] = [(_points(axes, colours, fit.positions, fit.data), _label("data", fit))]
    (line,) = axes.plot(x, y, color=colours["positive"])
    entries.append((line, "fit"))
    if error is not None:
        band = axes.fill_between(x, y - error, y + error, color=colours["positive"], alpha=0.25, linewidth=0)
        entries.append((band, "± standard error"))
    plots.panel(axes, y=plots.shortened(fit.observed or "", LONGEST_NAME))
    _legend(axes, entries)


def _predicted(axes: Axes, colours: Mapping[str, str], fit: FitPlot) -> None:
    """Predicted over observed values, with the line on which all would lie."""
    entries: list[tuple[Any, str]] = []
    if fit.errors is not None and len(fit.data) <= MOST_BARS:
        bars = axes.errorbar(fit.data, fit.predicted, fit.errors, fmt="none", ecolor=colours["faint"], elinewidth=0.8)
        entries.append((bars, "± standard error"))
    entries.insert(0, (_points(axes, colours, fit.data, fit.predicted), _label("rows", fit)))
    ends = [min(fit.data.min(), fit.predicted.min()), max(fit.data.max(), fit.predicted.max())]
    (line,) = axes.plot(ends, ends, color=colours["positive"], linestyle="--", linewidth=1.2)
    entries.append((line, "predicted = observed"))
    name = plots.shortened(fit.observed or "", LONGEST_NAME)
    plots.panel(axes, x=f"{name}, observed", y=f"{name}, predicted")
    _legend(axes, entries)


def _residuals(axes: Axes, colours: Mapping[str, str], fit: FitPlot, x: Any, name: str) -> None:
    _points(axes, colours, x, fit.residuals)
    axes.axhline(0, color=colours["positive"], linewidth=1.2)
    plots.panel(axes, x=plots.shortened(name, LONGEST_NAME), y=plots.shortened(fit.residual, LONGEST_NAME))


def _points(axes: Axes, colours: Mapping[str, str], x: Any, y: Any) -> Any:
    """A mark a row, of `MOST_POINTS` rows at most."""
    every = slice(None, None, _stride(len(y)))
    size = 5.0 if len(y) <= 200 else 3.0
    settings: Any = {"marker": "o", "markersize": size, "markerfacecolor": "none", "markeredgewidth": 0.9}
    (marks,) = axes.plot(x[every], y[every], linestyle="none", markeredgecolor=colours["input line"], **settings)
    return marks


def _stride(rows: int) -> int:
    return max(1, -(-rows // MOST_POINTS))


def _label(text: str, fit: FitPlot) -> str:
    """The name of marks in the legend; it says where there is a mark for some rows alone."""
    stride = _stride(len(fit.residuals))
    return text if stride == 1 else f"{text}, one row in {stride}"


def _legend(axes: Axes, entries: list[tuple[Any, str]]) -> None:
    plots.legend(axes, entries, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(entries), borderaxespad=0.2)
