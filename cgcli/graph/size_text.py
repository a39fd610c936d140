"""Sizes read from their text: as polynomials, or as numbers once names have values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from .polynomials import Polynomial, added, floored, multiplied, size_of_polynomial

_TOKEN = re.compile(r"\s*(\w+|//|[-+*(),])")
T = TypeVar("T")


class UnknownSize(Exception):
    """A size contains a name without a value."""


class Algebra(NamedTuple, Generic[T]):
    """An interpretation of sizes: the operations by which a text is evaluated."""

    number: Callable[[int], T]
    name: Callable[[str], T]
    add: Callable[[T, T], T]
    multiply: Callable[[T, T], T]
    floor_divide: Callable[[T, T], T]
    positive: Callable[[T], T]


_POLYNOMIALS: Algebra[Polynomial] = Algebra(
    number=lambda n: {(): n} if n else {},
    name=lambda name: {(name,): 1},
    add=added,
    multiply=multiplied,
    floor_divide=lambda a, b: {(floored(size_of_polynomial(a), size_of_polynomial(b)),): 1},
    positive=lambda a: {(f"max(0,{size_of_polynomial(a)})",): 1},
)


_NEVER_NEGATIVE: Algebra[bool] = Algebra(
    number=lambda n: n >= 0,
    name=lambda name: True,
    add=bool.__and__,
    multiply=bool.__and__,
    floor_divide=bool.__and__,
    positive=lambda a: True,
)


@lru_cache(maxsize=4096)
def never_negative(term: str) -> bool:
    """Whether all parts of a term are 0 or more, as names are."""
    return interpreted(term, _NEVER_NEGATIVE)


@lru_cache(maxsize=4096)
def polynomial(text: str) -> Polynomial:
    return interpreted(text, _POLYNOMIALS)


def value(text: str, values: Mapping[str, int]) -> int:
    """The number that a size is. Raises UnknownSize for a name that `values` does not have."""

    def named(name: str) -> int:
        if name not in values:
            raise UnknownSize(name)
        return values[name]

    numbers: Algebra[int] = Algebra(
        int, named, int.__add__, int.__mul__, lambda a, b: a // b if b else 0, lambda a: max(0, a)
    )
    return interpreted(text, numbers)


def interpreted(text: str, algebra: Algebra[T]) -> T:
    """What a size is in an algebra."""
    return _Reader(text, algebra).sum()


class _Reader(Generic[T]):
    """Reads one text from left to right; recursion as deep as its own brackets nest."""

    def __init__(self, text: str, algebra: Algebra[T]) -> None:
        self.tokens = _TOKEN.findall(text)
        self.algebra = algebra
        self.at = 0

    def sum(self) -> T:
        a = self.algebra
        minus = a.number(-1)
        total = a.multiply(minus, self._product()) if self._take("-") else self._product()
        while self._next() in ("+", "-"):
            negative = self._take("-") or not self._take("+")
            part = self._product()
            total = a.add(total, a.multiply(minus, part) if negative else part)
        return total

    def _product(self) -> T:
        total = self._factor()
        while self._take("*"):
            total = self.algebra.multiply(total, self._factor())
        return total

    def _factor(self) -> T:
        token = self.tokens[self.at]
        self.at += 1
        if token == "(":
            factor = self.sum()
            if self._take("//"):
                factor = self.algebra.floor_divide(factor, self.sum())
            self.at += 1
            return factor
        if token == "max" and self._next() == "(":
            self.at += 3  # the bracket, the 0 and the comma
            factor = self.algebra.positive(self.sum())
            self.at += 1
            return factor
        return self.algebra.number(int(token)) if token.isdigit() else self.algebra.name(token)

    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self, token: str) -> bool:
        if self._next() != token:
            return False
        self.at += 1
        return True
