"""Sizes of axes: a number, or a polynomial in named sizes, written as text in one canonical way.

`2*n + 1` is a size like `3` is. Names are rigid: two names are two sizes, 0 or more, and a name is never 1. What no
polynomial can say (a floor, a difference that may not be negative) is a term of its own, `((n + 1)//2)` or
`max(0,n - 3)`. Equal sizes have equal texts, as far as `size_bounds` proves what is never negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .polynomials import Polynomial, added, floored, multiplied, size_of_polynomial
from .size_bounds import positive_part
from .size_text import polynomial, value

Size = int | str
Shape = tuple[Size, ...]


def add(a: Size, b: Size) -> Size:
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    return size_of_polynomial(added(_read(a), _read(b)))


def sub(a: Size, b: Size) -> Size:
    return add(a, mul(b, -1))


def mul(a: Size, b: Size) -> Size:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    return size_of_polynomial(multiplied(_read(a), _read(b)))


def floor_div(a: Size, b: Size) -> Size:
    """⌊a / b⌋; raises ZeroDivisionError for a `b` that is 0."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if a == b:
        return 1
    if not isinstance(b, int):
        exact = _divided(_read(a), _read(b))
        return floored(a, b) if exact is None else size_of_polynomial(exact)
    # (b*q + r)//b = q + r//b
    whole: dict[tuple[str, ...], int] = {}
    rest: dict[tuple[str, ...], int] = {}
    for terms, factor in _read(a).items():
        q, r = divmod(factor, b)
        if q:
            whole[terms] = q
        if r:
            rest[terms] = r
    if set(rest) <= {()}:
        return size_of_polynomial(whole)
    return size_of_polynomial(added(whole, {(floored(size_of_polynomial(rest), b),): 1}))


def smaller(a: Size, b: Size) -> Size:
    return sub(b, positive(sub(b, a)))


def larger(a: Size, b: Size) -> Size:
    return add(a, positive(sub(b, a)))


def positive(a: Size) -> Size:
    """`a`, or 0 where it is negative; `a` itself where it cannot be."""
    return max(a, 0) if isinstance(a, int) else positive_part(a)


def product(sizes: Iterable[Size]) -> Size:
    total: Size = 1
    for size in sizes:
        total = mul(total, size)
    return total


def same(a: Size, b: Size) -> bool | None:
    """Whether two sizes are equal; None when that depends on the values of names."""
    if a == b:
        return True
    if (isinstance(a, int) or a.isidentifier()) and (isinstance(b, int) or b.isidentifier()):
        return False
    difference = sub(a, b)
    return False if isinstance(difference, int) else None


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The number that a size is. Raises UnknownSize for a name that `values` does not have."""
    if isinstance(size, int):
        return size
    if size in values:
        return values[size]
    return value(size, values)


def _divided(a: Polynomial, b: Polynomial) -> Polynomial | None:
    """The exact quotient of `a` by a `b` of one product, None where there is a remainder."""
    if len(b) != 1:
        return None
    ((terms, factor),) = b.items()
    quotient: dict[tuple[str, ...], int] = {}
    for product_, x in a.items():
        left = list(product_)
        for term in terms:
            if term not in left:
                return None
            left.remove(term)
        if x % factor:
            return None
        quotient[tuple(left)] = x // factor
    return quotient


def _read(size: Size) -> Polynomial:
    if isinstance(size, int):
        return {(): size} if size else {}
    if size.isidentifier():
        return {(size,): 1}
    return polynomial(size)
