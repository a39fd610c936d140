"""Curves and contours in a terminal."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from cgcli.diagnostics.escape import show

from .braille import ACROSS, DOWN, Canvas, styled
from .numbers import concise, shortest
from .sampled import Axis, Curve, Line, Sampled, levels, limits, tangent, ticks, within_floats

LEAST_WIDTH, WIDEST = 24, 120  # columns
LEVELS = 6  # contours
DIGITS = 4  # of the numbers in a plot
ARROWS = "→↗↑↖←↙↓↘"
ASCII_ARROWS = ">/^\\</v\\"
ASCII = str.maketrans("┤│└┬─•●○◆", "||++-*ooo")
SPOT = "•"  # a value of an int
MARKS = "●", "○", "◆"  # the given point, the start and the end of a training


def text(sampled: Sampled, width: int, *, colour: bool = False, ascii_only: bool = False) -> str:
    """The plot, without the last line end. width: the columns of the terminal."""
    width = max(LEAST_WIDTH, min(width, WIDEST))
    title = show(sampled.heading)
    lines = [styled(part, "bold", colour) for part in _wrapped(title, width)]
    lines += [styled(part, "dim", colour) for part in _wrapped(show(sampled.caption), width)]
    if len(sampled.over) == 2:
        lines += _contours(sampled, width, colour, ascii_only)
    else:
        lines += _curves(sampled, width, colour, ascii_only)
    joined = "\n".join(line.rstrip() for line in lines)
    return joined.translate(ASCII) if ascii_only else joined


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width) if text else []


def _marks(numbers: Sequence[float], *, whole: bool = False) -> list[str]:
    """The texts of the numbers of an axis, with as many digits as tell them apart."""
    texts: list[str] = []
    for digits in range(DIGITS, 18):
        texts = [str(int(t)) if whole else shortest(t, digits) for t in numbers]
        if len(set(texts)) == len(texts):
            break
    return texts


# ---- one input


def _curves(sampled: Sampled, width: int, colour: bool, ascii_only: bool) -> list[str]:
    """The values, below them the derivatives, then the numbers at the given point."""
    axis = sampled.over[0]
    height = max(8, min(width // 7, 16))
    values = [curve.value for curve in sampled.curves]
    tangents = [curve for curve in sampled.curves if tangent(axis, curve)]
    slopes = [line for _, line in sampled.drawn_slopes]
    panels = [_Panel(axis, values, width, height)]
    if slopes:
        valid = [curve.value for curve, _ in sampled.drawn_slopes]
        panels.append(_Panel(axis, slopes, width, max(5, height * 3 // 5), valid))
    margin = max(panel.margin for panel in panels)
    right = max(panel.right for panel in panels)
    lines: list[str] = []
    for k, panel in enumerate(panels):
        panel.columns = width - margin - 1 - right
        lines += panel.lines(margin, tangents if k == 0 else (), "accent" if k else "", colour, ascii_only)
    return [*lines, *_at_point(sampled, width, colour)]


def _at_point(sampled: Sampled, width: int, colour: bool) -> list[str]:
    """The numbers at the given point, a value with its derivatives a line, broken between them where it is long."""
    if any(axis.at is None for axis in sampled.over):
        return []
    where = ", ".join(f"{axis.name} = {concise(axis.at or 0, DIGITS)}" for axis in sampled.over)
    lines: list[str] = []
    for curve in sampled.curves:
        numbers = [curve.value, *curve.slopes.values()]
        texts = [f"{show(line.name)} = {concise(line.at, DIGITS)}," for line in numbers]
        texts[-1] = texts[-1][:-1]
        parts = [(f"{MARKS[0]} at {show(where)}:", ""), (texts[0], ""), *((each, "accent") for each in texts[1:])]
        row = ""
        room = width
        for words, style in parts:
            for part in _wrapped(words, width - 2):
                if len(part) + 1 > room:
                    lines.append(row)
                    row, room = " ", width - 1
                row += f"{' ' if row else ''}{styled(part, style, colour)}"
                room -= len(part) + 1
        lines.append(row)
    return lines


class _Panel:
    """Lines over one input. valid: numbers that have to be finite where those of a line are drawn.

    margin, right: the columns that it needs beside its canvas. columns: those of the canvas.
    """

    def __init__(
        self, axis: Axis, lines: Sequence[Line], width: int, height: int, valid: Sequence[Line] | None = None
    ) -> None:
        self.axis, self.width, self.height, self.shown = axis, width, height, lines
        self.valid = valid or lines
        drawn = [line.where(valid.numbers) for line, valid in zip(lines, self.valid, strict=True)]
        self.low, self.high = limits(drawn, [line.at for line in lines])
        self.ticks = ticks(self.low, self.high, max(3, height // 3))
        self.marks = _marks(self.ticks)
        self.margin = max((len(mark) for mark in self.marks), default=1) + 1
        longest = max(len(show(line.name)) for line in lines)
        self.right = min(longest + 1, width // 3) if len(lines) > 1 else 0
        self.columns = 1

    def lines(self, margin: int, tangents: Sequence[Curve], style: str, colour: bool, ascii_only: bool) -> list[str]:
        """The names of the lines, the canvas between its axes. tangents: the curves that have one."""
        names = [show(line.name) for line in self.shown]
        canvas = Canvas(self.columns, self.height)
        if self.low < 0 < self.high:
            row = self._row(0.0)
            for x in range(0, self.columns * ACROSS, 4):
                canvas.dot(x, row, "dim")
        for curve in tangents:
            self._draw_tangent(canvas, curve)
        for line, valid in zip(self.shown, self.valid, strict=True):
            self._draw(canvas, line, valid, style)
        for line in self.shown:
            if self.axis.at is not None and math.isfinite(line.at):
                place = self._column(self.axis.at) // ACROSS, self._row(line.at) // DOWN
                canvas.text(*place, MARKS[0], style)
        labels = self._labels() if self.right else {}
        marks = {self._row(t) // DOWN: mark for t, mark in reversed([*zip(self.ticks, self.marks, strict=True)])}
        rows = canvas.rows(colour=colour, ascii_only=ascii_only)
        lines = [styled(part, style or "bold", colour) for part in _wrapped(", ".join(names), self.width)]
        for k, cells in enumerate(rows):
            mark = marks.get(k, "")
            lines.append(f"{mark:>{margin}}{'┤' if mark else '│'}{cells} {styled(labels.get(k, ''), style, colour)}")
        return [*lines, *_x_axis(self.axis, margin, self.columns)]

    def _labels(self) -> dict[int, str]:
        """By row the name of the line that ends there; where several do, below each other."""
        ends: list[tuple[int, str]] = []
        for line, valid in zip(self.shown, self.valid, strict=True):
            pieces = line.pieces(valid.numbers)
            if pieces:
                end = line.numbers[pieces[-1][-1]]
                row = min(max(self._row(end) // DOWN, 0), self.height - 1)
                ends.append((row, show(line.name)[: self.right - 1]))
        labels: dict[int, str] = {}
        for row, name in sorted(ends):
            free = [r for r in range(self.height) if r not in labels]
            if free:
                labels[min(free, key=lambda r: (abs(r - row), r))] = name
        return labels

    def _draw(self, canvas: Canvas, line: Line, valid: Line, style: str) -> None:
        x = self.axis.points
        for piece in line.pieces(valid.numbers):
            if self.axis.whole or len(piece) == 1:
                for k in piece:
                    self._spot(canvas, x[k], line.numbers[k], style)
                continue
            for k in piece[:-1]:
                ends = [(self._x(x[j]), self._y(line.numbers[j])) for j in (k, k + 1)]
                canvas.line(ends[0], ends[1], style)

    def _spot(self, canvas: Canvas, x: float, y: float, style: str) -> None:
        """A point of its own."""
        canvas.text(self._column(x) // ACROSS, self._row(y) // DOWN, SPOT, style)

    def _draw_tangent(self, canvas: Canvas, curve: Curve) -> None:
        both = tangent(self.axis, curve)
        assert both is not None
        assert self.axis.at is not None
        y, slope = both
        ends = [(self._x(x), self._y(y + slope * (x - self.axis.at))) for x in (self.axis.low, self.axis.high)]
        if all(math.isfinite(v) for end in ends for v in end):
            canvas.line(ends[0], ends[1], "accent", dash=3)

    def _x(self, x: float) -> float:
        return (x - self.axis.low) / (self.axis.high - self.axis.low) * (self.columns * ACROSS - 1)

    def _y(self, y: float) -> float:
        return (self.high - within_floats(y)) / (self.high - self.low) * (self.height * DOWN - 1)

    def _column(self, x: float) -> int:
        return round(self._x(x))

    def _row(self, y: float) -> int:
        return round(min(max(self._y(y), -1e6), 1e6))


def _x_axis(axis: Axis, margin: int, columns: int) -> list[str]:
    """The line below a canvas, and the numbers and the name of the axis below it."""
    rule = ["─"] * columns
    numbers = [" "] * (margin + 1 + columns)
    end = -1
    marks = ticks(axis.low, axis.high, max(2, columns // 10))
    for t, number in zip(marks, _marks(marks, whole=axis.whole), strict=True):
        k = round((t - axis.low) / (axis.high - axis.low) * (columns - 1))
        start = min(max(margin + 1 + k - len(number) // 2, 0), len(numbers) - len(number))
        if start > end + 1 or end < 0:
            rule[k] = "┬"
            numbers[start : start + len(number)] = number
            end = start + len(number)
    name = show(axis.name)
    if len(numbers) - len(name) > end + 1:  # else the heading alone says it
        numbers[-len(name) :] = name
    return [" " * margin + "└" + "".join(rule), "".join(numbers)]


# ---- two inputs


def _contours(sampled: Sampled, width: int, colour: bool, ascii_only: bool) -> list[str]:
    """Lines of equal value with their numbers, and arrows along the gradient."""
    across, down = sampled.over
    (curve,) = sampled.curves
    y_ticks = ticks(down.low, down.high, 5)
    y_marks = _marks(y_ticks)
    margin = max((len(mark) for mark in y_marks), default=1) + 1
    columns = width - margin - 1
    ratio = (down.high - down.low) / (across.high - across.low)
    height = max(8, min(round(columns * (ratio if 0.4 <= ratio <= 2.5 else 0.7) / 2), 32, columns))
    plane = _Plane(across, down, curve, columns, height)
    canvas = Canvas(columns, height)
    plane.draw_lines(canvas)
    plane.draw_arrows(canvas, ASCII_ARROWS if ascii_only else ARROWS)
    plane.draw_numbers(canvas)
    plane.draw_path(canvas, sampled.path)
    if across.at is not None and down.at is not None:
        canvas.text(*plane.cell(across.at, down.at), MARKS[0], "bold")
    marks = {plane.cell(across.low, t)[1]: mark for t, mark in zip(y_ticks, y_marks, strict=True)}
    lines = [styled(show(down.name), "dim", colour)]
    for k, row in enumerate(canvas.rows(colour=colour, ascii_only=ascii_only)):
        number = marks.get(k, "")
        lines.append(f"{number:>{margin}}{'┤' if number else '│'}{row}")
    lines += _x_axis(across, margin, columns)
    if sampled.path:
        steps = f"{MARKS[1]} to {MARKS[2]}: the training, {len(sampled.path)} points"
        lines.append(steps)
    return [*lines, *_at_point(sampled, width, colour)]


class _Plane:
    """A value over two inputs, on the cells of a canvas; a number at each dot by bilinear interpolation."""

    def __init__(self, across: Axis, down: Axis, curve: Curve, columns: int, height: int) -> None:
        self.across, self.down, self.curve = across, down, curve
        self.columns, self.height = columns, height
        self.levels = levels(curve.value.numbers, LEVELS)
        self.numbers = [within_floats(x) if math.isfinite(x) else math.nan for x in curve.value.numbers]

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """The cell of a point."""
        u, v = self.dot(x, y)
        return math.floor(u / ACROSS), math.floor(v / DOWN)

    def dot(self, x: float, y: float) -> tuple[float, float]:
        across, down = self.across, self.down
        u = (x - across.low) / (across.high - across.low) * (self.columns * ACROSS - 1)
        return u, (down.high - y) / (down.high - down.low) * (self.height * DOWN - 1)

    def draw_lines(self, canvas: Canvas) -> None:
        """A dot where the neighbour to the right or below lies between other levels."""
        wide, high = self.columns * ACROSS, self.height * DOWN
        bands = [[self._band(self._at(x, y, wide, high)) for x in range(wide)] for y in range(high)]
        self.places: dict[int, list[tuple[int, int]]] = {}
        for y in range(high):
            for x in range(wide):
                band = bands[y][x]
                others = [bands[y][x + 1]] if x + 1 < wide else []
                others += [bands[y + 1][x]] if y + 1 < high else []
                for other in others:
                    if band != other and band is not None and other is not None:
                        canvas.dot(x, y)
                        if abs(band - other) == 1:
                            self.places.setdefault(max(band, other) - 1, []).append((x // ACROSS, y // DOWN))

    def _band(self, number: float) -> int | None:
        return bisect_right(self.levels, number) if math.isfinite(number) else None

    def _at(self, x: int, y: int, wide: int, high: int) -> float:
        rows, columns = len(self.across.points), len(self.down.points)
        u, v = x / (wide - 1) * (rows - 1), (1 - y / (high - 1)) * (columns - 1)
        i, j = min(int(u), rows - 2), min(int(v), columns - 2)
        u, v = u - i, v - j
        f = self.numbers
        k = i * columns + j
        return (1 - u) * ((1 - v) * f[k] + v * f[k + 1]) + u * ((1 - v) * f[k + columns] + v * f[k + columns + 1])

    def draw_numbers(self, canvas: Canvas) -> None:
        """On each line its number, where there is room, away from the edges if that can be."""
        for k, cells in self.places.items():
            number = shortest(self.levels[k], DIGITS)
            size = len(number)
            middle = self.columns * ((k * 0.618) % 1 * 0.6 + 0.2), self.height / 2

            def far(cell: tuple[int, int], middle: tuple[float, float] = middle) -> float:
                return abs(cell[0] - middle[0]) + 2 * abs(cell[1] - middle[1])

            for column, row in sorted(cells, key=far):
                if canvas.is_free(column - size // 2 - 1, row, size + 2):
                    canvas.text(column - size // 2, row, number, "dim")
                    break

    def draw_arrows(self, canvas: Canvas, arrows: str) -> None:
        """Arrows along the gradient, as it is on the canvas."""
        slopes = list(self.curve.slopes.values())
        if [axis.name for axis in (self.across, self.down)] != list(self.curve.slopes)[:2]:
            return
        rows, columns = len(self.across.points), len(self.down.points)
        for row in range(1, self.height, 4):
            for column in range(3, self.columns, 9):
                i = round(column / max(1, self.columns - 1) * (rows - 1))
                j = round((1 - row / max(1, self.height - 1)) * (columns - 1))
                u, v = (line.numbers[i * columns + j] for line in slopes[:2])
                # where the value grows fastest on the canvas, whose dots are about as high as wide
                u *= (self.across.high - self.across.low) / (self.columns * ACROSS)
                v *= (self.down.high - self.down.low) / (self.height * DOWN)
                if math.isfinite(u) and math.isfinite(v) and (u or v) and canvas.is_free(column, row, 1):
                    eighth = round(math.atan2(v, u) / (math.pi / 4)) % 8
                    canvas.text(column, row, arrows[eighth], "accent")

    def draw_path(self, canvas: Canvas, path: Sequence[tuple[float, ...]]) -> None:
        """The points of a training, joined."""
        dots = [self.dot(*point) for point in path]
        for start, end in pairwise(dots):
            canvas.line(start, end, "bold")
        if path:
            canvas.text(*self.cell(*path[0]), MARKS[1], "bold")
            canvas.text(*self.cell(*path[-1]), MARKS[2], "bold")
