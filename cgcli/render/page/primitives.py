"""Each primitive of the loop form in JavaScript, whose only numbers are doubles."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cgcli.loop_nests.form import FLOATS, INTS, ScalarType

LARGEST = 2**53 - 1
"""JavaScript's `Number.MAX_SAFE_INTEGER`: ints up to this size are numbers of their own, larger ones share them."""

_SHARED = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "abs": "Math.abs({0})",
    "min": "Math.min({0}, {1})",
    "max": "Math.max({0}, {1})",
    "eq": "{0} === {1}",
    "ne": "{0} !== {1}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "and": "{0} && {1}",
    "or": "{0} || {1}",
    "not": "!{0}",
    "select": "{0} ? {1} : {2}",
}
_FLOATS = {
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "rem": "{0} % {1}",
    "neg": "-{0}",
    "sqrt": "Math.sqrt({0})",
    "floor": "Math.floor({0})",
    "ceil": "Math.ceil({0})",
    "round": "round({0})",
    "copysign": "copysign({0}, {1})",
    "fma": "fma({0}, {1}, {2})",
    "ldexp": "ldexp({0}, {1})",
    "mantissa": "mantissa({0})",
    "exponent": "exponent({0})",
    "bits": "bitsOf({0})",
    "bool": "{0} !== 0",
    "f64": "{0}",
    "f32": "{0}",
    "i64": "Math.trunc({0}) + 0",
    "i32": "Math.trunc({0}) + 0",
}
_INTS = {
    "mul": "{0} * {1} + 0",
    "neg": "0 - {0}",
    "floor_div": "floorDiv({0}, {1})",
    "mod": "mod({0}, {1})",
    "from_bits": "fromBits({0})",
    "bool": "{0} !== 0",
    **dict.fromkeys(("f64", "f32", "i64", "i32"), "{0}"),
}
"""A zero among ints is never -0."""
_BOOLS = {"bool": "{0}", **dict.fromkeys(("f64", "f32", "i64", "i32"), "{0} ? 1 : 0")}

_EXACT = ("neg", "abs", "min", "max", "floor", "ceil", "round", "copysign", "rem", "select")
"""Primitives whose results in single precision need no rounding."""


def template(primitive: str, types: Sequence[ScalarType], to: ScalarType) -> str:
    """A primitive that is no function as an expression of operands that are names, elements or literals."""
    table = _FLOATS if types[-1] in FLOATS else _INTS if types[-1] in INTS else _BOOLS
    text = _SHARED.get(primitive) or table[primitive]
    return f"Math.fround({text})" if to == "f32" and primitive not in _EXACT else text


def literal(value: float, type_: ScalarType) -> str:
    """A number as an operand, which reads back as the same double; an int that is none is an infinity."""
    if type_ == "bool":
        return "true" if value else "false"
    if type_ in INTS:
        text = str(int(value)) if abs(value) <= LARGEST else str(math.copysign(math.inf, value))
    else:
        text = repr(float(value)).removesuffix(".0")
    text = text.replace("inf", "Infinity").replace("nan", "NaN")
    return f"({text})" if text.startswith("-") else text
