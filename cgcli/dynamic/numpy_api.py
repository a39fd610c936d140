"""What NumPy's functions are in the language: an expression over `a`, `b`, … and the operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cgcli.language.builtins import ELEMENTWISE

Built = tuple[str, Sequence[Any]]


class Unsupported(Exception):
    """An argument that the language's function does not have."""


_SAME = {name: f"{name}(a)" for name in ELEMENTWISE if name not in ("max", "min", "where", "power", "polygamma")}
UFUNCS: dict[str, str] = {
    **{name: text for name, text in _SAME.items() if name not in ("atan2", "hypot")},
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


def _whole(x: Any) -> str:
    """An axis or a size as it is written."""
    if isinstance(x, (tuple, list)):
        return f"[{', '.join(map(_whole, x))}]"
    return str(int(x))


def _reduction(name: str, *keywords: str) -> Callable[..., Built]:
    def build(a: Any, axis: Any = None, **options: Any) -> Built:
        text = f"{name}(a"
        if axis is not None:
            text += f", axis={_whole(axis)}"
        for keyword, value in options.items():
            if keyword not in keywords:
                raise Unsupported(f"`{keyword}=`")
            text += f", {keyword}={str(value).lower() if isinstance(value, bool) else _whole(value)}"
        return f"{text})", [a]

    return build


def _plain(text: str) -> Callable[..., Built]:
    def build(*operands: Any) -> Built:
        return text, operands

    return build


def _sized(name: str) -> Callable[..., Built]:
    """A function whose second argument is a list of whole numbers."""

    def build(a: Any, sizes: Any) -> Built:
        return f"{name}(a, {_whole(sizes if isinstance(sizes, (tuple, list)) else [sizes])})", [a]

    return build


def _reshape(a: Any, *shape: Any) -> Built:
    sizes = list(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else list(shape)
    if -1 in sizes:
        known = 1
        for n in sizes:
            known *= n if n != -1 else 1
        sizes[sizes.index(-1)] = a.size // max(known, 1)
    return f"reshape(a, {_whole(sizes)})", [a]


def _transpose(a: Any, *axes: Any) -> Built:
    order = axes[0] if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else axes
    return (f"transpose(a, {_whole(list(order))})" if order and order != (None,) else "transpose(a)"), [a]


def _joined(name: str) -> Callable[..., Built]:
    def build(parts: Sequence[Any], axis: int = 0) -> Built:
        letters = "abcdefghijklmnopqrstuvwxyz"[: len(parts)]
        return f"{name}([{', '.join(letters)}], axis={_whole(axis)})", list(parts)

    return build


def _along(name: str) -> Callable[..., Built]:
    def build(a: Any, axis: Any = None) -> Built:
        return (f"{name}(a)" if axis is None else f"{name}(a, axis={_whole(axis)})"), [a]

    return build


def _expand_dims(a: Any, axis: Any) -> Built:
    return f"expand_dims(a, {_whole(axis)})", [a]


def _dot(a: Any, b: Any) -> Built:
    shapes = [len(getattr(x, "shape", ())) for x in (a, b)]
    return ("a * b" if 0 in shapes else "dot(a, b)" if shapes == [1, 1] else "a @ b"), [a, b]


def _einsum(pattern: str, *operands: Any) -> Built:
    letters = "abcdefghijklmnopqrstuvwxyz"[: len(operands)]
    return f'einsum("{pattern}", {", ".join(letters)})', operands


def _clip(a: Any, low: Any = None, high: Any = None) -> Built:
    if low is None or high is None:
        return ("max(a, b)" if high is None else "min(a, b)"), [a, high if low is None else low]
    return "clip(a, b, c)", [a, low, high]


def _roll(a: Any, shift: Any, axis: Any = None) -> Built:
    if axis is None and getattr(a, "ndim", 1) != 1:
        raise Unsupported("no `axis=`")
    return f"roll(a, {_whole(shift)}, axis={_whole(0 if axis is None else axis)})", [a]


METHODS: dict[str, Callable[..., Built]] = {
    **{name: _reduction(name, "keepdims") for name in ("sum", "mean", "prod", "max", "min", "any", "all")},
    "var": _reduction("var", "keepdims", "ddof"),
    "std": _reduction("std", "keepdims", "ddof"),
    "argmax": _reduction("argmax"),
    "argmin": _reduction("argmin"),
    "cumsum": _reduction("cumsum"),
    "reshape": _reshape,
    "transpose": _transpose,
    "squeeze": _along("squeeze"),
    "dot": _dot,
    "clip": _clip,
}
FUNCTIONS: dict[str, Callable[..., Built]] = {
    **METHODS,
    "amax": METHODS["max"],
    "amin": METHODS["min"],
    "inner": _dot,
    "vdot": _dot,
    "outer": _plain("outer(a, b)"),
    "trace": _plain("trace(a)"),
    "diag": _plain("diag(a)"),
    "det": _plain("det(a)"),
    "inv": _plain("inv(a)"),
    "solve": _plain("solve(a, b)"),
    "cholesky": _plain("cholesky(a)"),
    "norm": _reduction("norm", "keepdims"),
    "where": _plain("where(a, b, c)"),
    "concatenate": _joined("concat"),
    "stack": _joined("stack"),
    "expand_dims": _expand_dims,
    "flip": _along("flip"),
    "roll": _roll,
    "tile": _sized("tile"),
    "broadcast_to": _sized("broadcast"),
    "einsum": _einsum,
    "tril": _plain("tril(a)"),
    "triu": _plain("triu(a)"),
    "sort": _along("sort"),
    "zeros_like": _plain("zeros(shape(a))"),
    "ones_like": _plain("ones(shape(a))"),
}
