"""The primitives of the loop form: what each takes and means. Every target writes them in a table of its own.

Floats are IEEE 754, rounded to nearest; nothing is contracted or reordered. `fma(a, b, c)` is a·b + c, rounded once: it
is written where it is meant, in the definitions of functions, and never made of a product and a sum. `min` and `max`
are nan where an operand is, and -0.0 is less than +0.0. Comparisons are false on nan, `ne` is true. `round` takes a
half to the even number.
All nans are one: their sign and payload have no meaning.

`add`, `sub`, `mul`, `neg`, `abs` of ints with a node stop the run where the result leaves the type, `floor_div` and
`mod` where the divisor is 0 (and `floor_div` where the quotient leaves the type); those without a node compute
indices, which are known to fit. `floor_div` and `mod` round towards minus infinity; they and `div` are of ints and of
floats respectively. `rem` is what a division of floats leaves whose quotient is rounded towards zero, exactly: it has
the sign of the dividend (C's `fmod`). `select` takes computed sides, so it hides no failure.

Conversions to a float round to nearest, once; those of a float x to an int truncate, checked as arithmetic is, and
|x| < 2^63; `bool` is whether a number is not zero, and a bool is 0 or 1.

For functions: `ldexp(x, k)` is x·2^k, rounded once, for an integral float k with |k| ≤ 2200; `mantissa` and `exponent`
split a positive finite number, x = m·2^e with sqrt(1/2) ≤ m < sqrt(2), exactly, subnormal ones included; e is a float.
`bits` is the representation of a f64 as an i64, `from_bits` the inverse.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cgcli.ops.numbers import INT_RANGES

from .form import FLOATS, INTS, TYPES, ScalarType

Rule = Callable[[Sequence[ScalarType]], ScalarType | None]


class Primitive(NamedTuple):
    """result: the type of the result by those of the operands, None for operands that it does not take.

    compute: the result of Python numbers, of floats in double precision; None where the function is defined in the
    form (`functions`).
    """

    arity: int
    result: Rule
    compute: Callable[..., Any] | None
    commutes: bool = False


def _same(*legal: str) -> Rule:
    def rule(types: Sequence[ScalarType]) -> ScalarType | None:
        first = types[0]
        return first if first in legal and all(t == first for t in types) else None

    return rule


def _compares(types: Sequence[ScalarType]) -> ScalarType | None:
    return "bool" if types[0] == types[1] else None


def _selects(types: Sequence[ScalarType]) -> ScalarType | None:
    return types[1] if types[0] == "bool" and types[1] == types[2] else None


def _converts(to: ScalarType) -> Rule:
    return lambda types: to


def _maximum(a: float, b: float) -> float:
    if a != a or b != b:
        return math.nan
    if a == b == 0 and isinstance(a, float):
        return a if math.copysign(1.0, a) > 0 else b
    return max(a, b)


def _minimum(a: float, b: float) -> float:
    if a != a or b != b:
        return math.nan
    if a == b == 0 and isinstance(a, float):
        return a if math.copysign(1.0, a) < 0 else b
    return min(a, b)


def _divide(a: float, b: float) -> float:
    if b != 0:
        return a / b
    return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _remainder(a: float, b: float) -> float:
    return math.nan if math.isinf(a) or b == 0 or a != a or b != b else math.fmod(a, b)


def fma(a: float, b: float, c: float) -> float:
    """a·b + c, rounded once, in integers."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c
    (x, u), (y, v), (z, w) = (n.as_integer_ratio() for n in (a, b, c))
    top, bottom = x * y * w + z * u * v, u * v * w
    if top == 0:  # a zero has the sign that IEEE 754 gives the sum
        return math.copysign(0.0, a) * math.copysign(1.0, b) + c if c == 0 else 0.0
    try:
        return top / bottom
    except OverflowError:
        return math.inf if top > 0 else -math.inf


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda x: math.copysign(float(function(x)), x) if abs(x) < 2.0**52 else x


def _sqrt(x: float) -> float:
    return math.nan if x < 0 else math.sqrt(x)


def split(x: float) -> tuple[float, float]:
    """The mantissa in [sqrt(1/2), sqrt(2)) and the exponent."""
    m, e = math.frexp(x)
    return (2.0 * m, e - 1.0) if m < math.sqrt(0.5) else (m, float(e))


def _ldexp(x: float, k: float) -> float:
    try:
        return math.ldexp(x, int(k))
    except OverflowError:
        return math.copysign(math.inf, x)


def _single(x: float) -> float:
    """A number that rounds to the same single precision as x, and is one of double precision."""
    if not isinstance(x, int) or abs(x) < 2**53:
        return float(x)
    lost = abs(x).bit_length() - 53
    kept = abs(x) >> lost
    return math.copysign(float((kept | (kept << lost != abs(x))) << lost), x)  # an odd last bit stands for what is lost


