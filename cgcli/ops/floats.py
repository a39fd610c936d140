"""The scalar functions of the language on plain Python numbers, without NumPy.

They mean what IEEE 754 and C99 Annex F say: a result is a value (an infinity, a NaN), never an exception. Functions
take floats, ints and bools and return floats, except that `abs sign floor ceil round` of an int (or bool), and
`minimum maximum where` of two of them, are ints. An int becomes a float before it is computed with, as in NumPy.

Error, in units in the last place of the value itself, against mpmath at 60 digits on 10^5 points each (glibc): at most
1 for exp expm1 log log1p log2 sqrt cbrt sin cos tan asin acos atan atan2 power hypot erf, 2 for log10 sinh cosh asinh
acosh atanh sigmoid softplus, 3 for tanh erfc. `special` says it of the gamma family.
"""

from __future__ import annotations

import builtins
import math

TYPE_CHECKING = False  # importing `typing` takes as long as a whole run of the front door
if TYPE_CHECKING:
    from collections.abc import Callable

    from .special import digamma, lgamma, polygamma

    Function = Callable[[float], float]

# fmt: off
__all__ = [
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "digamma",
    "divide", "erf", "erfc", "exp", "expm1", "floor", "floor_divide", "hypot", "lgamma", "log", "log1p", "log2",
    "log10", "logical_and", "logical_not", "logical_or", "maximum", "minimum", "polygamma", "power", "remainder",
    "round", "sigmoid", "sign", "sin", "sinh", "softplus", "sqrt", "tan", "tanh", "where",
]
# fmt: on

INF = math.inf
NAN = math.nan

_ALL_WHOLE = 2.0**52  # from here on every float is a whole number
_TO_23_BITS = 2.0**30 + 1.0  # Dekker's splitting constant

# These raise for no number.
abs = builtins.abs
asinh = math.asinh
atan = math.atan
atan2 = math.atan2
erf = math.erf
erfc = math.erfc
hypot = math.hypot
tanh = math.tanh


def _total(function: Function, error: type[Exception], value: float, doc: str) -> Function:
    """`function`, with a value where it raises an error."""

    def total(x: float) -> float:
        try:
            return function(x)
        except error:
            return value

    total.__doc__ = doc
    return total


