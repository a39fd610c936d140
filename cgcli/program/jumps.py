"""Where a function jumps between two points, as at a pole, a step or, for a derivative, a kink: by bisection."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

ROUNDS, CANDIDATES = 12, 100
LEAST = 0.05  # of the range of most numbers: what is less is not to be seen
VANISHED, JUMPED = 0.25, 0.5  # of the largest difference that was met: what is left of it
GROWN = 10.0  # times as large as at both points: a pole without a change of sign

Rows = Callable[[Sequence[float]], Mapping[str, Sequence[float]]]
"""By column the numbers at points, NaN where there is none."""


@dataclass
class _Interval:
    """Between the points `k` and `k + 1` of a column. low, high: its ends; left, right: the numbers there; most: the
    largest difference so far; largest: of the values that were met in between."""

    column: str
    k: int
    low: float
    high: float
    left: float
    right: float
    most: float
    largest: float = 0.0

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def halve(self, y: float) -> None:
        """Keeps the half with the larger difference. y: the number in the middle."""
        if abs(y - self.left) >= abs(self.right - y):
            self.high, self.right = self.middle, y
        else:
            self.low, self.left = self.middle, y
        self.most = max(self.most, abs(self.right - self.left))

    @property
    def rest(self) -> float:
        """What is left of the difference, as a share of the largest one."""
        return abs(self.right - self.left) / self.most


def jumps(
    points: Sequence[float], numbers: Mapping[str, Sequence[float]], values: Mapping[str, str], rows: Rows
) -> dict[str, set[int]]:
    """By column the points behind which it jumps.

    Between two points with a large difference the half with the larger one is halved again and again: of a function
    that is continuous it vanishes. numbers: by column those at the points; values: by the column of a derivative that
    of the value.
    """
    jumping: list[_Interval] = []
    intervals = _candidates(points, numbers)
    for _ in range(ROUNDS):
        if not intervals:
            break
        between = rows([each.middle for each in intervals])
        remaining: list[_Interval] = []
        for j, each in enumerate(intervals):
            y = between[each.column][j]
            each.largest = max(each.largest, abs(between[values.get(each.column, each.column)][j]))
            if not math.isfinite(y):
                jumping.append(each)
                continue
            each.halve(y)
            if each.rest >= VANISHED:
                remaining.append(each)
        intervals = remaining
    places: dict[str, set[int]] = {column: set() for column in numbers}
    for each in [*jumping, *(each for each in intervals if each.rest > JUMPED)]:
        places[each.column].add(each.k)
        value = values.get(each.column)
        if value is not None and each.largest > GROWN * max(abs(numbers[value][k]) for k in (each.k, each.k + 1)):
            places[value].add(each.k)  # an even pole
    for derivative, value in values.items():
        places[derivative] |= places[value]  # where a value jumps it has no derivative
    return places


def _candidates(points: Sequence[float], numbers: Mapping[str, Sequence[float]]) -> list[_Interval]:
    """The intervals with the largest differences."""
    intervals: list[_Interval] = []
    for column, line in numbers.items():
        finite = sorted(y for y in line if math.isfinite(y))
        if not finite:
            continue
        few = len(finite) // 20
        scale = finite[-1 - few] - finite[few] or finite[-1] - finite[0]
        for k, (left, right) in enumerate(pairwise(line)):
            if LEAST * scale < abs(right - left) < math.inf:
                intervals.append(_Interval(column, k, points[k], points[k + 1], left, right, abs(right - left)))
    return sorted(intervals, key=lambda each: -each.most)[:CANDIDATES]
