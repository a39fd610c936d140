"""Whether the steps of a vector loop are independent: an analysis of the index maps of what they read and write.

Two steps are independent if neither writes an element that the other one reads or writes. That is shown buffer by
buffer, by an axis at which all accesses have the index `c·i + j + k`: `i` is the loop's variable, `k` is the same in
all steps and all accesses, and `j` is a sum of variables of inner loops that stays within a range shorter than `c`. So
different steps have different indices. The form of `j` is that of digits: its coefficients and the sizes of the inner
loops multiply up to `c`; or all of these are numbers. Gathered indices (loaded values) never qualify.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .form import Apply, Const, Extent, For, Index, Value

Product = tuple[int, tuple[int, ...]]
"""A number times values, each by its `id`, sorted."""


class Split(NamedTuple):
    """An index, seen from a loop: the coefficient of its variable (None if it has none), the terms of inner loops
    with their loops (None if another inner value is in it), the terms that are equal in all steps, and the rest."""

    factor: Extent | None
    inner: tuple[tuple[For, Extent], ...] | None
    fixed: frozenset[tuple[Value, Extent]]
    const: int


def split(index: Index, loop: For, inside: Mapping[Value, For | None]) -> Split:
    """inside: the values that are defined in the loop; of variables of `for` the loop, of others None."""
    factor: Extent | None = None
    inner: list[tuple[For, Extent]] | None = []
    fixed: set[tuple[Value, Extent]] = set()
    for value, times in index.terms:
        varying = isinstance(times, Value) and times in inside
        if value is loop.variable and factor is None and not varying:
            factor = times
        elif value not in inside and not varying and (value, times) not in fixed:
            fixed.add((value, times))
        else:
            of = inside.get(value)
            inner = None if inner is None or of is None or varying else [*inner, (of, times)]
    return Split(factor, None if inner is None else tuple(inner), frozenset(fixed), index.const)


def independent(accesses: Sequence[Sequence[Split]], definitions: Mapping[Value, Apply | Const]) -> bool:
    """Whether steps touch different elements by these accesses, all those of a buffer of which one stores.

    definitions: what makes the values that are products and constants, for coefficients that are values.
    """
    if len({len(access) for access in accesses}) != 1:
        return False
    return any(_axis([access[axis] for access in accesses], definitions) for axis in range(len(accesses[0])))


def _axis(splits: Sequence[Split], definitions: Mapping[Value, Apply | Const]) -> bool:
    first = splits[0]
    if first.factor is None or first.factor == 0:
        return False
    if any((s.factor, s.fixed) != (first.factor, first.fixed) or s.inner is None for s in splits):
        return False
    if isinstance(first.factor, int):
        ranges = [_range(s) for s in splits]
        known = [r for r in ranges if r is not None]
        if len(known) == len(ranges) and max(b for _, b in known) - min(a for a, _ in known) < abs(first.factor):
            return True
    return all(s.const == first.const and _digits(s, definitions) for s in splits)


def _range(s: Split) -> tuple[int, int] | None:
    """The smallest and the largest rest of an index whose inner loops have bounds that are numbers."""
    low = high = s.const
    for loop, factor in s.inner or ():
        if not (isinstance(factor, int) and isinstance(loop.begin, int) and isinstance(loop.end, int)):
            return None
        ends = sorted((factor * loop.begin, factor * max(loop.begin, loop.end - 1)))
        low, high = low + ends[0], high + ends[1]
    return low, high


def _digits(s: Split, definitions: Mapping[Value, Apply | Const]) -> bool:
    """Whether the terms of inner loops are digits, from the last one up to the coefficient of the variable."""
    assert s.inner is not None
    assert s.factor is not None
    digits = {_product(factor, definitions): loop for loop, factor in s.inner}
    if len(digits) != len(s.inner) or len({id(loop) for loop in digits.values()}) != len(digits):
        return False
    weight: Product = (1, ())
    while digits:
        loop = digits.pop(weight, None)
        if loop is None or not isinstance(loop.begin, int) or loop.begin < 0:
            return False
        weight = _times(weight, _product(loop.end, definitions))
    # where no inner loop tells its size, a coefficient that is a value may be 0
    return bool(s.inner) and weight == _product(s.factor, definitions)


def _product(x: Extent, definitions: Mapping[Value, Apply | Const]) -> Product:
    """A coefficient or a size as a product of numbers and values."""
    number, todo = 1, [x]
    values: list[int] = []
    while todo and len(values) < 16:  # a product of no use has many
        y = todo.pop()
        statement = definitions.get(y) if isinstance(y, Value) else None
        if isinstance(y, int):
            number *= y
        elif isinstance(statement, Const):
            number *= int(statement.value)
        elif isinstance(statement, Apply) and statement.primitive == "mul":
            todo += statement.operands
        else:
            values.append(id(y))
    return number, tuple(sorted([*values, *map(id, todo)]))


def _times(a: Product, b: Product) -> Product:
    return a[0] * b[0], tuple(sorted((*a[1], *b[1])))
