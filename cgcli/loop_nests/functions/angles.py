"""An angle as a multiple of pi/2 and a rest of at most pi/4, the rest to about 100 bits."""

from __future__ import annotations

import math

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Value

from .parts import fast_two_sum, two_product, two_sum

_SMALL = 2.0**20
"""Below, a multiple of pi/2 has so few bits that its products with parts of 33 bits are exact."""
_HALF_PI_PARTS = 1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32
"""pi/2 in four parts, all but the last one of 33 bits (W. J. Cody and W. Waite, Software Manual for the Elementary
Functions, 1980)."""
_HALF_PI, _HALF_PI_REST = math.pi / 2, 6.123233995736766e-17

# fmt: off
_TWO_OVER_PI = (
    10680707, 7228996, 1387004, 2578385, 16069853, 12639074, 9804092, 4427841, 16666979, 11263675, 12935607, 2387514,
    4345298, 14681673, 3074569, 13734428, 16653803, 1880361, 10960616, 8533493, 3062596, 8710556, 7349940, 6258241,
    3772886, 3769171, 3798172, 8675211, 12450088, 3874808, 9961438, 366607, 15675153, 9132554, 7151469, 3571407,
    2607881, 12013382, 4155038, 6285869, 7677882, 13102053, 15825725, 473591, 9065106, 15363067, 6271263, 9264392,
    5636912,
)
"""The digits of 2/pi to the base 2^24 behind the point."""
# fmt: on
_BASE = 2.0**24


def reduced(k: LoopBuilder, a: Value) -> tuple[Value, Value, Value]:
    """An integral q ≥ 0, high and low with a = q pi/2 + high + low, modulo 2 pi, for a finite a ≥ 0."""
    c = k.const
    n = k.round(k.mul(a, c(2 / math.pi)))
    first = k.sub(a, k.mul(n, c(_HALF_PI_PARTS[0])))  # exact, as the products that follow are
    second, error = two_sum(k, first, k.mul(n, c(-_HALF_PI_PARTS[1])))
    third, error_3 = two_sum(k, second, k.mul(n, c(-_HALF_PI_PARTS[2])))
    rest = k.sub(k.add(error, error_3), k.mul(n, c(_HALF_PI_PARTS[3])))
    small = (n, *fast_two_sum(k, third, rest))
    q, high, low = k.switch(k.ge(a, c(_SMALL)), [lambda: small, lambda: _reduced_large(k, a)])
    return q, high, low


def _reduced_large(k: LoopBuilder, a: Value) -> tuple[Value, Value, Value]:
    """The same for a ≥ 2^20 (M. Payne and R. Hanek, Radian reduction for trigonometric functions, 1983).

    a is an integer of 4 digits to the base 2^24 times a power 2^(24 j). Of its product with 2/pi only the digits around
    the point are computed: those far above are multiples of 4.
    """
    c = k.const
    j = k.floor(k.mul(k.sub(k.exponent(a), c(52.5)), c(1 / 24)))
    digits = _digits(k, k.ldexp(a, k.mul(j, c(-24.0))))
    factor = _window(k, k.add(j, c(2.0)))
    carry = c(0.0)
    product = []  # digits of the fraction, the last one first
    for place in range(6, -1, -1):
        total = carry
        for digit, part in zip(digits, factor[place:], strict=False):
            total = k.add(total, k.mul(digit, part))
        carry = k.floor(k.mul(total, c(1 / _BASE)))
        product.append(k.sub(total, k.mul(carry, c(_BASE))))
    whole = k.sub(product[6], k.mul(c(4.0), k.floor(k.mul(product[6], c(0.25)))))
    pairs = [k.add(k.mul(product[i], c(_BASE)), product[i - 1]) for i in (5, 3, 1)]
    top, middle, last = (k.mul(pair, c(_BASE ** (-2 * i - 2))) for i, pair in enumerate(pairs))
    up = k.ge(top, c(0.5))
    top = k.select(up, k.sub(top, c(1.0)), top)
    whole = k.select(up, k.add(whole, c(1.0)), whole)
    high, low = two_sum(k, top, middle)
    high, low = fast_two_sum(k, high, k.add(low, last))
    p, rest = two_product(k, high, c(_HALF_PI))
    rest = k.add(rest, k.add(k.mul(low, c(_HALF_PI)), k.mul(high, c(_HALF_PI_REST))))
    return (whole, *fast_two_sum(k, p, rest))


def _digits(k: LoopBuilder, x: Value) -> list[Value]:
    """The 4 digits of an integer to the base 2^24, the last one first."""
    digits = []
    for place in (3, 2, 1):
        digit = k.floor(k.mul(x, k.const(_BASE**-place)))
        x = k.sub(x, k.mul(digit, k.const(_BASE**place)))
        digits.append(digit)
    return [x, *digits[::-1]]


def _window(k: LoopBuilder, start: Value) -> list[Value]:
    """10 digits of 2/pi from the one with this number on, 0 ≤ start ≤ 42; the first three are zeros.

    The bits of `start` shift the table, the highest one first; at each step only what can still be reached is kept.
    """
    table = [k.const(float(digit)) for digit in (0, 0, 0, *_TWO_OVER_PI)]
    for shift in (32, 16, 8, 4, 2, 1):
        taken = k.ge(start, k.const(float(shift)))
        start = k.select(taken, k.sub(start, k.const(float(shift))), start)
        kept = min(shift - 1 + 10, len(table))
        zero = k.const(0.0)
        moved = [table[i + shift] if i + shift < len(table) else zero for i in range(kept)]
        table = [k.select(taken, x, y) for x, y in zip(moved, table, strict=False)]
    return table
