"""About how many statements a nest runs: how often a loop looks at the stop flag, whether a run is short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cgcli.loop_nests.form import PRODUCTS, Call, Const, Extent, For, Statement, Switch, Value, While

_NO_SIZES: Mapping[Value, int] = {}
POLLED = 65536
"""About how many statements run between two looks at the stop flag."""
MOST_STEPS = 4096
"""The largest number of steps between them."""


MULTIPLICATIONS = 16
"""How many multiplications of a matrix product take as long as a statement."""
CALLED, OPERATION = 50_000, 20
"""How many statements the call of an op takes as long as, and each operation of it."""


def weight(body: Sequence[Statement], most: int = MOST_STEPS, sizes: Mapping[Value, int] = _NO_SIZES) -> int:
    """How many statements run, at most `most`; a loop whose steps the sizes do not tell counts as so many."""
    total = 0
    for s in body:
        match s:
            case Const():
                continue
            case For():
                begin, end = (_number(x, sizes) for x in (s.begin, s.end))
                steps = most if begin is None or end is None else min(max(end - begin, 0), most)
                total += steps * weight(s.body, most, sizes) if steps < most else most
            case While():
                total += most
            case Call():
                total += _call(s, most, sizes)
            case Switch():
                total += max((weight(case.body, most, sizes) for case in s.cases), default=0)
        total += 1
        if total >= most:
            return most
    return total


def _call(s: Call, most: int, sizes: Mapping[Value, int]) -> int:
    """A matrix product by its multiplications, another op by its operations."""
    numbers = [_number(x, sizes) for x in s.numbers]
    if s.routine in PRODUCTS:
        m, n, inner, *_ = numbers
        return most if m is None or n is None or inner is None else min(most, m * n * inner // MULTIPLICATIONS)
    (count,) = numbers or [None]
    return most if count is None else min(most, CALLED + OPERATION * count)


def _number(x: Extent, sizes: Mapping[Value, int]) -> int | None:
    return x if isinstance(x, int) else sizes.get(x)


def period(work: int) -> int:
    """How many steps of so much work run between two looks at the stop flag, a power of two."""
    return min(MOST_STEPS, 1 << max(0, (POLLED // max(1, work)).bit_length() - 1))
