"""Ops that read and change the elements of a target: along each of the last axes a slice, or a computed index.

Their attributes are the `starts`, `steps` and `sizes` of the slices, as those of `slice`. A step of 0 stands for a
computed index; the last operands are these indices, in the order of the axes. They are all of one shape, and elements
are selected pairwise, as by NumPy. The elements of a target have the axes in front of it, then those of its slices, and
in place of the first computed index the axes of the indices.

`elements` reads a target, `update` writes to it, `add_at` adds to it. What names an element several times writes or
adds in order. Indices are checked and made non-negative by `index` before they get there.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cgcli.graph.sizes import Shape, Size, product, same
from cgcli.graph.types import AnyType, Type

from .op import Effects, Element, Spelling, Statements, TypeMismatch, VariadicRule, declare_structural
from .shape import joined_type, lifted
from .shape_text import slice_has_text, with_shape, write_elements, write_update
from .sizes import operand_elements
from .typing import join_all, one

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, Elements, ElementWriter, LoopIndex, OpBuilder

MATRIX = ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
AT = {"starts": (0, 0), "steps": (0, 0), "sizes": (1, 1)}


class _Axes(NamedTuple):
    """The axes of an array by their role in a target.

    before: those in front of the first computed index; computed; behind: the others.
    """

    before: list[int]
    computed: list[int]
    behind: list[int]


def _axes(rank: int, steps: Sequence[int]) -> _Axes:
    lead = rank - len(steps)
    computed = [lead + k for k, step in enumerate(steps) if not step]
    first = computed[0] if computed else rank
    slices = [k for k in range(rank) if k not in computed]
    return _Axes([k for k in slices if k < first], computed, [k for k in slices if k > first])


def target_shape(shape: Shape, indices: Shape, at: Attrs) -> Shape:
    """The shape of the elements of a target. indices: that of the computed indices."""
    axes, lead = _axes(len(shape), at["steps"]), len(shape) - len(at["steps"])
    sizes = (*shape[:lead], *at["sizes"])
    return (*(sizes[k] for k in axes.before), *indices, *(sizes[k] for k in axes.behind))


def axis_target(shape: Shape, axis: int) -> dict[str, Any]:
    """The target of one computed index along an axis, which counts from the end."""
    rest = shape[axis:][1:]
    zeros = (0,) * len(rest)
    return {"starts": (0, *zeros), "steps": (0, *(1,) * len(rest)), "sizes": (1, *rest)}


# ---- types


def _index_shape(indices: Sequence[AnyType], at: Attrs) -> Shape:
    shapes = [one(t).shape for t in indices]
    if len(shapes) != at["steps"].count(0) or any(shape != shapes[0] for shape in shapes):
        raise TypeMismatch("target-indices")
    return shapes[0] if shapes else ()


def _elements_type(types: Sequence[AnyType], at: Attrs) -> Type:
    x = one(types[0])
    return x._replace(shape=target_shape(x.shape, _index_shape(types[1:], at), at))


def _updated_type(types: Sequence[AnyType], at: Attrs) -> Type:
    """The joined type; two bools stay bools."""
    return _changed_shape(types, at, joined_type([one(types[0]), one(types[1])]))


def _added_type(types: Sequence[AnyType], at: Attrs) -> Type:
    return _changed_shape(types, at, join_all([one(t)._replace(shape=()) for t in types[:2]]))


def _changed_shape(types: Sequence[AnyType], at: Attrs, result: Type) -> Type:
    x, v = one(types[0]), one(types[1])
    shape = target_shape(x.shape, _index_shape(types[2:], at), at)
    if len(v.shape) != len(shape) or any(same(a, b) is False for a, b in zip(v.shape, shape, strict=True)):
        raise TypeMismatch("not-broadcastable", [1], type=v, target=v._replace(shape=shape))
    return result._replace(shape=x.shape)


# ---- kernels


def _target(xp: ArrayNamespace, at: BoundAttrs, x: Array, indices: Sequence[Array]) -> tuple[Array, tuple[Any, ...]]:
    """A view of an array with its computed axes side by side, and the index that selects the target in it."""
    steps = at["steps"]
    axes, lead = _axes(x.ndim, steps), x.ndim - len(steps)
    slices: list[object] = [slice(None)] * lead
    for start, step, size in zip(at["starts"], steps, at["sizes"], strict=True):
        stop = start + step * size
        slices.append(slice(start, stop if stop >= 0 else None, step) if step and size else slice(0, 0))
    key = (*(slices[k] for k in axes.before), *map(_ints, indices), *(slices[k] for k in axes.behind))
    order = (*axes.before, *axes.computed, *axes.behind)
    return (x if order == tuple(range(x.ndim)) else xp.permute_dims(x, order)), key


def _ints(index: Array) -> Array | int:
    """An index as NumPy takes it; elements are selected in the order in which they lie in memory."""
    return index.astype("int64", order="C") if index.ndim else int(index)


def _elements(xp: ArrayNamespace, at: BoundAttrs, x: Array, *indices: Array) -> Array:
    view, key = _target(xp, at, x, indices)
    return view[key].astype(x.dtype)  # a copy also where numbers and slices alone would give a view


def _copy(x: Array, v: Array) -> Array:
    """The array in the type that joins both."""
    kinds = "bif"
    wider = (kinds.find(v.dtype.kind), v.dtype.itemsize) > (kinds.find(x.dtype.kind), x.dtype.itemsize)
    return x.astype(v.dtype if wider else x.dtype)


def _update(xp: ArrayNamespace, at: BoundAttrs, x: Array, v: Array, *indices: Array) -> Array:
    out = _copy(x, v)
    view, key = _target(xp, at, out, indices)
    view[key] = v.astype(v.dtype, order="C") if v.ndim else v  # NumPy writes one after the other, so the last one stays
    return out


def _add_at(xp: ArrayNamespace, at: BoundAttrs, x: Array, v: Array, *indices: Array) -> Array:
    out = _copy(x, v)
    if out.dtype.kind == "b":
        out = out.astype("int64")
    view, key = _target(xp, at, out, indices)
    if any(i.ndim for i in indices):
        xp.add_at(view, key, v)
    else:
        view[key] = view[key] + v
    return out


# ---- loop forms


def _source(e: Elements, first: int, index: Sequence[LoopIndex]) -> list[LoopIndex]:
    """The index in the array of the element that `index` names in the target. first: the first operand that is an
    index."""
    starts, steps = e.attrs["starts"], e.attrs["steps"]
    axes = _axes(e.types[0].rank, steps)
    lead, position = e.types[0].rank - len(steps), len(axes.before)
    many = e.types[first].rank if axes.computed else 0
    chosen, rest = index[position : position + many], iter([*index[:position], *index[position + many :]])
    result = [next(rest) for _ in range(lead)]
    for start, step in zip(starts, steps, strict=True):
        if step:
            result.append(next(rest).times(step).plus(e.index(start)))
        else:
            result.append(e.index_of(e.operand(first, chosen)))
            first += 1
    return result


def _write(e: ElementWriter, write: Any) -> None:
    """Calls `write` for each element of the target. Along slices no two steps touch the same element."""
    axes = _axes(e.types[0].rank, e.attrs["steps"])
    if axes.computed and not e.types[2].rank:
        for k in range(2, len(e.types)):
            e.operand(k, ())  # an index is checked once, in front of the loops
    independent = len(axes.behind) if axes.computed and e.types[2].rank else e.types[1].rank
    e.each(e.types[1].shape, lambda index: write(_source(e, 2, index), e.operand(1, index)), independent=independent)


def _changed_element(e: Elements, index: Sequence[LoopIndex], change: Literal["update", "add_at"]) -> Array:
    """An element of an array of which a few fixed elements are changed."""
    value = e.operand(0, index)
    shape: Any = e.types[1].shape
    for place in itertools.product(*map(range, shape)):
        target = [e.index(k) for k in place]
        is_here: Any = None
        for i, k in zip(index, _source(e, 2, target), strict=True):
            equal = e.number(i) == e.number(k)
            is_here = equal if is_here is None else e.xp.logical_and(is_here, equal)
        v = e.operand(1, target)
        value = e.xp.where(is_here, v if change == "update" else value + v, value)
    return value


# ---- batches


def _batch(op: str, first: int) -> Any:
    """The batch rule of an op whose operands from `first` on are indices."""

    def batch(b: OpBuilder, xs: Sequence[int], flags: Sequence[bool], at: Attrs, size: Size) -> int:
        def in_rows(x: int, has_axis: bool) -> int:
            return x if has_axis else b.expand(x, shape=(size, *b.type1(x).shape))

        arrays = [in_rows(x, has_axis) for x, has_axis in zip(xs[:first], flags, strict=False)]
        if not any(flags[first:]):
            return b.apply(op, *arrays, *xs[first:], **at)
        indices = [in_rows(x, has_axis) for x, has_axis in zip(xs[first:], flags[first:], strict=True)]
        shape = b.type1(indices[0]).shape
        rows = b.expand(lifted(b, b.arange(size=size), len(shape)), shape=shape)
        lead = b.type1(arrays[0]).shape[1 : b.type1(arrays[0]).rank - len(at["steps"])]
        zeros, ones = (0,) * len(lead), (1,) * len(lead)
        full = {
            "starts": (0, *zeros, *at["starts"]),
            "steps": (0, *ones, *at["steps"]),
            "sizes": (1, *lead, *at["sizes"]),
        }
        before, many = len(_axes(b.type1(arrays[0]).rank - 1, at["steps"]).before), len(shape) - 1
        if first == 1:
            node = b.apply(op, *arrays, rows, *indices, **full)
            return _exchanged(b, node, many, before)
        changes = _exchanged(b, arrays[1], before, many)
        return b.apply(op, arrays[0], changes, rows, *indices, **full)

    return batch


def _exchanged(b: OpBuilder, x: int, first: int, second: int) -> int:
    """[rows, first…, second…, others…] as [rows, second…, first…, others…]."""
    rank = b.type1(x).rank
    if not first or not second:
        return x
    axes = (*range(1 + first, 1 + first + second), *range(1, 1 + first), *range(1 + first + second, rank))
    return b.permute(x, axes=tuple(axis - rank for axis in axes))


# ---- derivatives


def _repeats(b: OpBuilder, indices: Sequence[int]) -> bool:
    """Whether indices may name an element several times."""
    return bool(indices) and b.type1(indices[0]).rank > 0


def _is_last(b: OpBuilder, x: int, v: int, indices: Sequence[int], at: Attrs) -> int:
    """Of each element of a target whether none behind it is written to its place."""
    shape = b.type1(v).shape
    numbers = b.reshape(b.arange(size=product(shape)), shape=shape)
    writer = b.update(b.const(0, Type("int", b.type1(x).shape)), numbers, *indices, **_attrs(at))
    return b.eq(b.elements(writer, *indices, **_attrs(at)), numbers)


def _attrs(at: Attrs) -> dict[str, Any]:
    return {name: at[name] for name in ("starts", "steps", "sizes")}


def added_to_zeros(b: OpBuilder, x: int, v: int, indices: Sequence[int], at: Attrs) -> int:
    """Zeros in the shape of `x`, to which `v` is added at the target."""
    zeros = b.const(0.0, b.type1(v)._replace(shape=b.type1(x).shape, weak=False))
    return b.add_at(zeros, v, *indices, **_attrs(at))


def reach_of_target(b: OpBuilder, s: int, x: int, indices: Sequence[int], at: Attrs) -> int:
    """Where elements of `x` are that a target reads and that matter there, by `s`."""
    shape = b.type1(x).shape
    if _repeats(b, indices):
        ones = b.cast(s, dtype="float")
        return b.ne(added_to_zeros(b, x, ones, indices, at), 0.0)
    return b.update(b.const(False, Type("bool", shape)), s, *indices, **_attrs(at))


def _elements_rule(b: OpBuilder, g: int, y: int, k: int, xs: Sequence[int], at: Attrs) -> int | None:
    return None if k else added_to_zeros(b, xs[0], g, xs[1:], at)


def _update_rule(b: OpBuilder, g: int, y: int, k: int, xs: Sequence[int], at: Attrs) -> int | None:
    """That of the array without the elements written over; that of what is written at its place."""
    x, v, *indices = xs
    if k == 0:
        zeros = b.const(0.0, b.type1(g)._replace(shape=b.type1(v).shape))
        return b.update(g, zeros, *indices, **_attrs(at))
    if k > 1:
        return None
    own = b.elements(g, *indices, **_attrs(at))
    return b.where(_is_last(b, x, v, indices, at), own, 0.0) if _repeats(b, indices) else own


def _update_support(b: OpBuilder, s: int, k: int, xs: Sequence[int], at: Attrs) -> int:
    x, v, *indices = xs
    if k == 0:
        nowhere = b.const(False, Type("bool", b.type1(v).shape))
        return b.update(s, nowhere, *indices, **_attrs(at))
    own = b.elements(s, *indices, **_attrs(at))
    return b.and_(own, _is_last(b, x, v, indices, at)) if _repeats(b, indices) else own


def _add_at_rule(b: OpBuilder, g: int, y: int, k: int, xs: Sequence[int], at: Attrs) -> int | None:
    if k > 1:
        return None
    return b.elements(g, *xs[2:], **_attrs(at)) if k else g


declare_structural(
    "elements",
    "the elements of a target",
    VariadicRule(_elements_rule),
    type_rule=_elements_type,
    evaluate=_elements,
    loops=Element(lambda e, index: e.operand(0, _source(e, 1, index)), reads="other"),
    sized=("starts", "sizes"),
    selects=True,
    support=lambda b, s, k, xs, at: reach_of_target(b, s, xs[0], xs[1:], at),
    batch=_batch("elements", 1),
    examples=((MATRIX, 1, 2),),
    attrs=AT,
    effects=Effects(operations=0),
    spelling=Spelling("none", rule=write_elements, written_if=slice_has_text, shown=with_shape),
)
declare_structural(
    "update",
    "its argument with the elements of a target written over",
    VariadicRule(_update_rule),
    type_rule=_updated_type,
    evaluate=_update,
    loops=Statements(
        lambda e: _write(e, e.write), lambda e, index: _changed_element(e, index, "update"), in_place=True
    ),
    sized=("starts", "sizes"),
    selects=True,
    support=_update_support,
    batch=_batch("update", 2),
    examples=((MATRIX, 7.0, 1, 2),),
    attrs=AT,
    effects=Effects(operations=0),
    spelling=Spelling("none", "=", rule=write_update, written_if=lambda at: False, shown=with_shape),
)
declare_structural(
    "add_at",
    "its argument with values added to the elements of a target, once for each time that one is named",
    VariadicRule(_add_at_rule),
    type_rule=_added_type,
    evaluate=_add_at,
    loops=Statements(lambda e: _write(e, e.add), lambda e, index: _changed_element(e, index, "add_at"), in_place=True),
    sized=("starts", "sizes"),
    support=lambda b, s, k, xs, at: b.elements(s, *xs[2:], **_attrs(at)) if k else s,
    batch=_batch("add_at", 2),
    examples=((MATRIX, 7.0, 1, 2),),
    attrs=AT,
    effects=Effects(operations=operand_elements, may_overflow=True),
    spelling=Spelling("none", "+=", rule=write_update, written_if=lambda at: False, shown=with_shape),
)
