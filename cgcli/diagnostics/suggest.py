"""The name that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, islice

LONGEST = 64  # characters of a name that is compared at all
MOST = 10_000  # candidates that are compared
MOST_OF_ALL = 20_000  # candidates that are compared for all names of one text
_DIGITS = re.compile(r"\d+")


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a slip of the keyboard turns into `name`, or None when none is near.

    One slip is a letter too many, too few, wrong, or two that changed places; a short name may hold one, a long one
    up to three. Another case of letters counts as none. Names that differ by their digits only (`x1`, `x2`) are apart.
    Of several the shortest is offered, then the first by the alphabet.
    """
    if len(name) > LONGEST:
        return None
    folded = name.casefold()
    best, least = None, _allowed(len(name)) + 1
    for candidate in sorted(islice(candidates, MOST), key=lambda c: (len(c), c)):
        if candidate == name or abs(len(candidate) - len(name)) >= least:
            continue
        other = candidate.casefold()
        if other != folded and _DIGITS.sub("", other) == _DIGITS.sub("", folded):
            continue
        slips = _slips(folded, other, least)
        if slips < least:
            best, least = candidate, slips
    return best


class Suggestions:
    """`nearest` for many names of one text, whose time must not grow with their square: after a number of comparisons
    no more are made, so that of thousands of unknown names the last ones have no suggestion."""

    def __init__(self) -> None:
        self._left = MOST_OF_ALL

    def nearest(self, name: str, *candidates: Iterable[str]) -> str | None:
        """As `nearest` of all candidates together; None when too many were compared before."""
        if self._left <= 0:
            return None
        compared = list(islice(chain.from_iterable(candidates), MOST))
        self._left -= len(compared)
        return nearest(name, compared)


def _allowed(length: int) -> int:
    return 0 if length < 2 else 1 if length < 5 else 2 if length < 9 else 3


def _slips(a: str, b: str, least: int) -> int:
    """Damerau's distance (optimal string alignment), or `least` when it is not less."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            cost = min(row[j] + 1, new[-1] + 1, row[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        if min(new) >= least:
            return least
        before, row = row, new
    return row[-1]
