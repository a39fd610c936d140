"""Smooth elementwise functions, ordered from the plain to the special.

Derivatives are written so that they and their own derivatives keep their digits, and are limits at the ends of a
domain; where ordinary operations cannot say it, `slopes` has one that can.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from cgcli.graph.types import AnyType, Type

from .op import ZERO, Effects, Routine, Spelling, TypeMismatch, declare
from .typing import broadcast, first_number, floats, one

if TYPE_CHECKING:
    from .protocols import Attrs, OpBuilder

POSITIVE = ((0.3,), (1.0,), (2.5,))
HAZARD = Effects(hazard=True)
REAL = ((-1.5,), (0.2,), (2.0,))
INSIDE_ONE = ((-0.7,), (0.1,), (0.6,))


_function = partial(declare, type_rule=floats, examples=REAL)
"""Declares a function of numbers; its kernel is by default the namespace's function of its name."""


def _from_above(b: OpBuilder, x: int) -> int:
    """x, and 0.0 for -0.0: at the end of a domain the derivative is the limit from within."""
    return b.add(x, 0.0)


_function(
    "exp",
    "e to the power of x",
    lambda b, g, y, x, at: b.mul(g, y),
    effects=HAZARD,
    spelling=Spelling("call", latex="e^{{{0}}}"),
)
_function("expm1", "exp(x) - 1, accurate near 0", lambda b, g, y, x, at: b.mul(g, b.exp(x)), effects=HAZARD)
_function(
    "log",
    "the natural logarithm",
    lambda b, g, y, x, at: b.div(g, _from_above(b, x)),
    examples=POSITIVE,
    domain="x > 0 (log(0) is -inf)",
    effects=HAZARD,
    spelling=Spelling("call", latex=r"\ln\left({0}\right)"),
)
_function(
    "log1p",
    "log(1 + x), accurate near 0",
    lambda b, g, y, x, at: b.div(g, b.add(1.0, x)),
    examples=POSITIVE,
    domain="x > -1",
    effects=HAZARD,
)
_function(
    "log2",
    "the logarithm to base 2",
    lambda b, g, y, x, at: b.div(g, b.mul(_from_above(b, x), math.log(2))),
    examples=POSITIVE,
    domain="x > 0",
    effects=HAZARD,
)
_function(
    "log10",
    "the logarithm to base 10",
    lambda b, g, y, x, at: b.div(g, b.mul(_from_above(b, x), math.log(10))),
    examples=POSITIVE,
    domain="x > 0",
    effects=HAZARD,
)
_function(
    "sqrt",
    "the square root",
    lambda b, g, y, x, at: b.div(g, b.mul(2.0, _from_above(b, y))),
    examples=POSITIVE,
    domain="x ≥ 0; its derivative at 0 is inf",
    effects=Effects(hazard=True, prescribed=True),
    spelling=Spelling("call", latex=r"\sqrt{{{0}}}"),
)
_function(
    "cbrt",
    "the cube root, of negative numbers too",
    lambda b, g, y, x, at: b.div(b.div(g, b.mul(3.0, y)), y),
    examples=((-1.5,), (0.2,), (8.0,)),
    domain="all numbers; its derivative at 0 is inf",
    effects=HAZARD,
    spelling=Spelling("call", latex=r"\sqrt[3]{{{0}}}"),
)
_function("sin", "the sine of an angle in radians", lambda b, g, y, x, at: b.mul(g, b.cos(x)))
_function("cos", "the cosine of an angle in radians", lambda b, g, y, x, at: b.neg(b.mul(g, b.sin(x))))
_function("tan", "the tangent of an angle in radians", lambda b, g, y, x, at: b.mul(g, b.add(1.0, b.mul(y, y))))
_function(
    "asin",
    "the angle in radians whose sine is x",
    lambda b, g, y, x, at: b.div(g, b.sqrt(b.one_minus_square(x))),
    examples=INSIDE_ONE,
    domain="-1 ≤ x ≤ 1",
    effects=HAZARD,
)
_function(
    "acos",
    "the angle in radians whose cosine is x",
    lambda b, g, y, x, at: b.neg(b.div(g, b.sqrt(b.one_minus_square(x)))),
    examples=INSIDE_ONE,
    domain="-1 ≤ x ≤ 1",
    effects=HAZARD,
)
_function("atan", "the angle in radians whose tangent is x", lambda b, g, y, x, at: b.mul(g, b.cauchy(x)))
_function("sinh", "the hyperbolic sine", lambda b, g, y, x, at: b.mul(g, b.cosh(x)), effects=HAZARD)
_function("cosh", "the hyperbolic cosine", lambda b, g, y, x, at: b.mul(g, b.sinh(x)), effects=HAZARD)
_function(
    "tanh",
    "the hyperbolic tangent",
    lambda b, g, y, x, at: b.mul(g, b.sech2(x)),
    formula=lambda b, g, y, x, at: b.mul(g, b.sub(1.0, b.fixed_power(y, exponent=2))),
)
_function("asinh", "the inverse of sinh", lambda b, g, y, x, at: b.div(g, b.hypot(1.0, x)))
_function(
    "acosh",
    "the inverse of cosh, not negative",
    lambda b, g, y, x, at: b.div(b.div(g, b.sqrt(b.sub(x, 1.0))), b.sqrt(b.add(x, 1.0))),
    examples=((1.5,), (2.0,), (10.0,)),
    domain="x ≥ 1",
    effects=HAZARD,
)
_function(
    "atanh",
    "the inverse of tanh",
    lambda b, g, y, x, at: b.div(g, b.one_minus_square(x)),
    examples=INSIDE_ONE,
    domain="-1 < x < 1",
    effects=HAZARD,
)
_function(
    "erf",
    "the error function, 2/sqrt(pi) times the integral of exp(-t²) from 0 to x",
    lambda b, g, y, x, at: b.mul(g, b.mul(2 / math.sqrt(math.pi), b.exp_minus_square(x))),
    effects=Effects(out=False, dear=True),
)
_function(
    "erfc",
    "1 - erf(x), accurate for large x",
    lambda b, g, y, x, at: b.neg(b.mul(g, b.mul(2 / math.sqrt(math.pi), b.exp_minus_square(x)))),
    effects=Effects(out=False, dear=True),
)
_function(
    "lgamma",
    "the logarithm of |Γ(x)|",
    lambda b, g, y, x, at: b.mul(g, b.digamma(x)),
    examples=((0.3,), (2.5,), (-1.5,)),
    domain="all but 0, -1, -2, …",
    effects=Effects(hazard=True, out=False),
    loops=Routine(),
)
_function(
    "digamma",
    "the derivative of lgamma",
    lambda b, g, y, x, at: b.mul(g, b.polygamma(b.const(1), x)),
    examples=((0.3,), (2.5,), (-1.5,)),
    domain="all but 0, -1, -2, …",
    effects=Effects(hazard=True, out=False),
    loops=Routine(),
)
_function(
    "sigmoid",
    "1 / (1 + exp(-x))",
    lambda b, g, y, x, at: b.mul(g, b.sigmoid_slope(x)),
    formula=lambda b, g, y, x, at: b.mul(g, b.mul(y, b.sub(1.0, y))),
    spelling=Spelling("call", latex=r"\sigma\left({0}\right)"),
)
_function("softplus", "log(1 + exp(x))", lambda b, g, y, x, at: b.mul(g, b.sigmoid(x)))


