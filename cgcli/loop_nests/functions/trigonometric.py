"""Sine, cosine and tangent."""

from __future__ import annotations

import math

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Value

from .angles import reduced
from .parts import Definition, Pair, fast_two_sum, polynomial

# sin(r)/r - 1 over r² for |r| ≤ pi/4, to 2.1e-17
_SIN = (
    -0.16666666666666666,
    0.008333333333330936,
    -0.00019841269836740532,
    2.7557316093198404e-06,
    -2.5051129896450185e-08,
    1.5917988979397435e-10,
)

# (cos(r) - 1 + r²/2) / r⁴ for |r| ≤ pi/4, to 1.3e-18
_COS = (
    0.041666666666666664,
    -0.0013888888888887389,
    2.48015872987544e-05,
    -2.755731726587808e-07,
    2.087614504941318e-09,
    -1.138254464534925e-11,
)


def _sine_and_cosine(k: LoopBuilder, a: Value) -> tuple[Value, Pair, Pair]:
    """The quadrant q of a ≥ 0, and sine and cosine of the rest as sums of two numbers, the second one small."""
    c = k.const
    q, r, low = reduced(k, k.select(k.lt(a, c(math.inf)), a, c(0.0)))
    z = k.mul(r, r)
    sine = r, k.add(low, k.mul(k.mul(r, z), polynomial(k, z, _SIN)))
    half = k.mul(c(0.5), z)
    main = k.sub(c(1.0), half)
    rest = k.sub(k.mul(k.mul(z, z), polynomial(k, z, _COS)), k.mul(r, low))
    return q, sine, (main, k.add(k.sub(k.sub(c(1.0), main), half), rest))


def _odd(k: LoopBuilder, q: Value) -> Value:
    """Whether an integral number is odd."""
    half = k.mul(q, k.const(0.5))
    return k.lt(k.floor(half), half)


def _upper(k: LoopBuilder, q: Value) -> Value:
    """Whether an integral number is 2 or 3 modulo 4."""
    return _odd(k, k.floor(k.mul(q, k.const(0.5))))


def _or_nan_at_infinity(k: LoopBuilder, a: Value, y: Value) -> Value:
    return k.select(k.lt(a, k.const(math.inf)), y, k.const(math.nan))


def _sin(k: LoopBuilder, x: Value) -> Value:
    a = k.abs(x)
    q, sine, cosine = _sine_and_cosine(k, a)
    y = k.select(_odd(k, q), k.add(*cosine), k.add(*sine))
    y = k.select(_upper(k, q), k.neg(y), y)
    return _or_nan_at_infinity(k, a, k.mul(k.copysign(k.const(1.0), x), y))


def _cos(k: LoopBuilder, x: Value) -> Value:
    a = k.abs(x)
    q, sine, cosine = _sine_and_cosine(k, a)
    y = k.select(_odd(k, q), k.add(*sine), k.add(*cosine))
    y = k.select(_upper(k, k.add(q, k.const(1.0))), k.neg(y), y)
    return _or_nan_at_infinity(k, a, y)


def _tan(k: LoopBuilder, x: Value) -> Value:
    """The quotient of both, corrected for what their sums lose."""
    a = k.abs(x)
    q, sine, cosine = _sine_and_cosine(k, a)
    odd = _odd(k, q)
    (s, s_low), (c, c_low) = fast_two_sum(k, *sine), fast_two_sum(k, *cosine)
    above, above_low = k.select(odd, c, s), k.select(odd, c_low, s_low)
    below, below_low = k.select(odd, s, c), k.select(odd, s_low, c_low)
    y = k.div(above, below)
    y = k.add(y, k.div(k.sub(above_low, k.mul(y, below_low)), below))
    y = k.select(odd, k.neg(y), y)
    return _or_nan_at_infinity(k, a, k.mul(k.copysign(k.const(1.0), x), y))


DEFINITIONS: dict[str, Definition] = {"sin": _sin, "cos": _cos, "tan": _tan}
