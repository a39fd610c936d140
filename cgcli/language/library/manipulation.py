"""Manipulation of shapes: reshaping, joining, padding and reordering of tensors."""

from __future__ import annotations

from itertools import chain

from cgcli.graph.sizes import Size, floor_div, mul, product, sub
from cgcli.graph.types import Type
from cgcli.language.call_site import CallSite
from cgcli.language.origins import counted
from cgcli.language.regions import Value
from cgcli.ops.update import axis_target

from .definitions import at_least, define, one_axis, padded


def _shape(s: CallSite) -> Value:
    sizes = s.value("x").type.shape
    if all(isinstance(n, int) for n in sizes):
        return s.lowering.value(s.frame, s.tree, sizes, Type("int", (len(sizes),), weak=True))
    return s.op("stack", *[s.size(n) for n in sizes], axis=-1)


def _len(s: CallSite) -> Value:
    x = s.value("x")
    at_least(s, x, 1)
    n = x.type.shape[0]
    return s.size(n)


def _reshape(s: CallSite) -> Value:
    x = s.value("x")
    shape = s.shape("shape")
    inferred = [k for k, n in enumerate(shape) if n == -1]
    if len(inferred) > 1:
        s.fail("reshape-open", "shape")
    s.check_sizes("shape", shape, -1)
    if inferred:
        rest = product(n for n in shape if n != -1)
        total = product(x.type.shape)
        if rest == 0 or (isinstance(total, int) and isinstance(rest, int) and total % rest):
            s.fail("reshape-rest", "shape", total=total, sizes=rest)
        shape = tuple(floor_div(total, rest) if n == -1 else n for n in shape)
    return s.op("reshape", x, shape=shape)


def _transpose(s: CallSite) -> Value:
    x = s.value("x")
    rank = x.type.rank
    axes = s.integers("axes")
    order = tuple(reversed(range(rank))) if axes is None else tuple(k + rank if k < 0 else k for k in axes)
    if sorted(order) != list(range(rank)):
        s.fail("not-a-permutation", "axes" if s.has("axes") else None, rank=rank)
    return x if rank < 2 else s.op("permute", x, axes=tuple(k - rank for k in order))


def _concat(s: CallSite) -> Value:
    parts = s.values("xs")
    if not parts:
        s.fail("empty-list", "xs")
    at_least(s, parts[0], 1)
    axis = s.axis("axis", parts[0].type.rank, 0)
    return s.op("concat", *parts, axis=axis)


def _stack(s: CallSite) -> Value:
    parts = s.values("xs")
    if not parts:
        s.fail("empty-list", "xs")
    return s.op("stack", *parts, axis=s.axis("axis", parts[0].type.rank + 1, 0))


def _broadcast(s: CallSite) -> Value:
    return s.op("expand", s.value("x"), shape=s.shape("shape"))


def _expand_dims(s: CallSite) -> Value:
    x = s.value("x")
    axes = s.integers("axis") or ()
    rank = x.type.rank + len(axes)
    return s.op("expand_dims", x, axes=s.axes("axis", rank))


def _squeeze(s: CallSite) -> Value:
    x = s.value("x")
    if s.has("axis"):
        return s.op("squeeze", x, axes=s.axes("axis", x.type.rank))
    rank = x.type.rank
    return s.op("squeeze", x, axes=tuple(k - rank for k, n in enumerate(x.type.shape) if n == 1))


def _pad(s: CallSite) -> Value:
    x = s.value("x")
    widths = s.pairs("widths")
    if len(widths) != x.type.rank:
        axes, pairs = counted(x.type.rank, "axis", "axes"), counted(len(widths), "pair")
        s.fail("pad-count", "widths", axes=axes, pairs=pairs)
    s.check_sizes("widths", chain(*widths))
    return padded(s, x, widths)


def _flip(s: CallSite) -> Value:
    x = s.value("x")
    axes = s.axes("axis", x.type.rank)
    if not axes:
        return x
    sizes = x.type.shape[axes[0] :]
    is_flipped = [k - len(sizes) in axes for k in range(len(sizes))]
    return s.op(
        "slice",
        x,
        starts=tuple(sub(n, 1) if t else 0 for n, t in zip(sizes, is_flipped, strict=True)),
        steps=tuple(-1 if t else 1 for t in is_flipped),
        sizes=sizes,
    )


def _roll(s: CallSite) -> Value:
    x = s.value("x")
    axis = one_axis(s, x)
    n, shift = x.type.shape[axis], s.integer("shift")
    if isinstance(n, int):
        cut: Size = (-shift) % n if n else 0
    else:
        cut = sub(n, shift) if shift >= 0 else -shift
    if cut == 0:
        return x
    rest = x.type.shape[axis:][1:]
    zeros, ones = (0,) * len(rest), (1,) * (len(rest) + 1)
    back = s.op("slice", x, starts=(cut, *zeros), steps=ones, sizes=(sub(n, cut), *rest))
    front = s.op("slice", x, starts=(0, *zeros), steps=ones, sizes=(cut, *rest))
    return s.op("concat", back, front, axis=axis)


def _tile(s: CallSite) -> Value:
    x = s.value("x")
    times = s.shape("times")
    shape = (*(1,) * (len(times) - x.type.rank), *x.type.shape)
    times = (*(1,) * (len(shape) - len(times)), *times)
    s.check_sizes("times", times)
    interleaved = tuple(n for n in shape for n in (1, n))
    x = s.op("reshape", x, shape=interleaved)
    x = s.op("expand", x, shape=tuple(m for t, n in zip(times, shape, strict=True) for m in (t, n)))
    return s.op("reshape", x, shape=tuple(mul(t, n) for t, n in zip(times, shape, strict=True)))


define("shape", "x", _shape, grouped=False)
define("len", "x", _len, grouped=False)
define("reshape", "x shape", _reshape, grouped=False)
define("transpose", "x axes?", _transpose, grouped=False)
define("concat", "xs", _concat, "axis?", lists="xs", grouped=False)
define("stack", "xs", _stack, "axis?", lists="xs", grouped=False)
define("broadcast", "x shape", _broadcast, grouped=False)
define("expand_dims", "x axis", _expand_dims, grouped=False)
define("squeeze", "x axis?", _squeeze, grouped=False)
define("pad", "x widths", _pad, grouped=False)
define("flip", "x axis?", _flip, grouped=False)
define("roll", "x shift", _roll, "axis?")
define("tile", "x times", _tile)


def _scatter_add(s: CallSite) -> Value:
    """`x` with the rows `v` added at indices `i` of the first axis."""
    x, i, v = s.value("x"), s.value("i"), s.value("v")
    at_least(s, x, 1)
    n = x.type.shape[0]
    indices = s.op("index", i, size=n)
    shape = (*i.type.shape, *x.type.shape[1:])
    if v.type.shape != shape:
        v = s.op("expand", v, shape=shape)
    return s.op("add_at", x, v, indices, **axis_target(x.type.shape, -x.type.rank))


define("scatter_add", "x i v", _scatter_add)
