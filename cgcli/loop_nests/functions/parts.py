"""What the definitions of functions share: polynomials, and sums and products with their rounding errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cgcli.loop_nests.builder import LoopBuilder
from cgcli.loop_nests.form import Value

Definition = Callable[..., Value]
"""`definition(k, x)` or `definition(k, x, y)` builds the result of a function of f64 values."""

Pair = tuple[Value, Value]
"""A number as the unevaluated sum of two, the second one at most half a unit in the last place of the first."""

_SPLITTER = 2.0**27 + 1.0


def polynomial(k: LoopBuilder, x: Value, coefficients: Sequence[float]) -> Value:
    """By Estrin's scheme: pairs, then pairs of pairs. coefficients: the constant one first."""
    terms = [k.const(c) for c in coefficients]
    while len(terms) > 1:
        pairs = [k.fma(terms[i + 1], x, terms[i]) for i in range(0, len(terms) - 1, 2)]
        terms = pairs if len(terms) % 2 == 0 else [*pairs, terms[-1]]
        if len(terms) > 1:
            x = k.mul(x, x)
    return terms[0]


def or_nan(k: LoopBuilder, x: Value, y: Value) -> Value:
    """`y`, and nan where `x` is."""
    return k.select(k.eq(x, x), y, x)


def two_sum(k: LoopBuilder, a: Value, b: Value) -> Pair:
    """a + b exactly (D. E. Knuth, The Art of Computer Programming 2, 4.2.2)."""
    s = k.add(a, b)
    t = k.sub(s, a)
    return s, k.add(k.sub(a, k.sub(s, t)), k.sub(b, t))


def fast_two_sum(k: LoopBuilder, a: Value, b: Value) -> Pair:
    """a + b exactly for |a| ≥ |b| or a = 0 (T. J. Dekker, A floating-point technique, 1971)."""
    s = k.add(a, b)
    return s, k.sub(b, k.sub(s, a))


def halves(k: LoopBuilder, a: Value) -> Pair:
    """a as a sum of two numbers of at most 26 bits, for |a| < 2^996 (Dekker, with a sign for the 27th bit)."""
    c = k.mul(a, k.const(_SPLITTER))
    high = k.sub(c, k.sub(c, a))
    return high, k.sub(a, high)


def two_product(k: LoopBuilder, a: Value, b: Value) -> Pair:
    """a · b exactly, but for parts below the smallest number."""
    p = k.mul(a, b)
    return p, k.fma(a, b, k.neg(p))
