"""Numbers as text."""

from __future__ import annotations

import math

TYPE_CHECKING = False  # importing `typing` takes as long as a whole run of the front door
if TYPE_CHECKING:
    from typing import Any

    from cgcli.graph.types import Type

Number = float | int | bool


def shortest(value: Number, precision: int | None = None, *, whole: bool = True) -> str:
    """The shortest text that reads back to the same value; with `precision` that of the value so rounded.

    precision: significant digits. whole: whether a float without a fraction loses its `.0`. Bools are `true`, `false`.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if precision is not None:
        value = rounded(value, precision)
    text = repr(value)
    return text.removesuffix(".0") if whole else text


def concise(value: Number, digits: int = 6) -> str:
    """A number in a few significant digits; an int, and a float that has no more digits, as `shortest` writes it.

    Zero has no sign."""
    if not isinstance(value, float):
        return shortest(value)
    if not value:
        return "0"
    whole = repr(value).removesuffix(".0")
    if len(whole) <= digits:
        return whole
    text = f"{value:.{digits}g}"
    return whole if float(text) == value else text


def point(text: str) -> int:
    """How many characters of a number stand before its decimal point, or before where that would stand."""
    end = text.find(".")
    if end < 0:
        end = text.find("e")
    return end if end >= 0 else len(text)


def single(value: Any, type_: Type) -> Any:
    """A value as it is shown: of an f32 the number with the fewest digits that is the same f32."""
    if type_.dtype != "f32" or not isinstance(value, float) or not math.isfinite(value):
        return value
    from cgcli.ops.numbers import float32  # for single precision alone

    near = (float(f"{value:.{digits}g}") for digits in range(1, 10))  # nine digits tell all of them apart
    return next((x for x in near if float32(x) == value), value)


def rounded(value: Number, precision: int | None) -> Number:
    """The value to so many significant digits; an int stays one."""
    if precision is None or isinstance(value, bool) or not math.isfinite(value):
        return value
    near = float(f"{value:.{precision - 1}e}")
    return int(near) if isinstance(value, int) else near


def plain(value: Number) -> Number | str:
    """The value as JSON knows it: NaN and infinities are strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value
