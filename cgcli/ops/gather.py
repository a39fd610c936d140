"""Ops that read and write elements at computed indices, and the order of elements.

`take` reads along one axis, `put` is its transpose: values written to the same index add up. Indices are checked and
made non-negative by `index` before they get there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cgcli.graph.sizes import Size, mul
from cgcli.graph.types import AnyType, Type

from .failures import IndexOutOfRange
from .op import Effects, Element, Spelling, Statements, TypeMismatch, declare_structural
from .shape import lifted, row_starts
from .shape_text import with_shape, write_take
from .sizes import elements, operand_elements
from .typing import one

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, Elements, ElementWriter, LoopIndex, OpBuilder

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


# ---- reading and writing along an axis


def _take_type(types: Sequence[AnyType], at: Attrs) -> Type:
    x, i = one(types[0]), one(types[1])
    k = x.rank + at["axis"]
    return x._replace(shape=(*x.shape[:k], *i.shape, *x.shape[k + 1 :]))


def _take_rule(b: OpBuilder, g: int, y: int, x: int, i: int, at: Attrs) -> int:
    return b.put(g, i, axis=at["axis"], size=b.type1(x).shape[at["axis"]])


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
    batch=_batch_take,
    examples=((TABLE, (2, 0, 2)),),
    attrs={"axis": -1},
    effects=Effects(operations=0),
    spelling=Spelling("none", rule=write_take, shown=with_shape),
)


def _put_type(types: Sequence[AnyType], at: Attrs) -> Type:
    g, i = one(types[0]), one(types[1])
    behind = -at["axis"] - 1
    before = g.rank - behind - i.rank
    return g._replace(shape=(*g.shape[:before], at["size"], *g.shape[g.rank - behind :]))


def _put(xp: ArrayNamespace, at: BoundAttrs, g: Array, i: Array) -> Array:
    behind = -at["axis"] - 1
    before = g.ndim - behind - i.ndim
    out = xp.zeros((*g.shape[:before], at["size"], *g.shape[g.ndim - behind :]), dtype=g.dtype)
    xp.add_at(out, (*(slice(None),) * before, i), g)
    return out


def _batch_put(b: OpBuilder, xs: Sequence[int], flags: Sequence[bool], at: Attrs, size: Size) -> int:
    g, i = xs
    axis, length = at["axis"], at["size"]
    if not flags[1]:
        return b.put(g, i, axis=axis, size=length)
    if not flags[0]:
        g = b.expand(g, shape=(size, *b.type1(g).shape))
    behind = -axis - 1
    indices = b.type1(i).rank - 1
    before = b.type1(g).rank - 1 - indices - behind
    rows = _rotate(b, g, before, indices, behind)
    rest = b.type1(rows).shape[1 + indices :]
    node = b.put(rows, _moved(b, i, size, length), axis=-len(rest) - 1, size=mul(size, length))
    node = b.reshape(node, shape=(size, length, *rest))
    return _rotate(b, node, 1, before, behind)


def _write_put(e: ElementWriter) -> None:
    """Zeros, and then each value added in its order."""
    many, g = e.types[1].rank, e.types[0]
    before = g.rank + e.attrs["axis"] + 1 - many
    e.each(e.type.shape, lambda index: e.write(index, e.const(0)))

    def put(index: Sequence[LoopIndex]) -> None:
        i = e.index_of(e.operand(1, index[before : before + many]))
        e.add([*index[:before], i, *index[before + many :]], e.operand(0, index))

    e.each(g.shape, put)


declare_structural(
    "put",
    "zeros with values added at given places of an axis",
    (lambda b, g, y, x, i, at: b.take(g, i, axis=at["axis"]), None),
    type_rule=_put_type,
    evaluate=_put,
    loops=Statements(_write_put),
    sized=("size",),
    batch=_batch_put,
    examples=((TABLE, (2, 0, 2)),),
    attrs={"axis": -1, "size": 4},
    effects=Effects(operations=operand_elements, may_overflow=True),
    spelling=Spelling("none"),
)


# ---- who writes last


def _last_writer(xp: ArrayNamespace, at: BoundAttrs, i: Array) -> Array:
    out = xp.full((*i.shape[:-1], at["size"]), -1, dtype=i.dtype)
    numbers = xp.broadcast_to(xp.arange(i.shape[-1]), i.shape)
    rows = i.reshape(-1, i.shape[-1]) if i.size else i.reshape(0, 0)
    flat = out.reshape(-1, at["size"]) if out.size else out
    for row, indices, number in zip(flat, rows, numbers.reshape(*rows.shape), strict=False):
        row[indices] = number  # NumPy writes one after the other, so the last one stays
    return out


def _write_last_writer(e: ElementWriter) -> None:
    e.each(e.type.shape, lambda index: e.write(index, e.const(-1)))
    e.each(
        e.types[0].shape,
        lambda index: e.write([*index[:-1], e.index_of(e.operand(0, index))], e.number(index[-1])),
    )


declare_structural(
    "last_writer",
    "of each place, which of the indices is the last to name it, or -1",
    type_rule=lambda types, at: Type("int", (*one(types[0]).shape[:-1], at["size"])),
    evaluate=_last_writer,
    loops=Statements(_write_last_writer),
    sized=("size",),
    examples=(((2, 0, 2),),),
    attrs={"size": 4},
    effects=Effects(operations=0),
    spelling=Spelling("none"),
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
