"""Where a function jumps between two points, as at a pole, a step or, for a derivative, a kink: by bisection."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

ROUNDS, CANDIDATES = 12, 100
LEAST = 0.05  # of the range of most numbers: what is less is not to be seen
VANISHED, JUMPED = 0.25, 0.5  # of the largest difference that was met: what is left of it
GROWN = 10.0  # times as large as at both points: a pole without a change of sign

Rows = Callable[[Sequence[float]], Mapping[str, Sequence[float]]]
"""By column the numbers at points, NaN where there is none."""


class Jumps(NamedTuple):
    """The jumps of a column. behind: the points behind which it jumps; has_pole: whether it grows there beyond all
    bounds."""

    behind: set[int]
    has_pole: bool = False


@dataclass
class _Interval:
    """Between the points `k` and `k + 1` of a column. low, high: its ends; left, right: the numbers there; most: the
    largest difference so far; largest: the largest number in between; value: that of the value, of a derivative."""

    column: str
    k: int
    low: float
    high: float
    left: float
    right: float
    most: float
    largest: float = 0.0
    value: float = 0.0

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
) -> dict[str, Jumps]:
    """By column where it jumps.

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
            each.largest = max(each.largest, abs(y))
            each.value = max(each.value, abs(between[values.get(each.column, each.column)][j]))
            if not math.isfinite(y):
                jumping.append(each)
                continue
            each.halve(y)
            if each.rest >= VANISHED:
                remaining.append(each)
        intervals = remaining
    jumping += [each for each in intervals if each.rest > JUMPED]
    result = {column: Jumps(set()) for column in numbers}
    for each in jumping:
        _add(result, each.column, each, each.largest, numbers)
        value = values.get(each.column)
        if value is not None and _is_pole(
            each.value, numbers[value], each.k
        ):  # an even one, where the value is no jump
            _add(result, value, each, each.value, numbers)
    for derivative, value in values.items():
        own, of_value = result[derivative], result[value]  # where a value jumps it has no derivative
        result[derivative] = Jumps(own.behind | of_value.behind, own.has_pole or of_value.has_pole)
    return result


def _add(
    result: dict[str, Jumps], column: str, jump: _Interval, largest: float, numbers: Mapping[str, Sequence[float]]
) -> None:
    has_pole = result[column].has_pole or _is_pole(largest, numbers[column], jump.k)
    result[column] = Jumps(result[column].behind | {jump.k}, has_pole)


def _is_pole(largest: float, numbers: Sequence[float], k: int) -> bool:
    """Whether a number between two points is many times as large as those there."""
    return largest > GROWN * max(abs(numbers[k]), abs(numbers[k + 1]))


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
