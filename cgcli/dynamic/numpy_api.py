"""NumPy's functions in terms of the language: for a call, an expression over `a`, `b`, … and the operands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, SupportsInt

from cgcli.language.builtins import ELEMENTWISE

Expression = tuple[str, Sequence[object]]
Ints = SupportsInt | tuple["Ints", ...] | list["Ints"]


class Array(Protocol):
    """What rules read of an array."""

    @property
    def size(self) -> int: ...


class ExpressionRule(Protocol):
    """The expression of a call, from NumPy's arguments. Raises Unsupported and, for arguments too many, TypeError."""

    def __call__(self, *args: Any, **options: Any) -> Expression: ...


class Unsupported(Exception):
    """An argument that the language's function does not have."""


_SAME_NAMES = {name: f"{name}(a)" for name in ELEMENTWISE if name not in ("max", "min", "where", "power", "polygamma")}
UFUNCS: dict[str, str] = {
    **{name: text for name, text in _SAME_NAMES.items() if name not in ("atan2", "hypot")},
    "add": "a + b",
    "subtract": "a - b",
    "multiply": "a * b",
    "divide": "a / b",
    "true_divide": "a / b",
    "floor_divide": "a // b",
    "remainder": "a % b",
    "power": "a^b",
    "float_power": "a^b",
    "negative": "-a",
    "positive": "a",
    "absolute": "abs(a)",
    "fabs": "abs(a)",
    "rint": "round(a)",
    "square": "a^2",
    "reciprocal": "1 / a",
    "exp2": "2^a",
    "maximum": "max(a, b)",
    "minimum": "min(a, b)",
    "hypot": "hypot(a, b)",
    "arctan2": "atan2(a, b)",
    **{f"arc{name}": f"a{name}(a)" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "matmul": "a @ b",
    "less": "a < b",
    "less_equal": "a <= b",
    "greater": "a > b",
    "greater_equal": "a >= b",
    "equal": "a == b",
    "not_equal": "a != b",
    "logical_and": "a and b",
    "logical_or": "a or b",
    "logical_not": "not a",
    "isnan": "a != a",
}


def _int_text(x: Ints) -> str:
    """An int, or nested lists of them, as text of the language."""
    if isinstance(x, (tuple, list)):
        return f"[{', '.join(map(_int_text, x))}]"
    return str(int(x))


def _along_axis(name: str, *keywords: str) -> ExpressionRule:
    def build(a: object, axis: Ints | None = None, **options: Ints) -> Expression:
        text = f"{name}(a"
        if axis is not None:
            text += f", axis={_int_text(axis)}"
        for keyword, value in options.items():
            if keyword not in keywords:
                raise Unsupported(f"`{keyword}=`")
            text += f", {keyword}={str(value).lower() if isinstance(value, bool) else _int_text(value)}"
        return f"{text})", [a]

    return build


def _fixed_expression(text: str) -> ExpressionRule:
    def build(*operands: object) -> Expression:
        return text, operands

    return build


def _with_int_list(name: str) -> ExpressionRule:
    """A function whose second argument is a list of whole numbers."""

    def build(a: object, sizes: Ints) -> Expression:
        return f"{name}(a, {_int_text(sizes if isinstance(sizes, (tuple, list)) else [sizes])})", [a]

    return build


def _ints(arguments: Sequence[Any]) -> list[int]:
    """Whole numbers that stand alone or in one list, as NumPy takes shapes and axes."""
    only = arguments[0] if len(arguments) == 1 else None
    return list(map(int, only if isinstance(only, (tuple, list)) else arguments))


def _reshape(a: Array, *shape: object) -> Expression:
    sizes = _ints(shape)
    if -1 in sizes:
        count = math.prod(n for n in sizes if n != -1)
        sizes[sizes.index(-1)] = a.size // max(count, 1)
    return f"reshape(a, {sizes})", [a]


def _transpose(a: object, *axes: object) -> Expression:
    order = _ints(axes) if axes != (None,) else []
    return (f"transpose(a, {order})" if order else "transpose(a)"), [a]


def _of_list(name: str) -> ExpressionRule:
    def build(parts: Sequence[object], axis: int = 0) -> Expression:
        letters = "abcdefghijklmnopqrstuvwxyz"[: len(parts)]
        return f"{name}([{', '.join(letters)}], axis={_int_text(axis)})", list(parts)

    return build


def _dot(a: object, b: object) -> Expression:
    shapes = [len(getattr(x, "shape", ())) for x in (a, b)]
    return ("a * b" if 0 in shapes else "dot(a, b)" if shapes == [1, 1] else "a @ b"), [a, b]


def _einsum(pattern: str, *operands: object) -> Expression:
    letters = "abcdefghijklmnopqrstuvwxyz"[: len(operands)]
    return f'einsum("{pattern}", {", ".join(letters)})', operands


def _clip(a: object, low: object = None, high: object = None) -> Expression:
    if low is None or high is None:
        return ("max(a, b)" if high is None else "min(a, b)"), [a, high if low is None else low]
    return "clip(a, b, c)", [a, low, high]


def _roll(a: object, shift: Ints, axis: Ints | None = None) -> Expression:
    if axis is None and getattr(a, "ndim", 1) != 1:
        raise Unsupported("no `axis=`")
    return f"roll(a, {_int_text(shift)}, axis={_int_text(0 if axis is None else axis)})", [a]


METHODS: dict[str, ExpressionRule] = {
    **{name: _along_axis(name, "keepdims") for name in ("sum", "mean", "prod", "max", "min", "any", "all")},
    **{name: _along_axis(name, "keepdims", "ddof") for name in ("var", "std")},
    **{name: _along_axis(name) for name in ("argmax", "argmin", "cumsum", "squeeze")},
    "reshape": _reshape,
    "transpose": _transpose,
    "dot": _dot,
    "clip": _clip,
}
FUNCTIONS: dict[str, ExpressionRule] = {
    **METHODS,
    "amax": METHODS["max"],
    "amin": METHODS["min"],
    "inner": _dot,
    "vdot": _dot,
    **{name: _fixed_expression(f"{name}(a)") for name in ("trace", "diag", "det", "inv", "cholesky", "tril", "triu")},
    **{name: _fixed_expression(f"{name}(a, b)") for name in ("outer", "solve")},
    "norm": _along_axis("norm", "keepdims"),
    "where": _fixed_expression("where(a, b, c)"),
    "concatenate": _of_list("concat"),
    "stack": _of_list("stack"),
    **{name: _along_axis(name) for name in ("expand_dims", "flip", "sort")},
    "roll": _roll,
    "tile": _with_int_list("tile"),
    "broadcast_to": _with_int_list("broadcast"),
    "einsum": _einsum,
    "zeros_like": _fixed_expression("zeros(shape(a))"),
    "ones_like": _fixed_expression("ones(shape(a))"),
}
