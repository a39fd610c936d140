"""Values and derivatives of a program at many points of one or two of its inputs, as data to be drawn or written."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from typing import Any

from .numbers import concise

Columns = Sequence[float]
"""A number a point."""

NAMED = 10  # inputs that are the same everywhere
STEEP = 0.25  # of the range of values that most points have: what lies outside by more is cut off beside a pole
MOST_BETWEEN = 0.4  # of all points, between two contours that are evenly apart
LARGEST = 1e307  # number that is drawn
SMALLEST = 1e-290  # step between round numbers
MOST = 0.05  # of the points, at each end, that a pole may have


@dataclass(frozen=True)
class Axis:
    """An input that varies. points: its values, ascending; at: the one at the given point, None outside of them."""

    name: str
    points: Columns
    at: float | None = None
    whole: bool = False  # an int

    @property
    def low(self) -> float:
        return self.points[0]

    @property
    def high(self) -> float:
        return self.points[-1]


@dataclass(frozen=True)
class Line:
    """A column of numbers as a line over the points of one input.

    at: the number at the given point, NaN where there is none. jumps: the points behind which the line is broken, for
    the number jumps between them and the next. has_pole: whether it grows beyond all bounds at one of them.
    """

    name: str
    numbers: Columns
    at: float = math.nan
    jumps: Collection[int] = ()
    has_pole: bool = False

    def where(self, valid: Columns) -> Line:
        """The line without the numbers that are not drawn. valid: numbers that have to be finite where it is."""
        numbers = [
            x if math.isinf(x) or math.isfinite(v) else math.nan for x, v in zip(self.numbers, valid, strict=True)
        ]
        return replace(self, numbers=numbers)

    def pieces(self, valid: Columns | None = None) -> list[range]:
        """The points that are joined: between numbers that are not finite, and jumps. valid: numbers that have to be
        finite too."""
        pieces: list[range] = []
        start: int | None = None
        for k, x in enumerate(self.numbers):
            if not math.isfinite(x) or (valid is not None and not math.isfinite(valid[k])):
                if start is not None:
                    pieces.append(range(start, k))
                start = None
                continue
            start = k if start is None else start
            if k in self.jumps:
                pieces.append(range(start, k + 1))
                start = None
        return pieces if start is None else [*pieces, range(start, len(self.numbers))]


@dataclass(frozen=True)
class Curve:
    """A value of the program and its derivatives. slopes: by the input, of which the first is the one that varies."""

    value: Line
    slopes: Mapping[str, Line] = field(default_factory=dict)


@dataclass(frozen=True)
class Sampled:
    """Values and derivatives of a program over one or two of its inputs.

    over: with two, the points are those of a grid, row by row of the first. curves: with two inputs only one. shown:
    the inputs whose derivatives are drawn. name: of the program; others: the inputs that are the same everywhere, where
    they are numbers; path: points that a training went through; notes: where there are no values.
    """

    over: tuple[Axis, ...]
    curves: tuple[Curve, ...]
    shown: tuple[str, ...] = ()
    name: str = ""
    others: Mapping[str, float] = field(default_factory=dict)
    path: Sequence[tuple[float, ...]] = ()
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, Columns]:
        """By name: the inputs, then each value with its derivatives."""
        points = zip(*grid(self.over), strict=True)
        columns: dict[str, Columns] = {axis.name: x for axis, x in zip(self.over, points, strict=True)}
        for curve in self.curves:
            columns |= {line.name: line.numbers for line in (curve.value, *curve.slopes.values())}
        return columns

    @property
    def data(self) -> dict[str, Any]:
        """The columns, the numbers at the given point, and the path."""
        names = [axis.name for axis in self.over]
        at: dict[str, float] = {}
        if all(axis.at is not None for axis in self.over):
            at = {axis.name: axis.at for axis in self.over if axis.at is not None}
            for curve in self.curves:
                at |= {line.name: line.at for line in (curve.value, *curve.slopes.values())}
        columns = {name: list(x) for name, x in self.columns.items()}
        path = {name: list(x) for name, x in zip(names, zip(*self.path, strict=True), strict=False)}
        return {"over": names, "columns": columns, "at": at, **({"path": path} if path else {})}

    @property
    def drawn_slopes(self) -> list[tuple[Curve, Line]]:
        """The derivatives that are drawn, each with the curve it is of."""
        return [(curve, curve.slopes[n]) for curve in self.curves for n in self.shown if n in curve.slopes]

    @property
    def heading(self) -> str:
        """What is shown over what."""
        text = f"{', '.join(curve.value.name for curve in self.curves)} over {', '.join(a.name for a in self.over)}"
        return f"{self.name}: {text}" if self.name else text

    @property
    def caption(self) -> str:
        """The inputs that are the same everywhere."""
        texts = [f"{name} = {concise(x, 4)}" for name, x in self.others.items()]
        more = [f"{len(texts) - NAMED} more"] if len(texts) > NAMED else []
        return ", ".join(texts[:NAMED] + more)


def grid(over: Sequence[Axis]) -> list[tuple[float, ...]]:
    """All points: of two inputs row by row of the first."""
    return list(product(*(axis.points for axis in over)))


def within_floats(x: float) -> float:
    """The number, or the largest that is drawn: several times it is still a float."""
    return min(max(x, -LARGEST), LARGEST)


def tangent(axis: Axis, curve: Curve) -> tuple[float, float] | None:
    """The value and the slope at the given point; None where one is not finite or there is no such point."""
    slope = curve.slopes.get(axis.name)
    if axis.at is None or slope is None or not math.isfinite(curve.value.at) or not math.isfinite(slope.at):
        return None
    return curve.value.at, slope.at


def limits(lines: Sequence[Line], extra: Sequence[float] = ()) -> tuple[float, float]:
    """The least and the largest number to draw, with room around. Beside a pole the numbers that few points have are
    left outside. extra: numbers that have to be inside."""
    low, high = math.inf, -math.inf
    for line in lines:
        numbers = sorted(x for x in line.numbers if math.isfinite(x))
        if not numbers:
            continue
        least, most = numbers[0], numbers[-1]
        if line.has_pole or any(math.isinf(x) for x in line.numbers):
            skipped = int(len(numbers) * MOST)
            inner = numbers[skipped], numbers[-1 - skipped]
            room = STEEP * (inner[1] - inner[0])
            least, most = max(least, inner[0] - room), min(most, inner[1] + room)
        low, high = min(low, least), max(high, most)
    for x in extra:
        if math.isfinite(x):
            low, high = min(low, x), max(high, x)
    if low > high:
        return 0.0, 1.0
    low, high = within_floats(low), within_floats(high)
    room = 0.05 * (high - low) or 0.5 * abs(high) or 1.0
    return low - room, high + room


def levels(numbers: Columns, most: int) -> list[float]:
    """The numbers whose contours are drawn: evenly apart, or where one step would hold most points, so that about as
    many points lie between any two."""
    finite = sorted(within_floats(x) for x in numbers if math.isfinite(x))
    if not finite or finite[0] == finite[-1]:
        return []
    even = ticks(finite[0], finite[-1], most)
    places = [0, *(bisect_left(finite, x) for x in even), len(finite)]
    if max(b - a for a, b in pairwise(places)) <= MOST_BETWEEN * len(finite):
        return even
    ranks = (len(finite) * k // (most + 1) for k in range(1, most + 1))
    return sorted({float(f"{finite[k]:.1e}") for k in ranks} - {finite[0]})


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers inside, evenly apart by 1, 2 or 5 times a power of ten."""
    if most < 1 or not SMALLEST < (high - low) / most < math.inf:
        return []
    power = math.floor(math.log10((high - low) / most))
    for step in (1, 2, 5, 10, 20, 50):
        first, last = (f(x / (step * 10.0**power)) for f, x in ((math.ceil, low), (math.floor, high)))
        if last - first + 1 <= most:
            # a quotient by a power of ten is the float nearest to what is meant, as 3 / 10 is to 0.3
            return [k * step / 10.0**-power if power < 0 else k * step * 10.0**power for k in range(first, last + 1)]
    return []
