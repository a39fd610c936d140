"""The inverse functions of sine, cosine and tangent."""

from __future__ import annotations

import math

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Value

from .parts import Definition, halves, or_nan, polynomial

_PI_REST = 1.2246467991473532e-16
"""pi less its float."""

# asin(x)/x - 1 over x² for |x| ≤ 1/2, to 1.1e-18
_ASIN = (
    0.16666666666666666,
    0.07500000000000125,
    0.0446428571425344,
    0.03038194447718173,
    0.022372157363072055,
    0.017352818864697632,
    0.013963737065607995,
    0.01156698944442246,
    0.009617383556655952,
    0.009345251651161767,
    0.0029452290980146465,
    0.01980325795035846,
    -0.01960247019450132,
    0.029843065460634383,
)

# atan(x)/x - 1 over x² for |x| ≤ 7/16, to 1e-16
_ATAN = (
    -0.33333333333333326,
    0.19999999999987417,
    -0.14285714283083087,
    0.11111110895843966,
    -0.09090900024119854,
    0.0769208378557662,
    -0.06663194393499736,
    0.05847375690378693,
    -0.050323085229597934,
    0.03778297318363979,
    -0.017500940493054964,
)

_ARCS = (
    (7 / 16, 0.5, 0.4636476090008061, 2.2698777452961687e-17),
    (11 / 16, 1.0, 0.7853981633974483, 3.061616997868383e-17),
    (19 / 16, 1.5, 0.982793723247329, 1.3903311031230998e-17),
)
"""From a bound on, atan(x) = atan(c) + atan((x - c)/(1 + c x)); then c, and atan(c) in two parts. Bounds and points are
those of fdlibm's `s_atan.c` (Sun Microsystems, 1993)."""


def _atan_of(k: LoopBuilder, a: Value) -> Value:
    """atan(a) for a ≥ 0."""
    c = k.const
    above, below, high, low = a, c(1.0), c(0.0), c(0.0)
    for bound, point, arc, rest in _ARCS:
        behind = k.ge(a, c(bound))
        above = k.select(behind, k.sub(a, c(point)), above)
        below = k.select(behind, k.add(c(1.0), k.mul(c(point), a)), below)
        high, low = k.select(behind, c(arc), high), k.select(behind, c(rest), low)
    far = k.ge(a, c(39 / 16))  # atan(x) = pi/2 + atan(-1/x)
    above, below = k.select(far, c(-1.0), above), k.select(far, a, below)
    high, low = k.select(far, c(math.pi / 2), high), k.select(far, c(_PI_REST / 2), low)
    t = k.div(above, below)
    z = k.mul(t, t)
    return k.add(high, k.add(t, k.add(low, k.mul(t, k.mul(z, polynomial(k, z, _ATAN))))))


def _atan(k: LoopBuilder, x: Value) -> Value:
    return k.copysign(_atan_of(k, k.abs(x)), x)


def _atan2(k: LoopBuilder, y: Value, x: Value) -> Value:
    """The angle of the quotient, which is 1 for two infinities and 0 for two zeros, in the quadrant of x and y."""
    c = k.const
    a, b = k.abs(y), k.abs(x)
    quotient = k.select(k.eq(a, c(0.0)), a, k.div(a, b))
    quotient = k.select(k.and_(k.eq(a, c(math.inf)), k.eq(b, c(math.inf))), c(1.0), quotient)
    arc = _atan_of(k, quotient)
    left = k.lt(k.copysign(c(1.0), x), c(0.0))
    arc = k.select(left, k.sub(c(math.pi), k.sub(arc, c(_PI_REST))), arc)
    return or_nan(k, x, k.copysign(arc, y))


def _half_angle(k: LoopBuilder, a: Value) -> tuple[Value, Value, Value]:
    """For 0 ≤ a ≤ 1, whether a < 1/2, and asin(s) of s = a or s = sqrt((1 - a)/2) as the sum of two numbers.

    The first of the two is s where a < 1/2, else s to 26 bits. Both are nan beyond 1.
    """
    c = k.const
    near = k.lt(a, c(0.5))
    z = k.select(near, k.mul(a, a), k.mul(c(0.5), k.sub(c(1.0), a)))
    s = k.select(near, a, k.sqrt(z))
    curve = k.mul(s, k.mul(z, polynomial(k, z, _ASIN)))
    high, _ = halves(k, s)
    total = k.add(s, high)
    rest = k.div(k.sub(z, k.mul(high, high)), k.select(k.eq(total, c(0.0)), c(1.0), total))
    return near, k.select(near, s, high), k.select(near, curve, k.add(rest, curve))


def _asin(k: LoopBuilder, x: Value) -> Value:
    """By a polynomial up to 1/2, from there on pi/2 - 2 asin(sqrt((1 - a)/2)) for a = |x|."""
    c = k.const
    near, high, low = _half_angle(k, k.abs(x))
    quarter = c(math.pi / 4)
    rest = k.sub(k.add(low, low), c(_PI_REST / 2))
    far = k.sub(quarter, k.sub(rest, k.sub(quarter, k.add(high, high))))
    return k.copysign(k.select(near, k.add(high, low), far), x)


def _acos(k: LoopBuilder, x: Value) -> Value:
    """pi/2 - asin(x) up to 1/2, from there on 2 asin(sqrt((1 - a)/2)), or pi less that for a negative x."""
    c = k.const
    near, high, low = _half_angle(k, k.abs(x))
    sign = k.copysign(c(1.0), x)
    middle = k.sub(c(math.pi / 2), k.sub(k.mul(sign, high), k.sub(c(_PI_REST / 2), k.mul(sign, low))))
    double, double_low = k.add(high, high), k.add(low, low)
    left = k.sub(c(math.pi), k.add(double, k.sub(double_low, c(_PI_REST))))
    right = k.add(double, double_low)
    return k.select(near, middle, k.select(k.lt(x, c(0.0)), left, right))


DEFINITIONS: dict[str, Definition] = {"asin": _asin, "acos": _acos, "atan": _atan, "atan2": _atan2}