def _polygamma_type(types: Sequence[AnyType], at: Attrs) -> Type:
    order = one(types[0])
    if not order.is_int:
        raise TypeMismatch("order-not-an-int", [0], type=order)
    x = floats(types[1:], at)
    return x._replace(shape=broadcast((order.shape, x.shape)))


def _hypot_part(b: OpBuilder, g: int, r: int, x: int, z: int) -> tuple[int, int]:
    """x / hypot(x, z); at the origin the derivative of smallest magnitude, 0."""
    return b.mul(g, b.direction(x, z)), b.ne(r, 0.0)


_function(
    "atan2",
    "the angle in radians of the point (x, y); y comes first",
    (
        lambda b, g, r, y, x, at: b.mul(g, b.multipole(y, x, m=1, part="re")),
        lambda b, g, r, y, x, at: b.mul(g, b.multipole(y, x, m=1, part="im")),
    ),
    examples=((1.0, 2.0), (-1.0, -0.5), (0.5, -2.0)),
    domain="all points but the origin, where the derivative is nan",
    effects=HAZARD,
)
_function(
    "hypot",
    "sqrt(x² + y²) without overflow; its derivative at the origin is 0",
    (lambda b, g, r, x, y, at: _hypot_part(b, g, r, x, y), lambda b, g, r, x, y, at: _hypot_part(b, g, r, y, x)),
    examples=((3.0, 4.0), (-1.0, 0.5)),
    domain="all numbers",
    effects=HAZARD,
)
_function(
    "polygamma",
    "the derivative of digamma of order n, an int that is not negative",
    (None, lambda b, g, y, n, x, at: b.mul(g, b.polygamma(b.add(n, b.const(1)), x))),
    examples=((1, 0.3), (2, 2.5), (0, 1.5)),
    domain="n ≥ 0 and all x but 0, -1, -2, …",
    effects=Effects(hazard=True, out=False),
    loops=Routine(),
    type_rule=_polygamma_type,
)


_step = partial(
    _function,
    rules=ZERO,
    domain="all numbers; a step, so its derivative is 0",
    effects=Effects(prescribed=True),
    type_rule=first_number,
)
_step("sign", "-1, 0 or 1")
_step(
    "floor",
    "the largest whole number that is not above x",
    spelling=Spelling("call", latex=r"\left\lfloor {0} \right\rfloor"),
)
_step(
    "ceil",
    "the smallest whole number that is not below x",
    spelling=Spelling("call", latex=r"\left\lceil {0} \right\rceil"),
)
_step("round", "the nearest whole number, a half to the even one")
