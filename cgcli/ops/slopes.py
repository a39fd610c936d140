"""Derivatives that are operations of their own, with derivative rules of their own.

Composed of ordinary operations they have the right value, but their own derivatives would lose all digits where two
terms nearly cancel (`sigmoid''` beside 0), or be nan where one factor vanishes faster than another grows (`erf''` at
inf). The language has no words for them: in a formula they are decomposed (`Spelling.decomposition`).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import comb, inf
from typing import TYPE_CHECKING

from .op import BinaryRule, Decomposition, Effects, Evaluate, Spelling, UnaryRule, declare
from .typing import floats

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, OpBuilder, Operand


def _slope(
    name: str,
    doc: str,
    evaluate: Evaluate,
    rules: UnaryRule | tuple[BinaryRule, BinaryRule],
    decomposition: Decomposition,
    examples: tuple[tuple[float, ...], ...],
    domain: str = "all numbers",
    hazard: bool = False,
    attrs: Mapping[str, int | str] | None = None,
) -> None:
    operands = ", ".join(f"{{{k}}}" for k in range(len(examples[0])))
    declare(
        name,
        doc,
        rules,
        spelling=Spelling(
            "none",
            name,
            latex=rf"\operatorname{{{{{name.replace('_', ' ')}}}}}\left({operands}\right)",
            decomposition=decomposition,
        ),
        type_rule=floats,
        evaluate=evaluate,
        effects=Effects(hazard=hazard),
        examples=examples,
        attrs=attrs,
        domain=domain,
    )


# Of one number


def _bell(xp: ArrayNamespace, e: Array) -> Array:
    return e / ((1.0 + e) * (1.0 + e))


_slope(
    "one_minus_square",
    "1 - x², accurate beside -1 and 1",
    lambda xp, at, x: (1.0 - x) * (1.0 + x),
    lambda b, g, y, x, at: b.mul(g, b.mul(-2.0, x)),
    lambda b, x, at: b.mul(b.sub(1.0, x), b.add(1.0, x)),
    ((-1.5,), (0.2,), (1.0,)),
)
_slope(
    "cauchy",
    "1 / (1 + x²), the derivative of atan",
    lambda xp, at, x: xp.divide(xp.divide(1.0, xp.hypot(1.0, x)), xp.hypot(1.0, x)),
    lambda b, g, y, x, at: b.mul(g, b.mul(-2.0, b.mul(y, b.div(b.direction(x, 1.0), b.hypot(1.0, x))))),
    lambda b, x, at: b.div(1.0, b.add(1.0, b.mul(x, x))),
    ((-1.5,), (0.0,), (2.0,)),
)
_slope(
    "sech2",
    "1 / cosh(x)², the derivative of tanh",
    lambda xp, at, x: 4.0 * _bell(xp, xp.exp(-abs(2.0 * x))),
    lambda b, g, y, x, at: b.mul(g, b.mul(-2.0, b.mul(y, b.tanh(x)))),
    lambda b, x, at: b.div(1.0, b.fixed_power(b.cosh(x), exponent=2)),
    ((-1.5,), (0.0,), (2.0,)),
)
_slope(
    "sigmoid_slope",
    "sigmoid(x) * sigmoid(-x), the derivative of sigmoid",
    lambda xp, at, x: _bell(xp, xp.exp(-abs(1.0 * x))),
    lambda b, g, y, x, at: b.neg(b.mul(g, b.mul(y, b.tanh(b.mul(0.5, x))))),
    lambda b, x, at: b.mul(b.sigmoid(x), b.sigmoid(b.neg(x))),
    ((-1.5,), (0.0,), (2.0,)),
)


def _times_where_it_counts(b: OpBuilder, y: int, x: int) -> int:
    """y * x, 0 where y has vanished: it does so faster than any power of x grows."""
    return b.mul(y, b.where(b.ne(y, 0.0), x, 0.0))


_slope(
    "exp_minus_square",
    "exp(-x²)",
    lambda xp, at, x: xp.exp(-1.0 * x * x),
    lambda b, g, y, x, at: b.mul(g, b.mul(-2.0, _times_where_it_counts(b, y, x))),
    lambda b, x, at: b.exp(b.neg(b.mul(x, x))),
    ((-1.5,), (0.0,), (2.0,)),
)


# Of a point in the plane


def _direction(xp: ArrayNamespace, at: BoundAttrs, x: Array, y: Array) -> Array:
    x, y = 1.0 * x, 1.0 * y
    overflows = xp.hypot(x, y) == inf
    short_x, short_y = xp.where(overflows, 0.25 * x, x), xp.where(overflows, 0.25 * y, y)
    ratio = xp.divide(short_x, xp.hypot(short_x, short_y))
    return xp.where(xp.logical_and(abs(x) == inf, abs(y) < inf), xp.sign(x), ratio)


_slope(
    "direction",
    "x / hypot(x, y), the derivative of hypot: what is left of a point when its length is taken away",
    _direction,
    (
        lambda b, g, r, x, y, at: b.mul(g, b.div(b.fixed_power(b.direction(y, x), exponent=2), b.hypot(x, y))),
        lambda b, g, r, x, y, at: b.neg(b.mul(g, b.div(b.mul(r, b.direction(y, x)), b.hypot(x, y)))),
    ),
    lambda b, x, y, at: b.div(x, b.hypot(x, y)),
    ((3.0, 4.0), (-1.0, 0.5)),
    "all points but the origin; at infinity in both directions it is nan",
    True,
)
_FAR = 2.0**600  # the square of this distance has no inverse among the floats


def _multipole(xp: ArrayNamespace, at: BoundAttrs, y: Array, x: Array) -> Array:
    """Re or Im of (x + iy)^-m by the direction of the point and its distance."""
    m, x, y = at["m"], 1.0 * x, 1.0 * y
    h = xp.hypot(x, y)
    u, v = xp.divide(x, h), xp.divide(y, h)
    real, imaginary = u, -v
    if m > 1:  # u² - v² without loss where the two are close
        real, imaginary = xp.divide(x - y, h) * xp.divide(x + y, h), -2.0 * (u * v)
    for _ in range(m - 2):
        real, imaginary = real * u + imaginary * v, imaginary * u - real * v
    part = real if at["part"] == "re" else imaginary
    for _ in range(m):
        part = xp.divide(part, h)
    return xp.where(h >= (_FAR if m > 1 else inf), 0.0, part)


def _multipole_decomposed(b: OpBuilder, y: int, x: int, at: Attrs) -> int:
    real, imaginary = x, b.neg(y)
    for _ in range(at["m"] - 1):
        real, imaginary = b.add(b.mul(real, x), b.mul(imaginary, y)), b.sub(b.mul(imaginary, x), b.mul(real, y))
    part = real if at["part"] == "re" else imaginary
    for _ in range(2 * at["m"]):
        part = b.div(part, b.hypot(y, x))
    return part


def _multipole_by_y(b: OpBuilder, g: int, r: int, y: int, x: int, at: Attrs) -> int:
    """The derivative of z^-m by y is -m i z^-(m + 1): the parts change places."""
    m, real = at["m"], at["part"] == "re"
    return b.mul(g, b.mul(float(m if real else -m), b.multipole(y, x, m=m + 1, part="im" if real else "re")))


def _multipole_by_x(b: OpBuilder, g: int, r: int, y: int, x: int, at: Attrs) -> int:
    m = at["m"]
    return b.mul(g, b.mul(float(-m), b.multipole(y, x, m=m + 1, part=at["part"])))


_slope(
    "multipole",
    "the real or imaginary part of (x + iy)^-m: all derivatives of atan2",
    _multipole,
    (_multipole_by_y, _multipole_by_x),
    _multipole_decomposed,
    ((1.0, 2.0), (-1.0, -0.5), (0.5, -2.0)),
    "all points but the origin",
    True,
    {"m": 2, "part": "re"},
)


# Of a base and an exponent


def _falling(by_base: int, times: int) -> list[float]:
    """Coefficients, the highest power first, of the derivative of that order of n (n - 1) … (n - by_base + 1)."""
    falling = [1.0]
    for k in range(by_base):
        falling = [a - k * c for a, c in zip([*falling, 0.0], [0.0, *falling], strict=True)]
    for _ in range(times):
        degree = len(falling) - 1
        falling = [c * (degree - k) for k, c in enumerate(falling[:-1])] or [0.0]
    return falling


def _logarithms(at: Attrs) -> list[list[float]]:
    """Of a partial derivative divided by x^(n - by_base), as a polynomial in log x: its coefficients, each one in n."""
    k = at["by_exponent"]
    return [[comb(k, i) * c for c in _falling(at["by_base"], i)] for i in range(k + 1)]


def _power_partial(xp: ArrayNamespace, at: BoundAttrs, x: Array, n: Array) -> Array:
    """A partial derivative of x^n. At x = 0 and at inf it is the limit: a power outweighs every power of log x."""
    n = 1.0 * n
    size = xp.power(x, n - float(at["by_base"]))
    rest: Operand = 0.0
    for k, coefficients in enumerate(_logarithms(at)):
        value: Operand = coefficients[0]
        for c in coefficients[1:]:
            value = value * n + c
        if k == 1:
            log = xp.log(x)
        # 0 · log 0 is 0 here, as for every x above
        rest = value if k == 0 else xp.where(rest == 0.0, 0.0 * n, rest * log) + value
    vanishes = xp.logical_or(rest == 0.0, xp.logical_and(size == 0.0, rest == rest))
    return xp.where(vanishes, 0.0 * n, size * rest)


def _power_partial_decomposed(b: OpBuilder, x: int, n: int, at: Attrs) -> int:
    j = at["by_base"]
    rest: int | None = None
    for coefficients in _logarithms(at):
        value = b.const(coefficients[0])
        for c in coefficients[1:]:
            value = b.mul(value, n) if c == 0.0 else b.add(b.mul(value, n), c)
        rest = value if rest is None else b.add(b.mul(rest, b.log(x)), value)
    assert rest is not None
    return b.mul(rest, b.power(x, b.sub(n, float(j))))


def _higher(by_base: int, by_exponent: int) -> BinaryRule:
    def rule(b: OpBuilder, g: int, y: int, x: int, n: int, at: Attrs) -> int:
        j, k = at["by_base"] + by_base, at["by_exponent"] + by_exponent
        return b.mul(g, b.power_partial(x, n, by_base=j, by_exponent=k))

    return rule


_slope(
    "power_partial",
    "a partial derivative of x^n, so often by the base and so often by the exponent",
    _power_partial,
    (_higher(1, 0), _higher(0, 1)),
    _power_partial_decomposed,
    ((2.0, 3.0), (1.5, -0.5), (0.3, 0.0)),
    "a positive base, or any base with a whole exponent where there is no derivative by it",
    True,
    {"by_base": 1, "by_exponent": 1},
)
