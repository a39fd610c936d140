"""Nodes written as text, as in a file or as in a picture. Which brackets are needed, an op's `Notation` tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from .registry import OPS

Style = Literal["cg", "picture"]
ATOM = 12
UNARY = 8


class Written(NamedTuple):
    """A text and how tightly its outermost operator binds."""

    text: str
    level: int = ATOM


def write_number(value: float | int | bool, style: Style = "cg") -> Written:
    """A constant as the language reads it; whole floats without `.0`."""
    if isinstance(value, bool):
        return Written("true" if value else "false")
    if value != value:
        return Written("nan")
    text = repr(abs(value)).removesuffix(".0")
    negative = str(value).startswith("-")
    minus = "−" if style == "picture" else "-"
    return Written(minus + text, UNARY) if negative else Written(text)


def write_op(op: str, operands: Sequence[Written], attrs: Mapping[str, Any], style: Style = "cg") -> Written:
    """The operation over the texts of its operands."""
    declared = OPS[op].notation
    sign = (declared.picture or declared.text) if style == "picture" else declared.text
    if op == "const":
        return write_number(attrs["value"], style)
    if "exponent" in attrs:
        operands = [*operands, write_number(attrs["exponent"], style)]
    if declared.form == "same":
        return operands[0]
    if declared.form == "prefix":
        space = " " if sign.isalpha() else ""
        return Written(f"{sign}{space}{_within(operands[0], declared.level)}", declared.level)
    if declared.form == "infix":
        left = declared.level + (declared.assoc != "left")
        right = declared.level + (declared.assoc != "right")
        space = "" if declared.text == "^" else " "
        return Written(f"{_within(operands[0], left)}{space}{sign}{space}{_within(operands[1], right)}", declared.level)
    return Written(f"{sign}({', '.join(x.text for x in operands)})")


def _within(x: Written, level: int) -> str:
    return x.text if x.level >= level else f"({x.text})"
