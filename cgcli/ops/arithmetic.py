"""Arithmetic: the operators on numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cgcli.graph.types import AnyType, Type

from .failures import IntegerDivisionByZero
from .numbers import is_whole
from .op import Effects, Spelling, declare
from .typing import floats, numbers

if TYPE_CHECKING:
    from .protocols import ArrayNamespace, Attrs, BoundAttrs, OpBuilder, Operand
    from .spelling import Style, Written


def integer_power(base: int, exponent: int) -> int | float:
    """`base ^ exponent` (exponent ≥ 0), a float when it leaves 64 bits: a huge integer is never computed."""
    if abs(base) <= 1:
        return int(base**exponent)
    if (abs(base).bit_length() - 1) * exponent > 64:
        try:
            return float(float(base) ** exponent)
        except OverflowError:
            return float("-inf") if base < 0 and exponent % 2 else float("inf")
    return int(base**exponent)


def _fixed_power(xp: ArrayNamespace, at: BoundAttrs, x: Operand) -> Operand:
    n = at["exponent"]
    if isinstance(x, int) and isinstance(n, int) and n >= 0:
        return integer_power(x, n)
    return xp.power(x, n)


def _fixed_power_expansion(b: OpBuilder, x: int, at: Attrs) -> int | None:
    """x·x, (x·x)·x and (x·x)·(x·x): exact products differ from no library to another, as its powers do."""
    n = at["exponent"]
    if n not in (2, 3, 4):
        return None
    if isinstance(n, float):
        x = b.mul(1.0, x)  # an int becomes a float
    square = b.mul(x, x)
    return square if n == 2 else b.mul(square, x if n == 3 else square)


def _fixed_power_type(types: Sequence[AnyType], at: Attrs) -> Type:
    n = at["exponent"]
    base = numbers(types, at)
    return base if isinstance(n, int) and n >= 0 else floats(types, at)


def _fixed_power_rule(b: OpBuilder, g: int, y: int, x: int, at: Attrs) -> int | None:
    n = at["exponent"]
    if n == 0:
        return None  # x^0 is 1 everywhere
    if n == 1:
        return g
    lower = x if n == 2 else b.fixed_power(x, exponent=n - 1)
    return b.mul(g, b.mul(float(n), lower))


def _power_by_base(b: OpBuilder, g: int, y: int, x: int, n: int, at: Attrs) -> tuple[int, int]:
    """n·x^(n-1); where n is 0 the power is 1 for every x, also for those whose x^-1 is not finite."""
    ordinary = b.and_(b.ne(x, 0.0), b.eq(x, x))
    return b.mul(g, b.power_partial(x, n, by_base=1, by_exponent=0)), b.or_(b.ne(n, 0.0), ordinary)


def _power_by_exponent(b: OpBuilder, g: int, y: int, x: int, n: int, at: Attrs) -> tuple[int, int]:
    """x^n·log(x); 0^n does not change with n ≥ 0. It has a path for n ≤ 1, where x^n is steep in x at 0."""
    steep = b.and_(b.le(n, 1.0), b.ne(n, 0.0))
    return b.mul(g, b.power_partial(x, n, by_base=0, by_exponent=1)), b.or_(b.ne(x, 0.0), steep)


def _floor_divide(xp: ArrayNamespace, at: BoundAttrs, x: Operand, y: Operand) -> Operand:
    if isinstance(x, int) and isinstance(y, int):
        if y == 0:
            raise IntegerDivisionByZero
        return x // y
    return xp.floor_divide(x, y)


def _remainder(xp: ArrayNamespace, at: BoundAttrs, x: Operand, y: Operand) -> Operand:
    if isinstance(x, int) and isinstance(y, int):
        if y == 0:
            raise IntegerDivisionByZero
        return x % y
    return xp.remainder(x, y)


def _among_floats(types: Sequence[AnyType], result: AnyType, at: Attrs) -> bool:
    """Among floats a division by zero is a value."""
    return not all(isinstance(t, Type) and not t.is_float for t in types)


def _write_power(spelling: Spelling, operands: Sequence[Written], at: Attrs, style: Style) -> Written:
    from .spelling import write_infix, write_number  # for those who write

    return write_infix(spelling, [*operands, write_number(at["exponent"], style)], at, style)


PAIRS = ((2.0, 3.0), (-1.5, 0.5), (0.0, 2.5))

declare(
    "add",
    "the sum of two numbers",
    (lambda b, g, y, x, z, at: g, lambda b, g, y, x, z, at: g),
    spelling=Spelling("infix", "+", 6, latex="{0} + {1}", drops_broadcast=True, chains=True),
    type_rule=numbers,
    evaluate=lambda xp, at, x, y: x + y,
    inline="{0} + {1}",
    effects=Effects(prescribed=True, commutes=True, may_overflow=True),
    examples=PAIRS,
)
declare(
    "sub",
    "the difference of two numbers",
    (lambda b, g, y, x, z, at: g, lambda b, g, y, x, z, at: b.neg(g)),
    spelling=Spelling("infix", "-", 6, picture="−", latex="{0} - {1}", drops_broadcast=True),
    type_rule=numbers,
    evaluate=lambda xp, at, x, y: x - y,
    inline="{0} - {1}",
    effects=Effects(prescribed=True, may_overflow=True),
    examples=PAIRS,
)
declare(
    "mul",
    "the product of two numbers",
    (lambda b, g, y, x, z, at: b.mul(g, z), lambda b, g, y, x, z, at: b.mul(g, x)),
    spelling=Spelling("infix", "*", 7, picture="×", latex=r"{0} \cdot {1}", drops_broadcast=True, chains=True),
    type_rule=numbers,
    evaluate=lambda xp, at, x, y: x * y,
    inline="{0} * {1}",
    effects=Effects(prescribed=True, commutes=True, may_overflow=True),
    examples=PAIRS,
)
declare(
    "div",
    "the quotient of two numbers, a float",
    (
        lambda b, g, y, x, z, at: b.div(g, z),
        lambda b, g, y, x, z, at: b.neg(b.mul(b.div(g, z), y)),
    ),
    spelling=Spelling("infix", "/", 7, latex=r"\frac{{{0}}}{{{1}}}", drops_broadcast=True),
    type_rule=floats,
    evaluate=lambda xp, at, x, y: xp.divide(x, y),
    effects=Effects(
        prescribed=True, hazard=True, tame=lambda at, constants: constants[1] is not None and constants[1] != 0
    ),
    examples=PAIRS,
    domain="a divisor other than 0 (1/0 is inf, 0/0 is nan)",
)
declare(
    "floor_div",
    "the quotient rounded towards minus infinity",
    spelling=Spelling("infix", "//", 7, latex=r"\left\lfloor \frac{{{0}}}{{{1}}} \right\rfloor"),
    type_rule=numbers,
    evaluate=_floor_divide,
    effects=Effects(
        safe=_among_floats, prescribed="ints", hazard=True, may_fail=True, may_overflow=True, harmless={1: 1}
    ),
    examples=((7.5, 2.0), (-7.5, 2.0), (7, -2)),
    domain="a divisor other than 0; an int divided by an int 0 stops the run",
)
declare(
    "mod",
    "what remains of a floored division; it has the divisor's sign",
    (
        lambda b, g, y, x, z, at: g,
        lambda b, g, y, x, z, at: b.neg(b.mul(g, b.floor_div(x, z))),
    ),
    spelling=Spelling("infix", "%", 7, latex=r"{0} \bmod {1}"),
    type_rule=numbers,
    evaluate=_remainder,
    effects=Effects(safe=_among_floats, prescribed="ints", hazard=True, may_fail=True, harmless={1: 1}),
    examples=((7.5, 2.0), (-7.5, 2.0), (7.5, -2.0)),
    domain="a divisor other than 0; an int divided by an int 0 stops the run",
)
declare(
    "neg",
    "the number with its sign turned",
    lambda b, g, y, x, at: b.neg(g),
    spelling=Spelling("prefix", "-", 8, picture="−", latex="-{0}"),
    type_rule=numbers,
    evaluate=lambda xp, at, x: -x,
    inline="-{0}",
    effects=Effects(prescribed=True, may_overflow=True),
    examples=((2.0,), (-1.5,)),
)
declare(
    "power",
    "a number raised to a power that is computed",
    (_power_by_base, _power_by_exponent),
    spelling=Spelling("infix", "^", 9, assoc="right", latex="{{{0}}}^{{{1}}}"),
    type_rule=floats,
    evaluate=lambda xp, at, x, n: xp.power(1.0 * x if is_whole(x) else x, n),
    effects=Effects(hazard=True),
    examples=((2.0, 3.0), (1.5, -0.5), (0.3, 0.0)),
    domain="a positive base, or any base with a whole exponent (where the derivative by the exponent is nan)",
)
declare(
    "fixed_power",
    "a number raised to a literal power",
    _fixed_power_rule,
    spelling=Spelling("infix", "^", 9, assoc="right", latex="{{{0}}}^{{{exponent}}}", rule=_write_power),
    type_rule=_fixed_power_type,
    evaluate=_fixed_power,
    expansion=_fixed_power_expansion,
    effects=Effects(
        prescribed="ints",
        hazard=True,
        tame=lambda at, constants: isinstance(at["exponent"], int) and at["exponent"] >= 0,
        may_overflow=True,
    ),
    examples=((2.0,), (-1.5,), (0.0,)),
    attrs={"exponent": 3},
    domain="any number for a whole exponent, else a number that is not negative",
)
