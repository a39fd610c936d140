"""Exponentials and the hyperbolic functions that are made of them."""

from __future__ import annotations

import math

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Value

from .parts import Definition, fast_two_sum, or_nan, polynomial

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""log 2 in two parts; the first one has so few bits that its product with an exponent is exact."""

# (exp(r) - 1 - r) / r² for |r| ≤ log(2)/2, to 1.1e-16
_EXP = (
    0.5000000000000001,
    0.16666666666666669,
    0.041666666666623824,
    0.008333333333330039,
    0.0013888888917367081,
    0.00019841269863171557,
    2.4801521057868204e-05,
    2.7557268276905696e-06,
    2.7620201591031547e-07,
    2.5100472505694996e-08,
)

# sinh(x)/x - 1 over x² for |x| ≤ 1, to 9.1e-20
_SINH = (
    0.16666666666666666,
    0.008333333333333299,
    0.00019841269841324198,
    2.7557319191381816e-06,
    2.5052117695907823e-08,
    1.6057679623801638e-10,
    7.746178593018827e-13,
)


def _between(k: LoopBuilder, x: Value, least: float, most: float) -> Value:
    """x within these bounds; one of them for a nan."""
    y = k.select(k.gt(x, k.const(least)), x, k.const(least))
    return k.select(k.lt(y, k.const(most)), y, k.const(most))


def _reduced(k: LoopBuilder, x: Value, low: Value | None) -> tuple[Value, Value, Value]:
    """An integral n, and high and curve with exp(x + low) = 2^n (1 + (high + curve)), |high + curve| ≤ sqrt(2) - 1.

    A curve is small beside `high`. low: small beside 1, None for 0.
    """
    c = k.const
    n = k.round(k.mul(x, c(1 / math.log(2))))
    high = k.fma(n, c(-LN2_HIGH), x)  # exact
    rest = k.mul(n, c(-LN2_LOW)) if low is None else k.fma(n, c(-LN2_LOW), low)
    r = k.add(high, rest)
    return n, high, k.fma(k.mul(r, r), polynomial(k, r, _EXP), rest)


def exp_of_sum(k: LoopBuilder, x: Value, low: Value | None, shift: int = 0) -> Value:
    """exp(x + low) · 2^shift for a `low` that is small beside 1, None for 0. Any number of a nan `x`."""
    n, high, curve = _reduced(k, _between(k, x, -746.0, 712.0), low)
    if shift:
        n = k.add(n, k.const(float(shift)))
    return k.ldexp(k.add(k.const(1.0), k.add(high, curve)), n)


def scaled_exp(k: LoopBuilder, x: Value, low: Value | None, factor: Value, error: Value | None = None) -> Value:
    """factor (1 + error) exp(x + low) for a `low` that is small beside 1 and an `error` of a few units, None for 0.

    What the factor is made of is not waited for until the end. Any number of a nan `x`.
    """
    n, high, curve = _reduced(k, _between(k, x, -746.0, 712.0), low)
    change = k.add(high, curve if error is None else k.add(curve, error))
    return k.ldexp(k.fma(factor, change, factor), n)


def _exp(k: LoopBuilder, x: Value) -> Value:
    return or_nan(k, x, exp_of_sum(k, x, None))


def _expm1_of(k: LoopBuilder, x: Value) -> Value:
    """exp(x) - 1 as 2^n ((1 - 2^-n) + (exp(r) - 1)), the first sum with its error. Any number of a nan."""
    c = k.const
    n, high, curve = _reduced(k, _between(k, x, -50.0, 712.0), None)
    rest = k.sub(c(1.0), k.ldexp(c(1.0), k.neg(n)))
    total, error = fast_two_sum(k, rest, high)  # rest is 0 or at least 1/2
    return k.ldexp(k.add(total, k.add(error, curve)), n)


def _expm1(k: LoopBuilder, x: Value) -> Value:
    y = k.select(k.eq(x, k.const(0.0)), x, _expm1_of(k, x))
    return or_nan(k, x, y)


def _sinh(k: LoopBuilder, x: Value) -> Value:
    """A polynomial up to 1, from there on by exp."""
    c = k.const
    a = k.abs(x)
    z = k.mul(x, x)
    near = k.add(x, k.mul(k.mul(x, z), polynomial(k, z, _SINH)))
    half = exp_of_sum(k, a, None, shift=-1)
    far = k.copysign(k.sub(half, k.div(c(0.25), half)), x)
    return or_nan(k, x, k.select(k.lt(a, c(1.0)), near, far))


def _cosh(k: LoopBuilder, x: Value) -> Value:
    half = exp_of_sum(k, k.abs(x), None, shift=-1)
    return or_nan(k, x, k.add(half, k.div(k.const(0.25), half)))


def _tanh(k: LoopBuilder, x: Value) -> Value:
    """E / (E + 2) for E = exp(2|x|) - 1, from 1/2 on as 1 - 2 / (E + 2)."""
    c = k.const
    a = k.abs(x)
    a = k.select(k.lt(a, c(25.0)), a, c(25.0))
    e = _expm1_of(k, k.add(a, a))
    large = k.ge(a, c(0.5))
    quotient = k.div(k.select(large, c(2.0), e), k.add(e, c(2.0)))
    return or_nan(k, x, k.copysign(k.select(large, k.sub(c(1.0), quotient), quotient), x))


DEFINITIONS: dict[str, Definition] = {
    "exp": _exp,
    "expm1": _expm1,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
}
