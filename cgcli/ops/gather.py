"""Ops that read elements along an axis at computed indices, and the order of elements.

Indices are checked and made non-negative by `index` before they get there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cgcli.graph.sizes import Size, mul
from cgcli.graph.types import AnyType, Type

from .failures import IndexOutOfRange
from .op import Effects, Element, Spelling, TypeMismatch, declare_structural
from .shape import lifted, row_starts
from .shape_text import with_shape, write_take
from .sizes import elements
from .typing import one
from .update import added_to_zeros, axis_target, reach_of_target

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, Elements, LoopIndex, OpBuilder

TABLE = ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


# ---- indices


def _index(xp: ArrayNamespace, at: BoundAttrs, i: Array) -> Array:
    size = at["size"]
    outside = (i < -size) | (i >= size)
    if outside.any():
        raise IndexOutOfRange(int(i[outside].flat[0]) if i.ndim else int(i), size)
    return xp.where(i < 0, i + size, i)


def _index_type(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    if not t.is_int:
        raise TypeMismatch("index-not-an-int", [0], type=t)
    return Type("int", t.shape)


declare_structural(
    "index",
    "an index made to count from the front; one out of range stops the run",
    type_rule=_index_type,
    evaluate=_index,
    loops=Element(lambda e, index: e.checked_index(e.operand(0, index), e.attrs["size"])),
    sized=("size",),
    domain="ints from minus the size up to the size",
    examples=(((0, -1, 2),),),
    attrs={"size": 3},
    spelling=Spelling("same", latex="{0}"),
    effects=Effects(may_fail=True, harmless={0: 0}),
)


# ---- reading along an axis


def _take_type(types: Sequence[AnyType], at: Attrs) -> Type:
    x, i = one(types[0]), one(types[1])
    k = x.rank + at["axis"]
    return x._replace(shape=(*x.shape[:k], *i.shape, *x.shape[k + 1 :]))


def _take_rule(b: OpBuilder, g: int, y: int, x: int, i: int, at: Attrs) -> int:
    return added_to_zeros(b, x, g, [i], axis_target(b.type1(x).shape, at["axis"]))


def _take_support(b: OpBuilder, s: int, k: int, xs: Sequence[int], at: Attrs) -> int:
    return reach_of_target(b, s, xs[0], xs[1:], axis_target(b.type1(xs[0]).shape, at["axis"]))


def _batch_take(b: OpBuilder, xs: Sequence[int], flags: Sequence[bool], at: Attrs, size: Size) -> int:
    """Rows with indices of their own: the rows one behind the other, and each index moved to its row."""
    x, i = xs
    axis: int = at["axis"]
    if not flags[1]:
        return b.take(x, i, axis=axis)
    if not flags[0]:
        node = b.take(x, i, axis=axis)
        before = b.type1(x).rank + axis
        return _rotate(b, node, before, 1, b.type1(node).rank - before - 1)
    shape = b.type1(x).shape
    length = shape[axis]
    behind = -axis - 1
    before = len(shape) - 2 - behind
    rows = _rotate(b, x, before, 1, behind)
    rows = b.reshape(rows, shape=(mul(size, length), *b.type1(rows).shape[2:]))
    node = b.take(rows, _moved(b, i, size, length), axis=-len(b.type1(rows).shape))
    # now [batch, indices…, before…, behind…]; the indices belong between the other two
    return _rotate(b, node, b.type1(i).rank - 1, before, behind)


def _moved(b: OpBuilder, i: int, size: Size, length: Size) -> int:
    """Indices [size, …] into rows of `length` that stand one behind the other."""
    starts = lifted(b, row_starts(b, size, length), b.type1(i).rank)
    return b.add(i, starts)


def _rotate(b: OpBuilder, x: int, first: int, second: int, behind: int) -> int:
    """[…, first…, second…, behind…] as […, second…, first…, behind…]."""
    if first == 0 or second == 0:
        return x
    rank = first + second + behind
    axes = (*range(first, first + second), *range(first), *range(first + second, rank))
    return b.permute(x, axes=tuple(a - rank for a in axes))


def _take_element(e: Elements, index: Sequence[LoopIndex]) -> Array:
    axis, many = e.types[0].rank + e.attrs["axis"], e.types[1].rank
    i = e.index_of(e.operand(1, index[axis : axis + many]))
    return e.operand(0, [*index[:axis], i, *index[axis + many :]])


declare_structural(
    "take",
    "the elements at given places of an axis",
    (_take_rule, None),
    type_rule=_take_type,
    evaluate=lambda xp, at, x, i: xp.take(x, i, axis=at["axis"]),
    loops=Element(_take_element, reads="repeated"),
    selects=True,
    support=_take_support,
    batch=_batch_take,
    examples=((TABLE, (2, 0, 2)),),
    attrs={"axis": -1},
    effects=Effects(operations=0),
    spelling=Spelling("none", rule=write_take, shown=with_shape),
)


# ---- order


def _sorting(types: Sequence[AnyType], result: AnyType, at: Attrs) -> Size:
    """n log n, the logarithm taken as 10 where n is a named size."""
    n = one(types[0]).shape[-1]
    return mul(elements(types[0]), n.bit_length() if isinstance(n, int) else 10)


declare_structural(
    "argsort",
    "the places of the elements of the last axis from the smallest to the largest; equal ones keep their order",
    type_rule=lambda types, at: Type("int", one(types[0]).shape),
    evaluate=lambda xp, at, x: xp.argsort(x, axis=-1, stable=True),
    domain="all numbers; nan comes last",
    examples=(((3.0, 1.0, 2.0, 1.0),),),
    effects=Effects(operations=_sorting),
)
