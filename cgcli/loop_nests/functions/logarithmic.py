"""Logarithms and the inverse hyperbolic functions that are made of them."""

from __future__ import annotations

import math

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Value

from .exponential import LN2_HIGH, LN2_LOW
from .parts import Definition, Pair, fast_two_sum, halves, polynomial, two_sum

# (log((1 + s)/(1 - s)) - 2s) / s³ over s² for 1 + f = (1 + s)/(1 - s) in [sqrt(1/2), sqrt(2)], to 3.2e-16
_LOG = (
    0.666666666666667,
    0.3999999999989889,
    0.28571428626253836,
    0.22222211089379496,
    0.1818289243253687,
    0.15331611722055008,
    0.14617807153417325,
)

_BY_LN2 = 1.4426950216293335, 1.9259629911266175e-08
_BY_LN10 = 0.4342944771051407, 4.798111141615973e-09
"""1 / log 2 and 1 / log 10 in two parts, the first one of 26 bits."""
_LOG10_2 = 0.3010299955494702, 1.1451100898021838e-10
"""log10 2 in two parts, the first one of 32 bits."""


def _curve(k: LoopBuilder, f: Value) -> Pair:
    """h = f²/2 and b with log(1 + f) = f - (h - b): b = s (h + R(s²)) with s = f/(2 + f).

    Source: the same form as in fdlibm's `e_log.c` (Sun Microsystems, 1993).
    """
    s = k.div(f, k.add(k.const(2.0), f))
    z = k.mul(s, s)
    half = k.mul(k.mul(k.const(0.5), f), f)
    return half, k.mul(s, k.fma(z, polynomial(k, z, _LOG), half))


def _log_of(k: LoopBuilder, x: Value, low: Value | None) -> Value:
    """log(x) + low of a positive finite x = m 2^e: e log 2 + log(1 + f). low: small beside 1, None for 0."""
    c = k.const
    e = k.exponent(x)
    f = k.sub(k.mantissa(x), c(1.0))
    half, bend = _curve(k, f)
    rest = k.fma(e, c(LN2_LOW), bend)
    if low is not None:
        rest = k.add(rest, low)
    return k.fma(e, c(LN2_HIGH), k.sub(f, k.sub(half, rest)))


def _log(k: LoopBuilder, x: Value) -> Value:
    return _at_ends(k, x, _log_of(k, x, None))


def _at_ends(k: LoopBuilder, x: Value, y: Value) -> Value:
    """A logarithm `y` of a positive finite `x`; -inf of 0, nan below, inf of inf, nan of nan."""
    c = k.const
    y = k.select(k.gt(x, c(0.0)), y, k.select(k.eq(x, c(0.0)), c(-math.inf), c(math.nan)))
    return k.select(k.eq(x, c(math.inf)), x, y)


def _log1p_of(k: LoopBuilder, x: Value) -> Value:
    """log(1 + x) for a finite x > -1: of the rounded sum, and what the rounding takes off."""
    u, error = two_sum(k, k.const(1.0), x)
    return _log_of(k, u, k.div(error, u))


def _log1p(k: LoopBuilder, x: Value) -> Value:
    c = k.const
    y = k.select(k.eq(x, c(0.0)), x, _log1p_of(k, x))
    y = k.select(k.gt(x, c(-1.0)), y, k.select(k.eq(x, c(-1.0)), c(-math.inf), c(math.nan)))
    return k.select(k.eq(x, c(math.inf)), x, y)


def _log_to_base(k: LoopBuilder, x: Value, factor: tuple[float, float], of_2: tuple[float, float]) -> Value:
    """log(x) · factor: exact at powers of the base that are floats, for its error is hardly above one half.

    factor: the reciprocal of the base's logarithm, of_2: the logarithm of 2 to the base, each in two parts. As in
    FreeBSD's `e_log10.c`.
    """
    c = k.const
    e = k.exponent(x)
    f = k.sub(k.mantissa(x), c(1.0))
    half, bend = _curve(k, f)
    high, _ = halves(k, k.sub(f, half))
    low = k.add(k.sub(k.sub(f, high), half), bend)
    whole, part = k.mul(e, c(of_2[0])), k.mul(high, c(factor[0]))  # both exact
    rest = k.add(k.mul(k.add(low, high), c(factor[1])), k.mul(low, c(factor[0])))
    if of_2[1]:
        rest = k.add(k.mul(e, c(of_2[1])), rest)
    total, error = fast_two_sum(k, whole, part)
    return _at_ends(k, x, k.add(total, k.add(error, rest)))


def _log2(k: LoopBuilder, x: Value) -> Value:
    return _log_to_base(k, x, _BY_LN2, (1.0, 0.0))


def _log10(k: LoopBuilder, x: Value) -> Value:
    return _log_to_base(k, x, _BY_LN10, _LOG10_2)


# ---- inverse hyperbolic functions

_LARGE = 2.0**60
"""From here on sqrt(x² ± 1) is x, and asinh and acosh are log(2x)."""


def _asinh(k: LoopBuilder, x: Value) -> Value:
    """log(1 + (a + a²/(1 + sqrt(1 + a²)))) for a = |x|."""
    c = k.const
    a = k.abs(x)
    large = k.ge(a, c(_LARGE))
    square = k.mul(a, a)
    more = k.div(square, k.add(c(1.0), k.sqrt(k.add(c(1.0), square))))
    y = _log1p_of(k, k.select(large, a, k.add(a, more)))
    y = k.select(large, k.add(y, c(math.log(2))), y)
    y = k.select(k.lt(a, c(math.inf)), y, a)
    return k.copysign(y, x)


def _acosh(k: LoopBuilder, x: Value) -> Value:
    """log(1 + (t + sqrt(2t + t²))) for t = x - 1."""
    c = k.const
    large = k.ge(x, c(_LARGE))
    t = k.sub(x, c(1.0))
    near = k.add(t, k.sqrt(k.add(k.add(t, t), k.mul(t, t))))
    y = _log1p_of(k, k.select(large, x, near))
    y = k.select(large, k.add(y, c(math.log(2))), y)
    y = k.select(k.ge(x, c(1.0)), y, c(math.nan))
    return k.select(k.eq(x, c(math.inf)), x, y)


def _atanh(k: LoopBuilder, x: Value) -> Value:
    """log(1 + 2a/(1 - a)) / 2 for a = |x|."""
    c = k.const
    a = k.abs(x)
    double = k.add(a, a)
    rest = k.sub(c(1.0), a)
    near = k.add(double, k.div(k.mul(double, a), rest))
    y = k.mul(c(0.5), _log1p_of(k, k.select(k.lt(a, c(0.5)), near, k.div(double, rest))))
    y = k.select(k.lt(a, c(1.0)), y, k.select(k.eq(a, c(1.0)), c(math.inf), c(math.nan)))
    return k.copysign(y, x)


DEFINITIONS: dict[str, Definition] = {
    "log": _log,
    "log1p": _log1p,
    "log2": _log2,
    "log10": _log10,
    "asinh": _asinh,
    "acosh": _acosh,
    "atanh": _atanh,
}
