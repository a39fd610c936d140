"""Ops that rearrange elements. Axes count from the end: a batch axis in front changes nothing.

Each is linear and its derivative is another of them: `slice` and `pad`, `expand` and `sum`, `stack` and `slice`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from cgcli.graph.sizes import Shape, Size, add, product, same
from cgcli.graph.types import WEAK_INT, AnyType, Type

from .failures import SizesDiffer
from .op import Effects, Element, Spelling, Statements, TypeMismatch, UnaryRule, VariadicRule, declare_structural
from .padding import padded_element, write_padded
from .shape_text import (
    latex_expand,
    latex_permute,
    latex_size,
    pad_has_text,
    permuted_axes,
    slice_has_text,
    with_shape,
    write_arange,
    write_expand,
    write_joined,
    write_pad,
    write_permute,
    write_size_node,
    write_slice,
)
from .typing import broadcast, join_all, one

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, Elements, LoopIndex, OpBuilder

MATRIX = ((((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),),)
VECTOR = (((1.0, -2.0, 3.0, 0.5),),)


# ---- axes


def _expand_type(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    shape: Shape = at["shape"]
    try:
        fits = broadcast((shape, t.shape)) == shape
    except TypeMismatch as e:
        if e.code == "sizes-undecided":
            raise TypeMismatch(e.code, [0], **e.values) from None
        fits = False
    if not fits:
        raise TypeMismatch("not-broadcastable", [0], type=t, target=Type(t.dtype, shape))
    return t._replace(shape=shape)


declare_structural(
    "expand",
    "its argument repeated along new axes and those of size 1",
    (lambda b, g, y, x, at: g,),  # the gradient pass sums over the repeated elements
    type_rule=_expand_type,
    evaluate=lambda xp, at, x: xp.broadcast_to(x, at["shape"]),
    loops=Element(lambda e, index: e.broadcast(0, index), reads="broadcast"),
    sized=("shape",),
    batch=lambda b, xs, flags, at, size: b.expand(lifted(b, xs[0], 1 + len(at["shape"])), shape=(size, *at["shape"])),
    examples=MATRIX,
    attrs={"shape": (2, 2, 3)},
    spelling=Spelling("call", "broadcast", latex=latex_expand, rule=write_expand, shown=with_shape),
    effects=Effects(view=True, rearranges=True),
)


def lifted(b: OpBuilder, x: int, rank: int) -> int:
    """A batched value with axes of size 1 behind the batch axis, up to `rank`, so that broadcasting lines up."""
    shape = b.type1(x).shape
    missing = rank - len(shape)
    if missing <= 0:
        return x
    return b.expand_dims(x, axes=tuple(range(-rank + 1, -rank + 1 + missing)))


def _reshape_type(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    before, after = product(t.shape), product(at["shape"])
    if same(before, after) is False:
        raise TypeMismatch("reshape-size", [0], type=t, target=Type(t.dtype, at["shape"]), sizes=(before, after))
    return t._replace(shape=tuple(at["shape"]))


def _same_size(types: Sequence[AnyType], result: AnyType, at: Attrs) -> bool:
    """Whether the sizes are equal before the run compares them."""
    return same(product(one(types[0]).shape), product(one(result).shape)) is True


def _reshape(xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
    shape = at["shape"]
    count = 1
    for n in shape:
        count *= n
    if count != x.size:
        raise SizesDiffer(tuple(x.shape), tuple(shape))
    return xp.reshape(x, shape)


declare_structural(
    "reshape",
    "the same elements in another shape",
    (lambda b, g, y, x, at: b.reshape(g, shape=b.type1(x).shape),),
    type_rule=_reshape_type,
    evaluate=_reshape,
    loops=Element(
        lambda e, index: e.operand(0, e.reshaped(index, e.type.shape, e.types[0].shape)),
        lambda e: e.require_same([product(e.types[0].shape)], [product(e.type.shape)]),
        reads="renumbered",
    ),
    sized=("shape",),
    batch=lambda b, xs, flags, at, size: b.reshape(xs[0], shape=(size, *at["shape"])),
    examples=MATRIX,
    attrs={"shape": (3, 2)},
    effects=Effects(safe=_same_size, view=True, rearranges=True, may_fail=True),
)


def _has_shape(types: Sequence[AnyType], result: AnyType, at: Attrs) -> bool:
    return one(types[0]).shape == one(result).shape


def _match(xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
    if tuple(x.shape) != tuple(at["shape"]):
        raise SizesDiffer(tuple(x.shape), tuple(at["shape"]))
    return x


declare_structural(
    "match",
    "its argument, whose sizes are found at the run to be those that are wanted",
    (lambda b, g, y, x, at: b.match(g, shape=b.type1(x).shape),),
    type_rule=lambda types, at: one(types[0])._replace(shape=tuple(at["shape"])),
    evaluate=_match,
    loops=Element(
        lambda e, index: e.operand(0, index), lambda e: e.require_same(e.types[0].shape, e.type.shape), reads="same"
    ),
    sized=("shape",),
    batch=lambda b, xs, flags, at, size: b.match(xs[0], shape=(size, *at["shape"])),
    examples=MATRIX,
    attrs={"shape": (2, 3)},
    spelling=Spelling("same", latex="{0}", storage=True),
    effects=Effects(safe=_has_shape, view=True, may_fail=True),
)


def _expand_dims_type(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    rank = t.rank + len(at["axes"])
    new = {rank + axis for axis in at["axes"]}
    old = iter(t.shape)
    return t._replace(shape=tuple(1 if k in new else next(old) for k in range(rank)))


declare_structural(
    "expand_dims",
    "its argument with new axes of size 1",
    (lambda b, g, y, x, at: b.squeeze(g, axes=at["axes"]),),
    type_rule=_expand_dims_type,
    evaluate=lambda xp, at, x: x[tuple(_new_axes(x.ndim, at["axes"]))],
    loops=Element(lambda e, index: e.operand(0, _without(index, e.attrs["axes"])), reads="same"),
    examples=VECTOR,
    attrs={"axes": (-2,)},
    effects=Effects(view=True, rearranges=True),
    spelling=Spelling("call", latex="{0}", storage=True),
)


def _without(index: Sequence[LoopIndex], axes: Sequence[int]) -> list[LoopIndex]:
    gone = {len(index) + axis for axis in axes}
    return [i for k, i in enumerate(index) if k not in gone]


def _new_axes(rank: int, axes: Sequence[int]) -> list[object]:
    total = rank + len(axes)
    new = {total + axis for axis in axes}
    return [None if k in new else slice(None) for k in range(total)]


def _squeeze_type(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    for axis in at["axes"]:
        if t.shape[axis] != 1:
            raise TypeMismatch("squeeze-size", [0], type=t, size=t.shape[axis])
    gone = {t.rank + axis for axis in at["axes"]}
    return t._replace(shape=tuple(n for k, n in enumerate(t.shape) if k not in gone))


declare_structural(
    "squeeze",
    "its argument without axes of size 1",
    (lambda b, g, y, x, at: b.expand_dims(g, axes=at["axes"]),),
    type_rule=_squeeze_type,
    evaluate=lambda xp, at, x: xp.squeeze(x, axis=at["axes"]),
    loops=Element(lambda e, index: e.operand(0, _with_zeros(e, index)), reads="same"),
    examples=((((1.0,), (2.0,)),),),
    attrs={"axes": (-1,)},
    effects=Effects(view=True, rearranges=True),
    spelling=Spelling("call", latex="{0}", storage=True),
)


def _with_zeros(e: Elements, index: Sequence[LoopIndex]) -> list[LoopIndex]:
    """An index of a squeezed value with 0 for the axes that are gone."""
    rank = e.types[0].rank
    gone = {rank + axis for axis in e.attrs["axes"]}
    kept = iter(index)
    return [e.index(0) if k in gone else next(kept) for k in range(rank)]


def _permute_type(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    axes = at["axes"]
    return t._replace(shape=(*t.shape[: t.rank - len(axes)], *(t.shape[axis] for axis in axes)))


def _permute(xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
    axes = at["axes"]
    return xp.permute_dims(x, (*range(x.ndim - len(axes)), *(x.ndim + axis for axis in axes)))


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The inverse permutation, of the last axes."""
    result = [0] * len(axes)
    for k, axis in enumerate(axes):
        result[axis] = k - len(axes)
    return tuple(result)


