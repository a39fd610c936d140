"""Numbers as text."""

from __future__ import annotations

import math

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