def _bits(x: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", x))[0])


def _from_bits(n: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", n))[0])


_NUMBERS = (*FLOATS, *INTS)

PRIMITIVES: dict[str, Primitive] = {
    "add": Primitive(2, _same(*_NUMBERS), lambda a, b: a + b, commutes=True),
    "sub": Primitive(2, _same(*_NUMBERS), lambda a, b: a - b),
    "mul": Primitive(2, _same(*_NUMBERS), lambda a, b: a * b, commutes=True),
    "div": Primitive(2, _same(*FLOATS), _divide),
    "rem": Primitive(2, _same(*FLOATS), _remainder),
    "floor_div": Primitive(2, _same(*INTS), lambda a, b: a // b),
    "mod": Primitive(2, _same(*INTS), lambda a, b: a % b),
    "neg": Primitive(1, _same(*_NUMBERS), lambda a: -a),
    "abs": Primitive(1, _same(*_NUMBERS), abs),
    "min": Primitive(2, _same(*_NUMBERS), _minimum, commutes=True),
    "max": Primitive(2, _same(*_NUMBERS), _maximum, commutes=True),
    "sqrt": Primitive(1, _same(*FLOATS), _sqrt),
    "floor": Primitive(1, _same(*FLOATS), _whole(math.floor)),
    "ceil": Primitive(1, _same(*FLOATS), _whole(math.ceil)),
    "round": Primitive(1, _same(*FLOATS), _whole(round)),
    "fma": Primitive(3, _same("f64"), fma),
    "copysign": Primitive(2, _same(*FLOATS), math.copysign),
    "eq": Primitive(2, _compares, lambda a, b: a == b, commutes=True),
    "ne": Primitive(2, _compares, lambda a, b: a != b, commutes=True),
    "lt": Primitive(2, _compares, lambda a, b: a < b),
    "le": Primitive(2, _compares, lambda a, b: a <= b),
    "gt": Primitive(2, _compares, lambda a, b: a > b),
    "ge": Primitive(2, _compares, lambda a, b: a >= b),
    "and": Primitive(2, _same("bool"), lambda a, b: a and b, commutes=True),
    "or": Primitive(2, _same("bool"), lambda a, b: a or b, commutes=True),
    "not": Primitive(1, _same("bool"), lambda a: not a),
    "select": Primitive(3, _selects, lambda c, a, b: a if c else b),
    "f64": Primitive(1, _converts("f64"), float),
    "f32": Primitive(1, _converts("f32"), _single),
    "i64": Primitive(1, _converts("i64"), int),
    "i32": Primitive(1, _converts("i32"), int),
    "bool": Primitive(1, _converts("bool"), lambda a: a != 0),
    "ldexp": Primitive(2, _same("f64"), _ldexp),
    "mantissa": Primitive(1, _same("f64"), lambda x: split(x)[0]),
    "exponent": Primitive(1, _same("f64"), lambda x: split(x)[1]),
    "bits": Primitive(1, lambda types: "i64" if types[0] == "f64" else None, _bits),
    "from_bits": Primitive(1, lambda types: "f64" if types[0] == "i64" else None, _from_bits),
}
FUNCTIONS = {
    **dict.fromkeys(
        (
            "exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc cbrt"
        ).split(),
        1,
    ),
    **dict.fromkeys(("power", "atan2", "hypot"), 2),
}
"""Functions of floats that are defined in the form, in double precision (`functions`), by how many operands they take.
In single precision they are the rounded result of double precision."""
PRIMITIVES.update({name: Primitive(arity, _same(*FLOATS), None) for name, arity in FUNCTIONS.items()})

RANGES = {"i64": INT_RANGES["int"], "i32": INT_RANGES["i32"]}
"""The numbers of each type of ints."""
CHECKED = ("add", "sub", "mul", "neg", "abs", "floor_div", "mod", "i64", "i32")
"""Primitives that can fail where their result is an int."""
NEUTRAL: dict[str, float | bool] = {
    "add": -0.0,
    "mul": 1.0,
    "max": -math.inf,
    "min": math.inf,
    "and": True,
    "or": False,
}
"""The neutral elements of the primitives by which reductions combine; -0.0 + x is x for both zeros."""


def result_type(name: str, types: Sequence[ScalarType]) -> ScalarType:
    """The type of a primitive's result. Raises TypeError for operands that it does not take."""
    primitive = PRIMITIVES[name]
    result = primitive.result(types) if len(types) == primitive.arity else None
    if result is None:
        raise TypeError(f"{name} of {', '.join(types)}")
    assert result in TYPES
    return result
