"""Windows that slide over the last axes, and their transpose, which adds up: the base of convolution and pooling."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, cast

from cgcli.graph.sizes import Size, add, floor_div, mul, sub
from cgcli.graph.types import AnyType, Type

from .op import Effects, Element, Spelling, Statements, TypeMismatch, declare_structural
from .sizes import operand_elements
from .typing import one

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, Elements, ElementWriter, LoopIndex, LoopKind

IMAGE = tuple(tuple(float(3 * i + j) for j in range(5)) for i in range(4))
ATTRS = {"sizes": (2, 2), "strides": (2, 1), "dilations": (1, 2)}


def window_count(length: Size, size: int, stride: int, dilation: int) -> Size:
    """How many windows fit on an axis."""
    return add(floor_div(sub(length, dilation * (size - 1) + 1), stride), 1)


def _windows_type(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    sizes = cast("tuple[int, ...]", at["sizes"])  # of a window: never named
    counts: list[Size] = []
    for length, size, stride, dilation in zip(
        t.shape[t.rank - len(sizes) :], sizes, at["strides"], at["dilations"], strict=True
    ):
        reach = dilation * (size - 1) + 1
        if isinstance(length, int) and length < reach:
            raise TypeMismatch("window-too-large", [0], type=t, size=length, reach=reach)
        counts.append(window_count(length, size, stride, dilation))
    return t._replace(shape=(*t.shape[: t.rank - len(sizes)], *counts, *sizes))


def _fold(xp: ArrayNamespace, at: BoundAttrs, g: Array) -> Array:
    lead = g.shape[: g.ndim - 2 * len(at["sizes"])]
    out = xp.zeros((*lead, *at["shape"]), dtype=g.dtype)
    for offset in product(*map(range, at["sizes"])):
        part = []  # the elements that all windows have at this offset
        axes = zip(offset, at["shape"], at["sizes"], at["strides"], at["dilations"], strict=True)
        for k, length, size, stride, dilation in axes:
            start, count = k * dilation, (length - dilation * (size - 1) - 1) // stride + 1
            part.append(slice(start, start + stride * (count - 1) + 1, stride))
        out[(..., *part)] += g[(..., *offset)]
    return out


def _fold_type(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    return t._replace(shape=(*t.shape[: t.rank - 2 * len(at["sizes"])], *at["shape"]))


def _in_windows(e: Elements, index: Sequence[LoopIndex]) -> list[LoopIndex]:
    """The index, among the elements that windows slide over, of an index of windows and of elements in them."""
    strides, dilations = e.attrs["strides"], e.attrs["dilations"]
    many = len(strides)
    lead = len(index) - 2 * many
    axes = zip(index[lead : lead + many], index[lead + many :], strides, dilations, strict=True)
    return [*index[:lead], *(window.times(s).plus(inner.times(d)) for window, inner, s, d in axes)]


def _write_fold(e: ElementWriter) -> None:
    """Zeros, and then the elements of all windows, one offset after the other.

    Where windows do not overlap, one window after the other; if they cover all, without the zeros.
    """
    sizes, strides, dilations = (cast("tuple[int, ...]", e.attrs[key]) for key in ("sizes", "strides", "dilations"))
    shape, result = e.types[0].shape[len(e.row) :], e.type.shape[len(e.row) :]
    windows, offsets = shape[: len(shape) - len(sizes)], shape[len(shape) - len(sizes) :]
    apart = all(s > d * (n - 1) for n, s, d in zip(sizes, strides, dilations, strict=True))
    covered = tuple(mul(n, count) for n, count in zip(sizes, windows[-len(sizes) :], strict=True))

    def read(window: Sequence[LoopIndex], offset: Sequence[LoopIndex]) -> tuple[Sequence[LoopIndex], Array]:
        index = [*e.row, *window, *offset]
        return _in_windows(e, index), e.operand(0, index)

    def write(window: Sequence[LoopIndex], offset: Sequence[LoopIndex]) -> None:
        index, value = read(window, offset)
        e.write(index, e.const(0) + value)

    if sizes != strides or covered != result[-len(sizes) :]:
        e.each(result, lambda index: e.write([*e.row, *index], e.const(0)), "vector")
    if apart:
        e.each(windows, lambda window: e.each(offsets, lambda offset: write(window, offset)), "vector")
    else:
        kind: LoopKind = "vector" if strides[-1] == 1 else "serial"
        e.each(offsets, lambda offset: e.each(windows, lambda window: e.add(*read(window, offset)), kind), "serial")


declare_structural(
    "windows",
    "all windows on the last axes, the axes of the window behind those of its place",
    lambda b, g, y, x, at: b.fold_windows(g, shape=b.type1(x).shape[-len(at["sizes"]) :], **at),
    spelling=Spelling("none"),
    type_rule=_windows_type,
    evaluate=lambda xp, at, x: xp.windows(x, at["sizes"], at["strides"], at["dilations"]),
    loops=Element(lambda e, index: e.operand(0, _in_windows(e, index)), reads="repeated"),
    selects=True,
    effects=Effects(view=True),
    examples=((IMAGE,),),
    attrs=ATTRS,
    domain="axes at least as long as the window",
)
declare_structural(
    "fold_windows",
    "the elements of windows added up where the windows overlap",
    lambda b, g, y, x, at: b.windows(g, sizes=at["sizes"], strides=at["strides"], dilations=at["dilations"]),
    spelling=Spelling("none", latex=r"\operatorname{{fold}}\left({0}\right)"),
    type_rule=_fold_type,
    evaluate=_fold,
    loops=Statements(_write_fold, rows=lambda t, at: min(1, t.rank - 2 * len(at["sizes"]))),
    effects=Effects(operations=operand_elements, may_overflow=True),
    examples=((((1.0, 2.0), (3.0, 4.0)),),),
    attrs={"sizes": (2,), "strides": (1,), "dilations": (1,), "shape": (3,)},
    sized=("shape",),
)
