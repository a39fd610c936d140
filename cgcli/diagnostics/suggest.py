"""Suggestions of names for misspelt ones, by edit distance."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, islice

MAX_LENGTH = 64  # characters of a name that is compared at all
MAX_CANDIDATES = 10_000  # candidates that are compared
MAX_COMPARISONS = 20_000  # candidates that are compared for all names of one text
_DIGITS = re.compile(r"\d+")


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate at the smallest edit distance from `name`, or None when none is near.

    The distance is one for a letter too many, too few, wrong, or two transposed; a short name may have one, a long one
    up to three. The case of letters does not count. Names that differ by their digits only (`x1`, `x2`) never match.
    Of equally near ones the shortest is taken, then the first by the alphabet.
    """
    if len(name) > MAX_LENGTH:
        return None
    folded = name.casefold()
    best, best_distance = None, _max_distance(len(name)) + 1
    for candidate in sorted(islice(candidates, MAX_CANDIDATES), key=lambda c: (len(c), c)):
        if candidate == name or abs(len(candidate) - len(name)) >= best_distance:
            continue
        other = candidate.casefold()
        if other != folded and _DIGITS.sub("", other) == _DIGITS.sub("", folded):
            continue
        distance = _edit_distance(folded, other, best_distance)
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


class Suggestions:
    """`nearest` for many names of one text, with a limit of comparisons, so that the time is not quadratic:
    of thousands of unknown names the last ones have no suggestion."""

    def __init__(self) -> None:
        self._left = MAX_COMPARISONS

    def nearest(self, name: str, *candidates: Iterable[str]) -> str | None:
        """As `nearest` of all candidates together; None when too many were compared before."""
        if self._left <= 0:
            return None
        compared = list(islice(chain.from_iterable(candidates), MAX_CANDIDATES))
        self._left -= len(compared)
        return nearest(name, compared)


def _max_distance(length: int) -> int:
    return 0 if length < 2 else 1 if length < 5 else 2 if length < 9 else 3


def _edit_distance(a: str, b: str, limit: int) -> int:
    """Damerau's distance (optimal string alignment), or `limit` when it is not less."""
    row_before_last: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        next_row = [i]
        for j, y in enumerate(b, 1):
            cost = min(row[j] + 1, next_row[-1] + 1, row[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, row_before_last[j - 2] + 1)
            next_row.append(cost)
        if min(next_row) >= limit:
            return limit
        row_before_last, row = row, next_row
    return row[-1]
