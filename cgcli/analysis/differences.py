"""Derivatives checked against differences of the function itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

Verdict = Literal["ok", "wrong", "kink", "edge"]
"""edge: the function or its derivative is infinite here, or the function is nan: differences say nothing. A derivative
that is nan where the differences are finite is wrong."""


class Check(NamedTuple):
    """One partial derivative beside its difference quotient."""

    name: str
    derivative: float
    difference: float
    verdict: Verdict


def check(f: Callable[[float], float], name: str, x: float, derivative: float, unit: float = 2.0**-52) -> Check:
    """Compares a derivative at `x` with differences of `f`; `unit` is the rounding unit of f's values.

    Central differences with two steps, extrapolated (Richardson); their own disagreement and the rounding of `f` give
    the tolerance. Where the one-sided differences do not approach each other as the step shrinks, the point is a kink.
    """
    value = f(x)
    h = unit ** (1 / 5) * max(1.0, abs(x)) / 4
    steps = [h, h / 2, h / 4]
    right = [(f(x + s) - value) / ((x + s) - x) for s in steps]
    left = [(value - f(x - s)) / (x - (x - s)) for s in steps]
    finite = all(map(math.isfinite, [*right, *left, value]))
    if finite and math.isnan(derivative):
        return Check(name, derivative, (right[-1] + left[-1]) / 2, "wrong")
    if not finite or math.isinf(derivative):
        return Check(name, derivative, (right[-1] + left[-1]) / 2, "edge")
    noise = 64 * unit * (abs(value) + abs(x * right[-1])) / steps[-1]
    jumps = [abs(r - s) for r, s in zip(right, left, strict=True)]
    central = [(r + s) / 2 for r, s in zip(right, left, strict=True)]
    once = [(4 * central[k + 1] - central[k]) / 3 for k in (0, 1)]
    difference = (16 * once[1] - once[0]) / 15
    tolerance = 8 * abs(once[1] - once[0]) + noise + 1e-9 * abs(difference)
    # a smooth function's jump halves with the step, a kink's stays
    if jumps[2] > 0.8 * jumps[0] and jumps[2] > 8 * noise + 1e-6 * (abs(right[2]) + abs(left[2])):
        return Check(name, derivative, difference, "kink")
    return Check(name, derivative, difference, "ok" if abs(derivative - difference) <= tolerance else "wrong")
