"""Sizes that are never negative, whatever numbers their names stand for, and the one text of `max(0, …)`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import gcd
from typing import NamedTuple

from .polynomials import Polynomial, added, multiplied, size_of_polynomial
from .size_text import never_negative, polynomial

_MOST_CASES = 64  # of one question; a size of a few slices takes less than ten
_MAX = "max(0,"


class Split(NamedTuple):
    """A polynomial as rest + factor · max(0, argument)."""

    rest: Polynomial
    factor: Polynomial
    argument: Polynomial

    def at_argument(self) -> Polynomial:
        """Its value where the argument is not negative."""
        return added(self.rest, multiplied(self.factor, self.argument))


def negated(p: Polynomial) -> Polynomial:
    return {terms: -factor for terms, factor in p.items()}


def is_nonnegative(p: Polynomial) -> bool:
    """Whether a polynomial is proved to be 0 or more for all numbers of its names, which are 0 or more.

    max(0, q) is 0 or q, and at least both: with a positive factor one of the two suffices, else both have to hold.
    """
    return _is_nonnegative(size_of_polynomial(p))


@lru_cache(maxsize=4096)
def _is_nonnegative(size: int | str) -> bool:
    every: list[list[Polynomial]] = [[_read(size)]]  # of each alternative, what has to hold
    for _ in range(_MOST_CASES):
        if not every:
            return False
        goals = [p for p in every.pop() if not _is_plain(p)]
        if not goals:
            return True
        split = _split(goals[0])
        if split is None:
            continue
        cases, others = (split.rest, split.at_argument()), goals[1:]
        if _is_plain(split.factor):
            every += [[case, *others] for case in cases]
        elif _is_plain(negated(split.factor)):
            every.append([*cases, *others])
    return False


def _is_plain(p: Polynomial) -> bool:
    """Whether no product of a polynomial can be negative."""
    return all(factor > 0 and all(map(never_negative, terms)) for terms, factor in p.items())


def _split(p: Polynomial) -> Split | None:
    """By the largest of its terms that are maxima, None where there is none, or its square."""
    maxima = {term for terms in p for term in terms if term.startswith(_MAX)}
    if not maxima:
        return None
    term = max(maxima, key=lambda text: (len(text), text))  # what is nested in others comes later
    if any(terms.count(term) > 1 for terms in p):
        return None
    factor = {tuple(t for t in terms if t != term): x for terms, x in p.items() if term in terms}
    return Split({terms: x for terms, x in p.items() if term not in terms}, factor, polynomial(term[len(_MAX) : -1]))


@lru_cache(maxsize=4096)
def positive_part(size: int | str) -> int | str:
    """`size`, or 0 where it is negative, in the one text that stands for it."""
    p = _read(size)
    if is_nonnegative(p):
        return size
    if is_nonnegative(negated(p)):
        return 0
    common, p = _common_factor(p)
    split = _split(p)
    if split is not None and _is_plain(split.factor):  # max(0, rest, rest + factor q), of which one may be below 0
        cases = split.rest, split.at_argument()
        for case, other in (cases, cases[::-1]):
            if is_nonnegative(negated(case)):
                return size_of_polynomial(multiplied(common, _read(positive_part(size_of_polynomial(other)))))
    text = str(size_of_polynomial(p))
    part: Polynomial = {(f"{_MAX}{text})",): 1}
    if text.startswith("-"):  # max(0, a) is a + max(0, -a): one of the two texts stands for both
        part = added(p, {(f"{_MAX}{size_of_polynomial(negated(p))})",): 1})
    return size_of_polynomial(multiplied(common, part))


def _common_factor(p: Polynomial) -> tuple[Polynomial, Polynomial]:
    """A polynomial as the number and the terms that all its products share, which are never negative, and the rest."""
    number = gcd(*p.values())
    shared = [*next(iter(p))]
    for terms in p:
        left, kept = list(terms), []
        for term in shared:
            if term in left and never_negative(term):
                left.remove(term)
                kept.append(term)
        shared = kept
    rest: dict[tuple[str, ...], int] = {}
    for terms, factor in p.items():
        left = list(terms)
        for term in shared:
            left.remove(term)
        rest[tuple(left)] = factor // number
    return {tuple(shared): number}, rest


def _read(size: int | str) -> Mapping[tuple[str, ...], int]:
    return polynomial(str(size))
