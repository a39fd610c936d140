"""Reductions, running sums, and the order of elements."""

from __future__ import annotations

from collections.abc import Callable

from cgcli.graph.sizes import Size, mul, product, sub
from cgcli.language.call_site import Site
from cgcli.language.regions import Several, Value

from .definitions import Build, at_least, define, one_axis


def _reduction(op: str, finish: Callable[[Site, Value, Value], Value] | None = None) -> Build:
    def build(s: Site) -> Value:
        x = s.value("x")
        axes = s.axes("axis", x.type.rank)
        made = s.op(op, x, axes=axes, keepdims=s.flag("keepdims", False))
        return made if finish is None else finish(s, x, made)

    return build


for _name in ("sum", "mean", "prod", "any", "all", "norm", "logsumexp"):
    define(_name, "x", _reduction(_name), "axis? keepdims?", whole=False)
define("max", "x", _reduction("amax"), "axis? keepdims?", whole=False)
define("min", "x", _reduction("amin"), "axis? keepdims?", whole=False)


def _count(x: Value, axes: tuple[int, ...]) -> Size:
    return product(x.type.shape[axis] for axis in axes)


def _deviations(s: Site, x: Value, axes: tuple[int, ...]) -> Value:
    return s.op("sub", x, s.op("mean", x, axes=axes, keepdims=True))


def _variance(s: Site) -> Value:
    x = s.value("x")
    axes = s.axes("axis", x.type.rank)
    squares = s.op("fixed_power", _deviations(s, x, axes), exponent=2)
    total = s.op("sum", squares, axes=axes, keepdims=s.flag("keepdims", False))
    return s.op("div", total, s.size(sub(_count(x, axes), s.integer("ddof", 0))))


def _deviation(s: Site) -> Value:
    """By way of the norm, whose derivative at 0 is 0."""
    x = s.value("x")
    axes = s.axes("axis", x.type.rank)
    length = s.op("norm", _deviations(s, x, axes), axes=axes, keepdims=s.flag("keepdims", False))
    count = s.size(sub(_count(x, axes), s.integer("ddof", 0)))
    return s.op("div", length, s.op("sqrt", count))


define("var", "x", _variance, "axis? keepdims? ddof?")
define("std", "x", _deviation, "axis? keepdims? ddof?")


def _place_of(op: str) -> Build:
    def build(s: Site) -> Value:
        x = s.value("x")
        return s.op(op, x, axes=(one_axis(s, x),), keepdims=s.flag("keepdims", False))

    return build


define("argmax", "x", _place_of("argmax"), "axis? keepdims?", whole=False)
define("argmin", "x", _place_of("argmin"), "axis? keepdims?", whole=False)


def _along_last(s: Site, x: Value, axis: int, work: Callable[[Value], Value]) -> Value:
    """`work` on the last axis, done on another one."""
    if axis == -1:
        return work(x)
    order = (*range(axis + 1, 0), axis)
    back = [0] * len(order)
    for place, k in enumerate(order):
        back[k] = place - len(order)
    return s.op("permute", work(s.op("permute", x, axes=order)), axes=tuple(back))


def _cumsum(s: Site) -> Value:
    x = s.value("x")
    return _along_last(s, x, one_axis(s, x), lambda y: s.op("cumsum", y))


define("cumsum", "x", _cumsum, "axis?")

# ---- order


def _rows_of(s: Site, x: Value, i: Value) -> Value:
    """[…, n] read at […, m] places of its last axis."""
    shape, places = x.type.shape, i.type.shape
    if len(shape) == 1:
        return s.op("take", x, i, axis=-1)
    lead, length = product(shape[:-1]), shape[-1]
    starts = s.op("mul", s.op("arange", size=lead), s.size(length))
    rows = s.op("add", s.op("reshape", i, shape=(lead, places[-1])), s.op("expand_dims", starts, axes=(-1,)))
    found = s.op("take", s.op("reshape", x, shape=(mul(lead, length),)), rows, axis=-1)
    return s.op("reshape", found, shape=places)


def _sort(s: Site) -> Value:
    x = s.value("x")
    at_least(s, x, 1)
    return _along_last(s, x, s.axis("axis", x.type.rank, -1), lambda y: _rows_of(s, y, s.op("argsort", y)))


def _argsort(s: Site) -> Value:
    x = s.value("x")
    at_least(s, x, 1)
    return _along_last(s, x, s.axis("axis", x.type.rank, -1), lambda y: s.op("argsort", y))


def _top_k(s: Site) -> Several:
    """The k largest of the last axis, the largest first; of equal ones the first."""
    x, k = s.value("x"), s.integer("k")
    at_least(s, x, 1)
    n = x.type.shape[-1]
    if k < 0 or (isinstance(n, int) and k > n):
        s.fail("top-k", "k", k=k, size=n)
    turned = s.op("neg", x)
    order = s.op("slice", s.op("argsort", turned), starts=(0,), steps=(1,), sizes=(k,))
    return Several((_rows_of(s, x, order), order))


define("sort", "x", _sort, "axis?")
define("argsort", "x", _argsort, "axis?")
define("top_k", "x k", _top_k)