def _logarithm(function: Function, pole: float, doc: str) -> Function:
    """`function`, -inf at its pole and nan below."""

    def logarithm(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return -INF if x == pole else NAN

    logarithm.__doc__ = doc
    return logarithm


# Arithmetic


def divide(a: float, b: float) -> float:
    """a / b; an infinity with the sign of both for a zero divisor, nan for 0/0."""
    a = 1.0 * a
    try:
        return a / b
    except ZeroDivisionError:
        return NAN if a != a or a == 0.0 else math.copysign(INF, a) * math.copysign(1.0, b)


def floor_divide(a: float, b: float) -> float:
    """The quotient rounded towards -inf; a / b where b is zero."""
    a = 1.0 * a
    try:
        return a // b
    except ZeroDivisionError:
        return divide(a, b)


def remainder(a: float, b: float) -> float:
    """What `floor_divide` leaves, with the sign of b; nan where b is zero."""
    try:
        return 1.0 * a % b
    except ZeroDivisionError:
        return NAN


def power(a: float, b: float) -> float:
    """a raised to b, as C99's pow: nan for a negative base with a fractional exponent, power(0, -odd) a signed inf."""
    try:
        return math.pow(a, b)
    except ValueError:
        if a != 0:
            return NAN
    except OverflowError:
        pass
    return math.copysign(INF, a) if math.fmod(b, 2.0) in (1.0, -1.0) else INF


def minimum(a: float, b: float) -> float:
    """The smaller of the two; nan if one of them is. Of two zeros it is the second, as in NumPy."""
    return _promoted(a if a < b or a != a else b, a, b)


def maximum(a: float, b: float) -> float:
    """The larger of the two; nan if one of them is. Of two zeros it is the second, as in NumPy."""
    return _promoted(a if a > b or a != a else b, a, b)


def where(condition: bool, a: float, b: float) -> float:
    """a if the condition holds, else b; two bools stay one."""
    chosen = a if condition else b
    return chosen if a.__class__ is b.__class__ else _promoted(chosen, a, b)


def _promoted(chosen: float, a: float, b: float) -> float:
    """`chosen`, a float if a or b is one, else an int."""
    if isinstance(a, float) or isinstance(b, float):
        return float(chosen)
    return int(chosen)


def logical_and(a: bool, b: bool) -> bool:
    """Whether both hold."""
    return bool(a and b)


def logical_or(a: bool, b: bool) -> bool:
    """Whether one of the two holds, or both."""
    return bool(a or b)


def logical_not(a: bool) -> bool:
    """Whether it does not hold."""
    return not a


# Steps


def sign(x: float) -> float:
    """-1, 0 or 1; nan for nan, 0.0 for both zeros."""
    if isinstance(x, int):
        return (x > 0) - (x < 0)
    if x > 0.0:
        return 1.0
    return -1.0 if x < 0.0 else x + 0.0


def floor(x: float) -> float:
    """The largest whole number that is not above x."""
    if isinstance(x, int):
        return int(x)
    return math.copysign(math.floor(x), x) if math.fabs(x) < _ALL_WHOLE else x


def ceil(x: float) -> float:
    """The smallest whole number that is not below x; -0.0 for -1 < x < 0."""
    if isinstance(x, int):
        return int(x)
    return math.copysign(math.ceil(x), x) if math.fabs(x) < _ALL_WHOLE else x


def round(x: float) -> float:
    """The nearest whole number, a half to the even one."""
    if isinstance(x, int):
        return int(x)
    return math.copysign(builtins.round(x), x) if math.fabs(x) < _ALL_WHOLE else x


# Exponentials, logarithms, roots


exp = _total(math.exp, OverflowError, INF, "e to the power of x.")
expm1 = _total(math.expm1, OverflowError, INF, "exp(x) - 1, accurate near 0.")
log = _logarithm(math.log, 0, "The natural logarithm: -inf at 0, nan below.")
log1p = _logarithm(math.log1p, -1, "log(1 + x), accurate near 0: -inf at -1, nan below.")
log2 = _logarithm(math.log2, 0, "The logarithm to base 2, exact at powers of two: -inf at 0, nan below.")
log10 = _logarithm(math.log10, 0, "The logarithm to base 10: -inf at 0, nan below.")
sqrt = _total(math.sqrt, ValueError, NAN, "The square root; nan below 0.")


def cbrt(x: float) -> float:
    """The cube root, exact for cubes.

    C libraries err by several units in the last place. Their root, cut to 23 bits so that its square is exact, takes
    one step of Halley's iteration; what that leaves is below the rounding of the sum.
    """
    root = math.cbrt(x)
    if root == 0.0 or not math.isfinite(root):
        return root
    wide = root * _TO_23_BITS
    short = wide - (wide - root)
    quotient = x / (short * short)
    return short + short * ((quotient - short) / (2.0 * short + quotient))


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), accurate in both tails."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    grown = math.exp(x)
    return grown / (1.0 + grown)


def softplus(x: float) -> float:
    """log(1 + exp(x)), accurate in both tails."""
    return (x if x > 0 else 0.0) + math.log1p(math.exp(-math.fabs(x)))


# Trigonometric and hyperbolic functions


sin = _total(math.sin, ValueError, NAN, "The sine; nan at the infinities.")
cos = _total(math.cos, ValueError, NAN, "The cosine; nan at the infinities.")
tan = _total(math.tan, ValueError, NAN, "The tangent; nan at the infinities.")
asin = _total(math.asin, ValueError, NAN, "The inverse sine; nan outside [-1, 1].")
acos = _total(math.acos, ValueError, NAN, "The inverse cosine; nan outside [-1, 1].")


def sinh(x: float) -> float:
    """The hyperbolic sine."""
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(INF, x)


cosh = _total(math.cosh, OverflowError, INF, "The hyperbolic cosine.")
acosh = _total(math.acosh, ValueError, NAN, "The inverse hyperbolic cosine; nan below 1.")


def atanh(x: float) -> float:
    """The inverse hyperbolic tangent: ±inf at ±1, nan beyond."""
    try:
        return math.atanh(x)
    except ValueError:
        return math.copysign(INF, x) if x in (1, -1) else NAN


def __getattr__(name: str) -> object:
    """The gamma family, which few programs use."""
    if name not in __all__:
        raise AttributeError(name)
    from . import special

    return getattr(special, name)
