"""What `cg sweep` prints: which points there are, how far it is, and the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cgcli.cli.output import StandardOutput, emit, is_terminal, notice, stdout
from cgcli.cli.progress import NO_WORKERS, StatusLine
from cgcli.cli.results import table_settings
from cgcli.data.frames import Columns
from cgcli.data.sinks import Rounded, sink
from cgcli.diagnostics.escape import show
from cgcli.program.options import OutputOptions
from cgcli.program.sweep import SweepEvents
from cgcli.program.sweep_points import Points
from cgcli.program.sweep_trainings import Trainings
from cgcli.render.json import dump
from cgcli.render.style import ACCENT, DIM
from cgcli.render.table import table_pieces

FIRST, LAST = 5, 3  # points that a dry run shows


class SweepReport(SweepEvents):
    """Progress and notes on standard error; of a sweep that ends early, that finished points are kept.

    keeps: whether they are.
    """

    def __init__(self, work: object, keeps: bool) -> None:
        self.line = StatusLine()
        self.noun = "trainings" if isinstance(work, Trainings) else "points"
        self.keeps = keeps
        self.before = self.done = self.total = 0

    def __enter__(self) -> SweepReport:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.line.end()
        if kind is not None and self.keeps and 0 < self.done < self.total:
            notice(f"note: {self.done} of {self.total} {self.noun} are kept; the same command goes on from there")

    def resumed(self, points: int, total: int) -> None:
        self.before = self.done = points
        self.total = total
        notice(f"note: {points} of {total} {self.noun} are kept from before")

    def replaced(self, path: str) -> None:
        notice(show(f"note: {path} was of another sweep, whose finished points are dropped"))

    def progress(self, points: int, total: int) -> None:
        self.done, self.total = points, total
        if not self.line.due():
            return
        seconds = self.line.seconds
        left = seconds * (total - points) / max(1, points - self.before)
        self.line.update(f"{points} of {total} {self.noun}, {left:.0f} s left")

    def waiting(self) -> None:
        notice(NO_WORKERS)

    def failed(self, points: int, total: int, first: str) -> None:
        self.line.end()
        verb = "fails" if points == 1 else "fail"
        notice(show(f"note: {points} of {total} {self.noun} {verb}, the first by: {first}"))


def show_points(points: Points, output_format: str | None) -> None:
    """Prints how many points there are, and the first and the last ones."""
    sizes = [(axis.column, axis.size) for axis in points.axes]
    shown = [*range(min(FIRST, points.count))]
    shown += range(max(len(shown), points.count - LAST), points.count)
    parts = [points.columns(k, k + 1) for k in shown]
    rows = [
        [k + 1, *(cell for column in part.values() for cell in _cells(column))]
        for k, part in zip(shown, parts, strict=True)
    ]
    header = ["point", *parts[0]]
    if output_format == "json":
        lines = [dict(zip(header, row, strict=True)) for row in rows]
        emit(dump({"points": points.count, "axes": dict(sizes), "shown": lines}))
        return
    sign = ", " if points.pairs or points.drawn is not None else " × "
    axes = sign.join(show(name if size is None else f"{name} ({size})") for name, size in sizes)
    how = "together" if points.pairs else "drawn" if points.drawn is not None else ""
    noun = "point" if points.count == 1 else "points"
    emit(f"{points.count} {noun}: {axes}{f', {how}' if how else ''}")
    if points.count > len(rows):
        rows.insert(FIRST, ["…", *("" for _ in points.axes)])
    for piece in table_pieces(header, rows, **table_settings(None)):
        emit(piece)


def show_sweep(columns: Mapping[str, Any], points: Points, target: str | None, output: OutputOptions) -> None:
    """Writes the table into a file, or prints it."""
    swept = [axis.column for axis in points.axes]
    if output.precision is not None:
        kept = Columns(len(next(iter(columns.values()))))
        Rounded(kept, output.precision, swept).write(columns)
        columns = kept.columns()
    style = output.format or ("table" if target is None and is_terminal(stdout()) else "csv")
    if style != "table":
        with sink(target, StandardOutput(), lines=style == "json") as file:
            file.write(columns)
        return
    rows = zip(*map(_cells, columns.values()), strict=True)
    styles = [DIM if name in swept else ACCENT if "/" in name else "" for name in columns]
    for piece in table_pieces(list(columns), rows, styles=lambda _: styles, **table_settings(None)):
        emit(piece)


def _cells(column: Any) -> list[Any]:
    """The cells of a column; of single precision with the fewest digits that tell them apart."""
    if not hasattr(column, "dtype"):
        return list(column)
    if column.ndim > 1:
        return list(column)
    return [float(str(x)) for x in column] if column.dtype == "float32" else list(column.tolist())
