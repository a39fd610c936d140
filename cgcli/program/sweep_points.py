"""The points of a sweep: the values of each axis, and how axes make points together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.graph.lexemes import plain_number

MOST_POINTS = 10_000_000
NEAR = Fraction(1, 10**9)
"""The share of a step by which the end of a range may miss its last point and still be it: `0:1:1/3` ends at 1."""
_OPENING, _CLOSING = "([{", ")]}"


class Interval(NamedTuple):
    """The numbers from `low` to `high`, to draw from. whole: whether only whole numbers are drawn."""

    low: float
    high: float
    whole: bool


@dataclass(frozen=True, eq=False)
class Axis:
    """An input of the program or a setting of its training that differs from point to point.

    column: its name in the table of points.
    """

    name: str
    values: Sequence[Any] | Interval
    setting: bool = False
    column: str = ""

    @property
    def size(self) -> int | None:
        """How many values there are; None of an interval."""
        return None if isinstance(self.values, Interval) else len(self.values)

    @cached_property
    def array(self) -> Any:
        """The values, a row each; None where some are texts. Raises CgError for tensors of several shapes."""
        import numpy as np

        if any(isinstance(x, str) for x in self.values):
            return None
        try:
            return np.asarray(self.values)
        except ValueError:
            raise error("sweep-shapes", name=self.name) from None


class AxisReader(NamedTuple):
    """How the values of an axis are read. option: what messages call it. parse: reads one value, and raises CgError
    for what is none. whole: whether the values are whole numbers. number: whether they are numbers at all.
    """

    option: str
    parse: Callable[[str], Any]
    whole: bool
    number: bool = True

    def values(self, text: str) -> list[Any] | Interval | None:
        """The values that a text says: `v1,v2,v3`, `lo:hi:step`, both mixed, or `lo..hi`; None for a single value.

        Raises CgError for a text that is none of these.
        """
        items = _split(text, ",")
        if len(items) == 1:
            ends = _split(text, "..")
            if len(ends) > 1:
                return self._interval(text, ends)
            if len(_split(text, ":")) == 1:
                return None
        values: list[Any] = []
        for item in items:
            if not item.strip():
                raise error("sweep-empty", option=self.option, value=text or EMPTY)
            parts = _split(item, ":")
            values += [self.parse(item.strip())] if len(parts) == 1 else self._range(item, parts)
            if len(values) > MOST_POINTS:
                raise error("too-many-points", count=len(values), most=f"{MOST_POINTS:,}")
        return values

    def _interval(self, text: str, ends: Sequence[str]) -> Interval:
        if len(ends) != 2:
            raise error("sweep-interval", option=self.option, value=text)
        low, high = (self._number(end, text) for end in ends)
        if not low < high:
            raise error("sweep-interval", option=self.option, value=text)
        return Interval(low, high, self.whole)

    def _range(self, text: str, parts: Sequence[str]) -> list[float]:
        if len(parts) != 3:
            ends = f"{parts[0].strip() or 0}:{parts[1].strip() or 1}"
            raise error("sweep-parts", option=self.option, value=text, range=f"{ends}:STEP")
        low, high, step = (self._number(part, text) for part in parts)
        values = range_values(low, high, step, self.option)
        return values if self.whole else list(map(float, values))

    def _number(self, text: str, whole_text: str) -> float:
        """A finite number, in double precision also where the input has less: the points are rounded, not the step."""
        plain = None if self.whole else plain_number(text.strip())
        number = self.parse(text.strip()) if plain is None else plain
        if not self.number or isinstance(number, bool) or not isinstance(number, int | float):
            raise error("sweep-no-number", option=self.option, value=whole_text)
        if not math.isfinite(number):
            raise error("sweep-infinite", option=self.option, value=whole_text)
        return number


def range_values(low: float, high: float, step: float, option: str = "range") -> list[float]:
    """The numbers from `low` to `high`: the k-th is `low + k*step`, computed exactly from the decimals that the three
    are written with, and rounded once; so `0:1:0.1` has 0.3, and 1 at its end.

    An end that the last point misses by less than a billionth of a step is that point. Raises CgError for a step of 0,
    one that leads away from `high`, and for too many numbers.
    """
    if step == 0:
        raise error("sweep-step-zero", option=option, value=_text(low, high, step))
    first, last, stride = (Fraction(str(x)) for x in (low, high, step))
    if (last - first) / stride < 0:
        raise error("sweep-direction", option=option, value=_text(low, high, step), fix=_text(low, high, -step))
    count = math.floor((last - first) / stride + NEAR) + 1
    if count > MOST_POINTS:
        raise error("too-many-points", count=count, most=f"{MOST_POINTS:,}")
    if all(isinstance(x, int) for x in (low, high, step)):
        return [int(low) + k * int(step) for k in range(count)]
    unit = math.lcm(first.denominator, stride.denominator)
    start, each = int(first * unit), int(stride * unit)
    values = [(start + k * each) / unit for k in range(count)]  # a quotient of ints is rounded once
    if abs(first + (count - 1) * stride - last) <= NEAR * abs(stride):
        values[-1] = float(high)
    return values


def _text(*numbers: float) -> str:
    return ":".join(repr(x).removesuffix(".0") for x in numbers)


def _split(text: str, mark: str) -> list[str]:
    """The parts of a text between the marks that stand in no brackets; a text that names a file (`@x.npy`) is one."""
    if text.lstrip().startswith("@"):
        return [text]
    parts, depth, start, k = [], 0, 0, 0
    while k < len(text):
        if text[k] in _OPENING:
            depth += 1
        elif text[k] in _CLOSING:
            depth -= 1
        elif depth == 0 and text.startswith(mark, k):
            parts.append(text[start:k])
            start = k + len(mark)
            k = start - 1
        k += 1
    return [*parts, text[start:]]


class Points:
    """The points that axes make: each value with each, the first axis slowest (`grid`), the values of the same place
    together (`zip`), or so many drawn ones.

    random, latin: how many are drawn, independently of each other or as a Latin hypercube: uniformly from an interval,
    and from the values of any other axis. seed: of the draws; the same one gives the same points.

    Raises CgError for axes that do not go together, and for too many points.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        *,
        pairs: bool = False,
        random: int | None = None,
        latin: int | None = None,
        seed: int = 0,
    ) -> None:
        self.axes = tuple(axes)
        self.random, self.latin, self.pairs, self.seed = random, latin, pairs, seed
        if not axes:
            raise error("nothing-swept")
        for axis in axes:
            if axis.size == 0:
                raise error("sweep-empty", option=axis.name, value=EMPTY)
        self.count = self._count()
        if self.count > MOST_POINTS:
            raise error("too-many-points", count=self.count, most=f"{MOST_POINTS:,}")
        self._sample: Any = None

    @property
    def drawn(self) -> int | None:
        """How many points are drawn; None for a grid and for pairs."""
        return self.random if self.latin is None else self.latin

    def _count(self) -> int:
        if self.random is not None and self.latin is not None:
            raise error("options-exclude", first="--random", second="--latin")
        if self.drawn is not None:
            if self.pairs:
                raise error("options-exclude", first="--zip", second="--latin" if self.random is None else "--random")
            return self.drawn
        interval = next((axis for axis in self.axes if axis.size is None), None)
        if interval is not None:
            raise error("sweep-undrawn", name=interval.name)
        sizes = [axis.size or 0 for axis in self.axes]
        if not self.pairs:
            return math.prod(sizes)
        if len(set(sizes)) > 1:
            lengths = [f"{axis.name} has {size}" for axis, size in zip(self.axes, sizes, strict=True)]
            raise error("sweep-lengths", lengths=lengths)
        return sizes[0]

    def columns(self, start: int, end: int) -> dict[str, Any]:
        """The values of each axis at the points from `start` to the one before `end`, by the axis's column: an array,
        or a list of texts and of what else is no number.
        """
        import numpy as np

        numbers = np.arange(start, end)
        columns: dict[str, Any] = {}
        stride = self.count
        for k, axis in enumerate(self.axes):
            if self.drawn is not None:
                columns[axis.column] = _drawn(axis, self.draws()[start:end, k])
                continue
            stride //= axis.size or 1
            columns[axis.column] = _taken(axis, numbers if self.pairs else numbers // stride % (axis.size or 1))
        return columns

    def first(self) -> dict[str, Any]:
        """The values of the inputs at the first point."""
        cells = self.columns(0, 1)
        return {axis.name: cells[axis.column][0] for axis in self.axes if not axis.setting}

    def draws(self) -> Any:
        """A number from 0 to 1 for each point and axis, memoised."""
        if self._sample is None:
            import numpy as np

            generator = np.random.default_rng(self.seed)
            shape = self.count, len(self.axes)
            if self.latin is None:
                self._sample = generator.random(shape)
            else:
                from scipy.stats import qmc

                # by its attribute, which every SciPy takes as it is: the argument has two names, and two meanings
                hypercube = qmc.LatinHypercube(shape[1])
                hypercube.rng = generator
                self._sample = hypercube.random(shape[0])
        return self._sample


def _drawn(axis: Axis, draws: Any) -> Any:
    """The values of an axis for numbers from 0 to 1."""
    import numpy as np

    if not isinstance(axis.values, Interval):
        return _taken(axis, np.minimum((draws * len(axis.values)).astype("int64"), len(axis.values) - 1))
    low, high, whole = axis.values
    if whole:  # on Python's ints, for the ends may be as far apart as 64 bits allow
        first, count = int(low), int(high) - int(low) + 1
        return np.array([first + min(int(draw * count), count - 1) for draw in draws.tolist()])
    return np.clip(low * (1 - draws) + high * draws, low, high)  # where `high - low` would be infinite, too


def _taken(axis: Axis, indices: Any) -> Any:
    """The values of an axis at these indices."""
    array = axis.array
    if array is not None:
        return array[indices]
    assert not isinstance(axis.values, Interval)
    return [axis.values[k] for k in indices.tolist()]
