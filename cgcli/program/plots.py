"""Plots as files of several kinds, and the result of `Program.plot`."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, cast, get_args

from cgcli.diagnostics.diagnostic import error
from cgcli.render.sampled import Sampled
from cgcli.render.sampled_text import text

from .computation import Computation, Values
from .plot_options import PICTURES, Kind, PlotOptions, Theme
from .plotting import Range, sampled
from .setting_values import check_values

WIDTH = 80  # columns of a text in a file


def plot_kind(option: str, path: str) -> Kind:
    """The kind of plot that a file's name ends in. Raises CgError for another ending."""
    kind = PurePath(path).suffix.lower().removeprefix(".")
    if kind not in get_args(Kind):
        raise error("bad-target-kind", option=option, path=path, kinds=[f".{each}" for each in get_args(Kind)])
    return cast(Kind, kind)


def plot_file(sampled: Sampled, kind: str, theme: Theme = "light", precision: int | None = None) -> bytes:
    """The plot as the bytes of a file. theme: of a picture; precision: significant digits of numbers in CSV and JSON.

    Raises CgError when a picture is to be drawn and matplotlib is not there.
    """
    if kind in PICTURES:
        from cgcli.render.sampled_figure import figure

        return figure(sampled, kind, theme)
    if kind == "json":
        from cgcli.render import json

        return f"{json.dump(sampled.data, precision)}\n".encode()
    if kind == "csv":
        return _csv(sampled, precision).encode()
    return f"{text(sampled, WIDTH)}\n".encode()


def _csv(sampled: Sampled, precision: int | None) -> str:
    """A row a point, written as tables of results are."""
    from cgcli.data.number_columns import Numbers
    from cgcli.data.sinks import Rounded, sink

    out = io.StringIO()
    inputs = [axis.name for axis in sampled.over]
    with sink(None, out) as file:
        target = file if precision is None else Rounded(file, precision, inputs)
        target.write({name: Numbers(numbers) for name, numbers in sampled.columns.items()})
    return out.getvalue()


@dataclass(frozen=True)
class Plot:
    """Values and derivatives of a program over a range of one or two inputs; a notebook draws them, `print` too.

    sampled: what is drawn. theme: the colours, `light`, `dark` or `print`.
    """

    sampled: Sampled = field(repr=False)
    theme: Theme = "light"

    @property
    def columns(self) -> dict[str, Any]:
        """By name arrays, a number a point: the inputs, `y`, `dy/dx`, …; NaN where the run fails."""
        from cgcli.data.number_columns import Numbers

        return {name: Numbers(numbers).array() for name, numbers in self.sampled.columns.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """Where there are no values."""
        return self.sampled.notes

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a file, whose ending says its kind: .svg, .png, .pdf, .csv, .json or .txt. Raises CgError."""
        from cgcli.files.writing import write_atomic

        name = os.fspath(path)
        write_atomic(name, plot_file(self.sampled, plot_kind("path", name), self.theme))

    def __str__(self) -> str:
        return text(self.sampled, WIDTH)

    def _repr_svg_(self) -> str | None:
        from importlib.util import find_spec

        if find_spec("matplotlib") is None:
            return None
        return plot_file(self.sampled, "svg", self.theme).decode("utf-8")


def plotted(program: Computation, values: Values, over: Mapping[str, Range], options: PlotOptions) -> Plot:
    """The plot of a program; see `sampled` for the errors."""
    check_values(options)
    of, wrt = ((names,) if isinstance(names, str) else names for names in (options.of, options.wrt))
    return Plot(sampled(program, values, over, replace(options, of=of, wrt=wrt)), options.theme or "light")