def _permuted_element(e: Elements, index: Sequence[LoopIndex]) -> Array:
    axes = e.attrs["axes"]
    lead = len(index) - len(axes)
    return e.operand(0, [*index[:lead], *(index[axis] for axis in inverse(axes))])


declare_structural(
    "permute",
    "its argument with its last axes in another order",
    (lambda b, g, y, x, at: b.permute(g, axes=inverse(at["axes"])),),
    type_rule=_permute_type,
    evaluate=_permute,
    loops=Element(_permuted_element),
    examples=MATRIX,
    attrs={"axes": (-1, -2)},
    spelling=Spelling("call", "transpose", latex=latex_permute, rule=write_permute, shown=permuted_axes),
    effects=Effects(view=True, rearranges=True),
)


# ---- parts


def _slice_type(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one(types[0])
    sizes = at["sizes"]
    return t._replace(shape=(*t.shape[: t.rank - len(sizes)], *sizes))


def _slices(at: BoundAttrs, sizes: Sequence[int]) -> tuple[object, ...]:
    """Python slices of the last axes: `sizes` elements from `starts` in `steps`."""
    slices: list[object] = [...]
    for start, step, size in zip(at["starts"], at["steps"], sizes, strict=True):
        stop = start + step * size
        slices.append(slice(start, stop if stop >= 0 else None, step) if size else slice(0, 0))
    return tuple(slices)


def _back_by(op: str) -> UnaryRule:
    return lambda b, g, y, x, at: b.apply(
        op, g, starts=at["starts"], steps=at["steps"], sizes=b.type1(x).shape[-len(at["sizes"]) :]
    )


def _sliced_element(e: Elements, index: Sequence[LoopIndex]) -> Array:
    starts, steps = e.attrs["starts"], e.attrs["steps"]
    lead = len(index) - len(starts)
    parts = zip(index[lead:], starts, steps, strict=True)
    return e.operand(0, [*index[:lead], *(i.times(step).plus(e.index(start)) for i, start, step in parts)])


declare_structural(
    "slice",
    "a part of its argument: along the last axes, so many elements from a start in steps",
    _back_by("pad"),
    type_rule=_slice_type,
    evaluate=lambda xp, at, x: x[_slices(at, at["sizes"])],
    loops=Element(_sliced_element, reads="aligned"),
    sized=("starts", "sizes"),
    selects=True,
    examples=VECTOR,
    attrs={"starts": (1,), "steps": (2,), "sizes": (2,)},
    spelling=Spelling("none", rule=write_slice, written_if=slice_has_text, shown=with_shape),
    effects=Effects(view=True, rearranges=True),
)


def _pad(xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
    sizes = at["sizes"]
    lead = x.shape[: x.ndim - len(sizes)]
    out = xp.zeros((*lead, *sizes), dtype=x.dtype)
    out[_slices(at, x.shape[x.ndim - len(sizes) :])] = x
    return out


declare_structural(
    "pad",
    "its argument within zeros: along the last axes, from a start in steps",
    _back_by("slice"),
    type_rule=_slice_type,
    evaluate=_pad,
    loops=Element(
        padded_element,
        stored=Statements(write_padded, rows=lambda t, at: t.rank - len(at["starts"])),
        reads="aligned",
    ),
    sized=("starts", "sizes"),
    examples=VECTOR,
    attrs={"starts": (1,), "steps": (2,), "sizes": (9,)},
    effects=Effects(operations=0),
    spelling=Spelling("call", rule=write_pad, written_if=pad_has_text, shown=with_shape),
)


# ---- several into one


def _concat_type(types: Sequence[AnyType], at: Attrs) -> Type:
    parts = [one(t) for t in types]
    axis: int = at["axis"]
    if any(t.rank < -axis for t in parts):
        k = next(k for k, t in enumerate(parts) if t.rank < -axis)
        raise TypeMismatch("concat-rank", [k], type=parts[k])
    total: Size = 0
    for t in parts:
        total = add(total, t.shape[axis])
    others = [t.shape[: t.rank + axis] + t.shape[t.rank + axis + 1 :] for t in parts]
    _all_equal(others, "concat-shapes")
    joined = joined_type(parts)
    shape = list(parts[0].shape)
    shape[axis] = total
    return joined._replace(shape=tuple(shape))


def _all_equal(shapes: Sequence[Shape], code: str) -> None:
    for k, shape in enumerate(shapes[1:], 1):
        if len(shape) != len(shapes[0]):
            raise TypeMismatch(code, (0, k), sizes=None)
        for a, b in zip(shapes[0], shape, strict=True):
            if same(a, b) is not True:
                raise TypeMismatch(code, (0, k), sizes=(a, b))


def joined_type(parts: Sequence[Type]) -> Type:
    """The joined dtype of the parts, whatever their shapes; bools stay bools among themselves."""
    if all(t.dtype == "bool" for t in parts):
        return Type("bool")
    return join_all([t._replace(shape=()) for t in parts])


def _concat_rule(b: OpBuilder, g: int, y: int, k: int, xs: Sequence[int], at: Attrs) -> int:
    axis: int = at["axis"]
    start: Size = 0
    for x in xs[:k]:
        start = add(start, b.type1(x).shape[axis])
    sizes = b.type1(xs[k]).shape[axis:]
    zeros = (0,) * (len(sizes) - 1)
    return b.slice(g, starts=(start, *zeros), steps=(1,) * len(sizes), sizes=sizes)


def _concat_element(e: Elements, index: Sequence[LoopIndex]) -> Array:
    """The element of the last operand that begins at the index or before it."""
    axis = len(index) + e.attrs["axis"]
    i = e.number(index[axis])
    number, starts = e.number(e.index(0)), [e.index(0)]
    for t in e.types[:-1]:
        starts.append(starts[-1].plus(e.index(t.shape[axis])))
        number = number + e.xp.where(i >= e.number(starts[-1]), 1, 0)

    def part(k: int) -> Array:
        return e.operand(k, [*index[:axis], index[axis].plus(starts[k].times(-1)), *index[axis + 1 :]])

    return e.switch(number, [partial(part, k) for k in range(len(starts))])


declare_structural(
    "concat",
    "its arguments one behind the other along an axis",
    VariadicRule(_concat_rule),
    type_rule=_concat_type,
    evaluate=lambda xp, at, *xs: xp.concat(xs, axis=at["axis"]),
    loops=Element(_concat_element, reads="aligned"),
    batch="spread",
    examples=(((1.0, 2.0), (3.0,)), ((1.0,), (2.0, 3.0), (4.0, 5.0))),
    attrs={"axis": -1},
    effects=Effects(operations=0, out=True),
    spelling=Spelling("call", rule=write_joined),
)


def _stack_type(types: Sequence[AnyType], at: Attrs) -> Type:
    parts = [one(t) for t in types]
    _all_equal([t.shape for t in parts], "stack-shapes")
    shape = list(parts[0].shape)
    shape.insert(len(shape) + 1 + at["axis"], len(parts))
    return joined_type(parts)._replace(shape=tuple(shape))


def _stack_rule(b: OpBuilder, g: int, y: int, k: int, xs: Sequence[int], at: Attrs) -> int:
    axis: int = at["axis"]
    sizes = (1, *b.type1(g).shape[axis:][1:])
    part = b.slice(g, starts=(k, *(0,) * (len(sizes) - 1)), steps=(1,) * len(sizes), sizes=sizes)
    return b.squeeze(part, axes=(axis,))


def _stack_element(e: Elements, index: Sequence[LoopIndex]) -> Array:
    axis = len(index) + e.attrs["axis"]
    rest = [*index[:axis], *index[axis + 1 :]]
    return e.switch(e.number(index[axis]), [partial(e.operand, k, rest) for k in range(len(e.types))])


declare_structural(
    "stack",
    "its arguments side by side along a new axis",
    VariadicRule(_stack_rule),
    type_rule=_stack_type,
    evaluate=lambda xp, at, *xs: xp.stack(xs, axis=at["axis"]),
    loops=Element(_stack_element, reads="aligned"),
    batch="spread",
    examples=((1.0, 2.0, 3.0), ((1.0, 2.0), (3.0, 4.0))),
    attrs={"axis": -1},
    effects=Effects(operations=0, out=True),
    spelling=Spelling("call", rule=write_joined),
)


# ---- out of sizes

declare_structural(
    "size",
    "the size of an axis as an int",
    type_rule=lambda types, at: WEAK_INT,  # as a literal's: `x / n` and `x / sqrt(n)` keep x's type
    evaluate=lambda xp, at: at["size"],
    loops=Element(lambda e, index: e.number(e.index(e.attrs["size"]))),
    sized=("size",),
    examples=((),),
    attrs={"size": 3},
    spelling=Spelling("none", latex=lambda at: latex_size(at["size"]), rule=write_size_node),
    effects=Effects(operations=0),
)
declare_structural(
    "arange",
    "the ints from 0 up to a size",
    type_rule=lambda types, at: Type("int", (at["size"],)),
    evaluate=lambda xp, at: xp.arange(at["size"]),
    loops=Element(lambda e, index: e.number(index[0])),
    sized=("size",),
    examples=((),),
    attrs={"size": 3},
    spelling=Spelling("call", rule=write_arange),
    effects=Effects(operations=0),
)


def row_starts(b: OpBuilder, rows: Size, length: Size) -> int:
    """Ints [rows]: where each row begins in the elements of a matrix one behind the other."""
    step = b.const(length) if isinstance(length, int) else b.size(size=length)
    return b.mul(b.arange(size=rows), step)
