"""Conversions of Python numbers into scalar dtypes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cgcli.graph.types import AnyType, Type

from .failures import Overflow

if TYPE_CHECKING:
    from .protocols import Constant

_FLOAT32 = struct.Struct("f")
INT_RANGES = {"int": range(-(2**63), 2**63), "i32": range(-(2**31), 2**31)}


def is_whole(x: object) -> bool:
    """Whether a value is an int, or an array of them."""
    return isinstance(x, int) or getattr(getattr(x, "dtype", None), "kind", "f") in "iuO"


def float32(x: float) -> float:
    """The nearest value of single precision, inf when it is too large for one."""
    try:
        value: float = _FLOAT32.unpack(_FLOAT32.pack(x))[0]
    except OverflowError:
        return float("inf") if x > 0 else float("-inf")
    return value


def unsigned_zero(x: float) -> float:
    """`x`, but +0.0 for -0.0: derivatives and summaries show no sign of a zero, which a product may leave."""
    return x + 0.0


def single(value: Any) -> Any:
    """A number, or nested tuples of numbers, in single precision."""
    return tuple(map(single, value)) if isinstance(value, tuple) else float32(value)


def shortest_single(value: Constant) -> Constant:
    """Of the numbers that are the same in single precision the one with the fewest digits, as a file would spell it."""
    if isinstance(value, tuple):
        return tuple(map(shortest_single, value))
    return next((y for n in range(6, 10) if float32(y := float(f"{value:.{n}g}")) == value), value)


def _int(dtype: str) -> Callable[[int | float], int]:
    legal = INT_RANGES[dtype]

    def fit(x: int | float) -> int:
        # an integer power that left 64 bits comes as a float, perhaps an infinite one
        if isinstance(x, float) and not abs(x) < 2.0**63:
            raise Overflow
        whole = int(x)
        if whole not in legal:
            raise Overflow
        return whole

    return fit


def _weak_int(x: int | float) -> int | float:
    """A literal's integer; it goes on as a float where 64 bits do not hold it."""
    return x if isinstance(x, float) else int(x) if int(x) in INT_RANGES["int"] else float(x)


FITS: dict[str, Callable[[int | float], int | float]] = {
    "float": float,
    "f32": float32,
    "int": _int("int"),
    "i32": _int("i32"),
    "weak int": _weak_int,
}


def fit_for(result: AnyType, operands: Sequence[AnyType]) -> Callable[[int | float], int | float] | None:
    """The conversion of an operation's number into the result's type, or None when the operation cannot leave it.

    The functions raise `Overflow` where an integer leaves its range.
    """
    if not isinstance(result, Type) or result.dtype == "bool":
        return None
    if result.dtype == "float" and all(isinstance(t, Type) and t.dtype == "float" for t in operands):
        return None
    return FITS["weak int" if result.weak and result.is_int else result.dtype]
