"""Reductions, running sums, and the order of elements."""

from __future__ import annotations

from collections.abc import Callable

from cgcli.graph.sizes import Size, mul, product, sub
from cgcli.language.call_site import CallSite
from cgcli.language.regions import Several, Value

from .definitions import Build, at_least, define, one_axis


def _reduction(op: str, finish: Callable[[CallSite, Value, Value], Value] | None = None) -> Build:
    def build(s: CallSite) -> Value:
        x = s.value("x")
        axes = s.axes("axis", x.type.rank)
        result = s.op(op, x, axes=axes, keepdims=s.flag("keepdims", False))
        return result if finish is None else finish(s, x, result)

    return build


for _name in ("sum", "mean", "prod", "any", "all", "norm", "logsumexp"):
    define(_name, "x", _reduction(_name), "axis? keepdims?", grouped=False)
define("max", "x", _reduction("amax"), "axis? keepdims?", grouped=False)
define("min", "x", _reduction("amin"), "axis? keepdims?", grouped=False)


def _count(x: Value, axes: tuple[int, ...]) -> Size:
    return product(x.type.shape[axis] for axis in axes)


def _deviations(s: CallSite, x: Value, axes: tuple[int, ...]) -> Value:
    return s.op("sub", x, s.op("mean", x, axes=axes, keepdims=True))


def _variance(s: CallSite) -> Value:
    x = s.value("x")
    axes = s.axes("axis", x.type.rank)
    squares = s.op("fixed_power", _deviations(s, x, axes), exponent=2)
    total = s.op("sum", squares, axes=axes, keepdims=s.flag("keepdims", False))
    return s.op("div", total, s.size(sub(_count(x, axes), s.integer("ddof", 0))))


def _deviation(s: CallSite) -> Value:
    """By way of the norm, whose derivative at 0 is 0."""
    x = s.value("x")
    axes = s.axes("axis", x.type.rank)
    length = s.op("norm", _deviations(s, x, axes), axes=axes, keepdims=s.flag("keepdims", False))
    count = s.size(sub(_count(x, axes), s.integer("ddof", 0)))
    return s.op("div", length, s.op("sqrt", count))


define("var", "x", _variance, "axis? keepdims? ddof?")
define("std", "x", _deviation, "axis? keepdims? ddof?")


def _arg_reduction(op: str) -> Build:
    def build(s: CallSite) -> Value:
        x = s.value("x")
        return s.op(op, x, axes=(one_axis(s, x),), keepdims=s.flag("keepdims", False))

    return build


define("argmax", "x", _arg_reduction("argmax"), "axis? keepdims?", grouped=False)
define("argmin", "x", _arg_reduction("argmin"), "axis? keepdims?", grouped=False)


def _along_last(s: CallSite, x: Value, axis: int, function: Callable[[Value], Value]) -> Value:
    """Applies a function of the last axis to another axis."""
    if axis == -1:
        return function(x)
    order = (*range(axis + 1, 0), axis)
    inverse = [0] * len(order)
    for position, k in enumerate(order):
        inverse[k] = position - len(order)
    return s.op("permute", function(s.op("permute", x, axes=order)), axes=tuple(inverse))


def _cumsum(s: CallSite) -> Value:
    x = s.value("x")
    return _along_last(s, x, one_axis(s, x), lambda y: s.op("cumsum", y))


define("cumsum", "x", _cumsum, "axis?")

# ---- order


def _take_rows(s: CallSite, x: Value, i: Value) -> Value:
    """The elements of `x: [..., n]` at positions `i: [..., m]` of its last axis."""
    shape, result_shape = x.type.shape, i.type.shape
    if len(shape) == 1:
        return s.op("take", x, i, axis=-1)
    row_count, length = product(shape[:-1]), shape[-1]
    starts = s.op("mul", s.op("arange", size=row_count), s.size(length))
    rows = s.op("add", s.op("reshape", i, shape=(row_count, result_shape[-1])), s.op("expand_dims", starts, axes=(-1,)))
    elements = s.op("take", s.op("reshape", x, shape=(mul(row_count, length),)), rows, axis=-1)
    return s.op("reshape", elements, shape=result_shape)


def _sort(s: CallSite) -> Value:
    x = s.value("x")
    at_least(s, x, 1)
    return _along_last(s, x, s.axis("axis", x.type.rank, -1), lambda y: _take_rows(s, y, s.op("argsort", y)))


def _argsort(s: CallSite) -> Value:
    x = s.value("x")
    at_least(s, x, 1)
    return _along_last(s, x, s.axis("axis", x.type.rank, -1), lambda y: s.op("argsort", y))


def _top_k(s: CallSite) -> Several:
    """The k largest of the last axis, the largest first; of equal ones the first."""
    x, k = s.value("x"), s.integer("k")
    at_least(s, x, 1)
    n = x.type.shape[-1]
    if k < 0 or (isinstance(n, int) and k > n):
        s.fail("top-k", "k", k=k, size=n)
    negated = s.op("neg", x)
    order = s.op("slice", s.op("argsort", negated), starts=(0,), steps=(1,), sizes=(k,))
    return Several((_take_rows(s, x, order), order))


define("sort", "x", _sort, "axis?")
define("argsort", "x", _argsort, "axis?")
define("top_k", "x k", _top_k)
