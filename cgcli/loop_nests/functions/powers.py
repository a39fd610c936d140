"""Powers and roots."""

from __future__ import annotations

import math

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Value

from .exponential import LN2_HIGH, LN2_LOW, exp_of_sum
from .parts import Definition, Pair, fast_two_sum, halves, polynomial, two_product, two_sum

# ((log((1 + s)/(1 - s)) - 2s) / s³ - 2/3) / s² over s², of (1 + s)/(1 - s) in [sqrt(1/2), sqrt(2)], to 2.8e-16
_LOG_TAIL = (
    0.4000000000000003,
    0.2857142857133801,
    0.22222222271326808,
    0.18181808210921882,
    0.15385577463308145,
    0.13285868837545742,
    0.1291471218393509,
)
_TWO_THIRDS = 0.6666666666666666, 3.700743415417188e-17

# cbrt(m) for sqrt(1/2) ≤ m ≤ sqrt(2), to 2.2e-7
_CBRT = (
    0.3996475553591703,
    1.189298544034334,
    -1.1678225638852118,
    0.9460743759577253,
    -0.4967430303930417,
    0.14883949055692383,
    -0.019294530052596393,
)

_LARGE_EXPONENT = 2.0**65
"""A power with a larger one overflows or vanishes, unless its base is 1: |log x| is at least 2^-53."""


def _long_log(k: LoopBuilder, x: Value) -> Pair:
    """log(x) of a positive finite x to about 2^-65 of itself: e log 2 + 2 atanh(s) with s = (m - 1)/(m + 1)."""
    c = k.const
    m, e = k.mantissa(x), k.exponent(x)
    f = k.sub(m, c(1.0))
    d, d_low = two_sum(k, m, c(1.0))
    s = k.div(f, d)
    p, p_low = two_product(k, s, d)
    s_low = k.div(k.sub(k.sub(k.sub(f, p), p_low), k.mul(s, d_low)), d)
    z, z_low = two_product(k, s, s)
    z_low = k.add(z_low, k.mul(k.add(s, s), s_low))
    tail = k.mul(z, polynomial(k, z, _LOG_TAIL))
    curve, curve_low = fast_two_sum(k, c(_TWO_THIRDS[0]), tail)
    bend, bend_low = _product(k, (z, z_low), (curve, k.add(curve_low, c(_TWO_THIRDS[1]))))
    bend, bend_low = _product(k, (s, s_low), (bend, bend_low))
    high, low = fast_two_sum(k, k.add(s, s), bend)
    low = k.add(low, k.add(k.add(s_low, s_low), bend_low))
    total, error = two_sum(k, k.mul(e, c(LN2_HIGH)), high)
    return fast_two_sum(k, total, k.add(error, k.add(k.mul(e, c(LN2_LOW)), low)))


def _product(k: LoopBuilder, x: Pair, y: Pair) -> Pair:
    p, low = two_product(k, x[0], y[0])
    return p, k.add(low, k.add(k.mul(x[0], y[1]), k.mul(x[1], y[0])))


def _power(k: LoopBuilder, x: Value, y: Value) -> Value:
    """exp(y log|x|), the product to about 2^-63 of itself, with the sign and the edges of C99's pow."""
    c = k.const
    zero, inf = c(0.0), c(math.inf)
    a = k.abs(x)
    bounded = k.select(k.lt(k.abs(y), c(_LARGE_EXPONENT)), y, k.copysign(c(_LARGE_EXPONENT), y))
    log, log_low = _long_log(k, a)
    p, p_low = two_product(k, bounded, log)
    p_low = k.add(p_low, k.mul(bounded, log_low))
    p_low = k.select(k.lt(k.abs(p), c(1000.0)), p_low, zero)
    size = exp_of_sum(k, p, p_low)
    falls = k.lt(y, zero)
    size = k.select(k.eq(a, zero), k.select(falls, inf, zero), size)
    size = k.select(k.eq(a, inf), k.select(falls, zero, inf), size)
    whole = k.eq(k.floor(y), y)
    half = k.mul(y, c(0.5))
    odd = k.and_(whole, k.ne(k.floor(half), half))
    signed = k.select(odd, k.copysign(size, x), size)
    signed = k.select(k.and_(k.and_(k.lt(x, zero), k.lt(a, inf)), k.not_(whole)), c(math.nan), signed)
    signed = k.select(k.and_(k.eq(x, x), k.eq(y, y)), signed, c(math.nan))
    return k.select(k.or_(k.eq(x, c(1.0)), k.eq(y, zero)), c(1.0), signed)


def _cbrt(k: LoopBuilder, x: Value) -> Value:
    """A polynomial, cut to 26 bits so that its square is exact, and one step of Halley's iteration; exact for cubes."""
    c = k.const
    a = k.abs(x)
    m, e = k.mantissa(a), k.exponent(a)
    third = k.floor(k.mul(k.add(e, c(0.5)), c(1 / 3)))
    left = k.sub(e, k.mul(third, c(3.0)))
    one, two = k.eq(left, c(1.0)), k.eq(left, c(2.0))
    scaled = k.mul(m, k.select(one, c(2.0), k.select(two, c(4.0), c(1.0))))
    factor = k.select(one, c(2.0 ** (1 / 3)), k.select(two, c(4.0 ** (1 / 3)), c(1.0)))
    root, _ = halves(k, k.mul(polynomial(k, m, _CBRT), factor))
    quotient = k.div(scaled, k.mul(root, root))
    step = k.div(k.sub(quotient, root), k.add(k.add(root, root), quotient))
    y = k.copysign(k.ldexp(k.add(root, k.mul(root, step)), third), x)
    return k.select(k.and_(k.gt(a, c(0.0)), k.lt(a, c(math.inf))), y, x)


def _hypot(k: LoopBuilder, x: Value, y: Value) -> Value:
    """The root of the sum of squares, of numbers scaled by a power of two so that no square overflows or vanishes."""
    c = k.const
    inf = c(math.inf)
    a, b = k.abs(x), k.abs(y)
    most = k.select(k.gt(a, b), a, b)
    large, small = k.gt(most, c(2.0**500)), k.lt(most, c(2.0**-400))
    scale = k.select(large, c(2.0**-600), k.select(small, c(2.0**600), c(1.0)))
    back = k.select(large, c(2.0**600), k.select(small, c(2.0**-600), c(1.0)))
    a, b = k.mul(a, scale), k.mul(b, scale)
    root = k.mul(k.sqrt(k.add(k.mul(a, a), k.mul(b, b))), back)
    return k.select(k.or_(k.eq(k.abs(x), inf), k.eq(k.abs(y), inf)), inf, root)


DEFINITIONS: dict[str, Definition] = {"power": _power, "cbrt": _cbrt, "hypot": _hypot}
