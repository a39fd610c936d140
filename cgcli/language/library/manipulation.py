"""Shapes: the same elements in another arrangement, and tensors put together."""

from __future__ import annotations

from cgcli.graph.sizes import Size, floor_div, mul, product, sub
from cgcli.graph.types import Type
from cgcli.language.call_site import Site
from cgcli.language.origins import counted
from cgcli.language.regions import Value

from .definitions import at_least, define, one_axis, padded


def _shape(s: Site) -> Value:
    sizes = s.value("x").type.shape
    if all(isinstance(n, int) for n in sizes):
        return s.lowering.value(s.frame, s.tree, sizes, Type("int", (len(sizes),), weak=True))
    return s.op("stack", *[s.size(n) for n in sizes], axis=-1)


def _len(s: Site) -> Value:
    x = s.value("x")
    at_least(s, x, 1)
    n = x.type.shape[0]
    return s.size(n)


def _reshape(s: Site) -> Value:
    x = s.value("x")
    wanted = s.shape("shape")
    open_ = [k for k, n in enumerate(wanted) if n == -1]
    if len(open_) > 1:
        s.fail("reshape-open", "shape")
    if any(isinstance(n, int) and n < -1 for n in wanted):
        s.fail("negative-size", "shape", size=next(n for n in wanted if isinstance(n, int) and n < -1))
    if open_:
        rest = product(n for n in wanted if n != -1)
        total = product(x.type.shape)
        if rest == 0 or (isinstance(total, int) and isinstance(rest, int) and total % rest):
            s.fail("reshape-rest", "shape", total=total, sizes=rest)
        wanted = tuple(floor_div(total, rest) if n == -1 else n for n in wanted)
    return s.op("reshape", x, shape=wanted)


def _transpose(s: Site) -> Value:
    x = s.value("x")
    rank = x.type.rank
    given = s.integers("axes")
    order = tuple(reversed(range(rank))) if given is None else tuple(k + rank if k < 0 else k for k in given)
    if sorted(order) != list(range(rank)):
        s.fail("not-a-permutation", "axes" if s.given("axes") else None, rank=rank)
    return x if rank < 2 else s.op("permute", x, axes=tuple(k - rank for k in order))


def _concat(s: Site) -> Value:
    parts = s.values("xs")
    if not parts:
        s.fail("empty-list", "xs")
    at_least(s, parts[0], 1)
    axis = s.axis("axis", parts[0].type.rank, 0)
    return s.op("concat", *parts, axis=axis)


def _stack(s: Site) -> Value:
    parts = s.values("xs")
    if not parts:
        s.fail("empty-list", "xs")
    return s.op("stack", *parts, axis=s.axis("axis", parts[0].type.rank + 1, 0))


def _broadcast(s: Site) -> Value:
    return s.op("expand", s.value("x"), shape=s.shape("shape"))


def _expand_dims(s: Site) -> Value:
    x = s.value("x")
    given = s.integers("axis") or ()
    rank = x.type.rank + len(given)
    return s.op("expand_dims", x, axes=s.axes("axis", rank))


def _squeeze(s: Site) -> Value:
    x = s.value("x")
    if s.given("axis"):
        return s.op("squeeze", x, axes=s.axes("axis", x.type.rank))
    rank = x.type.rank
    return s.op("squeeze", x, axes=tuple(k - rank for k, n in enumerate(x.type.shape) if n == 1))


def _pad(s: Site) -> Value:
    x = s.value("x")
    widths = s.pairs("widths")
    if len(widths) != x.type.rank:
        wanted, found = counted(x.type.rank, "axis", "axes"), counted(len(widths), "pair")
        s.fail("pad-count", "widths", wanted=wanted, found=found)
    below = [n for pair in widths for n in pair if isinstance(n, int) and n < 0]
    if below:
        s.fail("negative-size", "widths", size=below[0])
    return padded(s, x, widths)


def _flip(s: Site) -> Value:
    x = s.value("x")
    axes = s.axes("axis", x.type.rank)
    if not axes:
        return x
    sizes = x.type.shape[axes[0] :]
    turned = [k - len(sizes) in axes for k in range(len(sizes))]
    return s.op(
        "slice",
        x,
        starts=tuple(sub(n, 1) if t else 0 for n, t in zip(sizes, turned, strict=True)),
        steps=tuple(-1 if t else 1 for t in turned),
        sizes=sizes,
    )


def _roll(s: Site) -> Value:
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


def _tile(s: Site) -> Value:
    x = s.value("x")
    times = s.shape("times")
    shape = (*(1,) * (len(times) - x.type.rank), *x.type.shape)
    times = (*(1,) * (len(shape) - len(times)), *times)
    below = [n for n in times if isinstance(n, int) and n < 0]
    if below:
        s.fail("negative-size", "times", size=below[0])
    paired = tuple(n for n in shape for n in (1, n))
    x = s.op("reshape", x, shape=paired)
    x = s.op("expand", x, shape=tuple(m for t, n in zip(times, shape, strict=True) for m in (t, n)))
    return s.op("reshape", x, shape=tuple(mul(t, n) for t, n in zip(times, shape, strict=True)))


define("shape", "x", _shape, whole=False)
define("len", "x", _len, whole=False)
define("reshape", "x shape", _reshape, whole=False)
define("transpose", "x axes?", _transpose, whole=False)
define("concat", "xs", _concat, "axis?", lists="xs", whole=False)
define("stack", "xs", _stack, "axis?", lists="xs", whole=False)
define("broadcast", "x shape", _broadcast, whole=False)
define("expand_dims", "x axis", _expand_dims, whole=False)
define("squeeze", "x axis?", _squeeze, whole=False)
define("pad", "x widths", _pad, whole=False)
define("flip", "x axis?", _flip, whole=False)
define("roll", "x shift", _roll, "axis?")
define("tile", "x times", _tile)


def _scatter_add(s: Site) -> Value:
    """`x` with the rows `v` added at places `i` of the first axis."""
    x, i, v = s.value("x"), s.value("i"), s.value("v")
    at_least(s, x, 1)
    n = x.type.shape[0]
    places = s.op("index", i, size=n)
    wanted = (*i.type.shape, *x.type.shape[1:])
    if v.type.shape != wanted:
        v = s.op("expand", v, shape=wanted)
    return s.op("add", x, s.op("put", v, places, axis=-x.type.rank, size=n))


define("scatter_add", "x i v", _scatter_add)
