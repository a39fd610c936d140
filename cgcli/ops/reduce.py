"""Reductions: many elements to one along axes, which count from the end and vanish unless `keepdims`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cgcli.graph.sizes import Shape, Size, product, sub
from cgcli.graph.types import AnyType, Type

from .failures import EmptyReduction
from .op import Effects, Element, LoopForm, Spelling, Statements, declare, declare_structural
from .shape import inverse
from .sizes import operand_elements
from .typing import as_float, first_number, one, one_bool

if TYPE_CHECKING:
    from .protocols import (
        Array,
        ArrayNamespace,
        Attrs,
        BoundAttrs,
        Constant,
        Elements,
        Elementwise,
        ElementWriter,
        LoopIndex,
        OpBuilder,
        Reduction,
    )

SMALL, MANY = 16, 1024  # the most elements of a group that is reduced index by index, and the fewest such groups
ELEMENTS = Effects(operations=operand_elements)
REDUCES = replace(ELEMENTS, out=True)  # by one call of the library, into an array that it is handed
ReductionKernel = Callable[["ArrayNamespace", "BoundAttrs", "Array"], "Array"]
ROWS: tuple[tuple[Constant, ...], ...] = ((((1.0, 2.0, -3.0), (4.0, 0.5, 6.0)),),)


def reduced(shape: Shape, axes: Sequence[int], keepdims: bool) -> Shape:
    gone = {len(shape) + axis for axis in axes}
    if keepdims:
        return tuple(1 if k in gone else n for k, n in enumerate(shape))
    return tuple(n for k, n in enumerate(shape) if k not in gone)


def _shape(t: Type, at: Attrs) -> Shape:
    return reduced(t.shape, at["axes"], at["keepdims"])


def _numbers(types: Sequence[AnyType], at: Attrs) -> Type:
    t = first_number(types, at)
    return t._replace(shape=_shape(t, at))


def _floats(types: Sequence[AnyType], at: Attrs) -> Type:
    return as_float(_numbers(types, at))


def _bools(types: Sequence[AnyType], at: Attrs) -> Type:
    t = one_bool(types)
    return t._replace(shape=_shape(t, at))


def _indices(types: Sequence[AnyType], at: Attrs) -> Type:
    return Type("int", _shape(one(types[0]), at))


def spread(b: OpBuilder, x: int, like: int, at: Attrs) -> int:
    """A value of the reduction's result, repeated over the operand's elements."""
    if not at["keepdims"] and at["axes"]:
        x = b.expand_dims(x, axes=at["axes"])
    return b.expand(x, shape=b.type1(like).shape)


def count(b: OpBuilder, x: int, at: Attrs) -> Size:
    """How many elements a reduction of `x` takes together."""
    shape = b.type1(x).shape
    return product(shape[axis] for axis in at["axes"])


def size_node(b: OpBuilder, size: Size) -> int:
    """A size as a node, a literal where it is a number."""
    return b.const(float(size)) if isinstance(size, int) else b.size(size=size)


def _shown(at: Mapping[str, Any], t: Type) -> Mapping[str, Any]:
    """The attributes without axes that are implied: `sum(x)` is the sum of all elements."""
    if at["keepdims"] or len(at["axes"]) != t.rank:
        return at
    return {key: value for key, value in at.items() if key != "axes"}


_reduction = partial(
    declare,
    spelling=Spelling("call", shown=_shown),
    flow="mix",
    support=lambda b, s, k, xs, at: spread(b, s, xs[0], at),
    effects=ELEMENTS,
    examples=ROWS,
    attrs={"axes": (-1,), "keepdims": False},
)
_sum = partial(_reduction, flow="structural", support=None)  # each element counts for itself
_test = partial(_reduction, type_rule=_bools, effects=REDUCES, examples=(((True, False),),))


def _joined(combine: str, start: float) -> LoopForm:
    """The loop form of a reduction by one primitive, from its value of no elements on."""
    return Element(lambda e, index: e.reduce(index, combine, start), reads="reduced")


def _mean_element(e: Elements, index: Sequence[LoopIndex]) -> Array:
    total = e.reduce(index, "add", 0.0)
    return e.xp.divide(total, e.number(e.index(product(e.types[0].shape[axis] for axis in e.attrs["axes"]))))


def _mean(xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
    """The sum over the count; nan of no elements. Of ints as floats: their sum may leave their range."""
    x = x if x.dtype.kind == "f" else x.astype("float64")
    total = xp.sum(x, axis=at["axes"], keepdims=at["keepdims"])
    count = 1
    for axis in at["axes"]:
        count *= x.shape[axis]
    return xp.divide(total, count)


def _np(name: str, pair: str | None = None) -> ReductionKernel:
    """The reduction of the array namespace. pair: the name of the same for two arrays.

    Libraries go through the last axes group by group, which is slow where there are many small groups, such as the
    windows of pooling: those are reduced index by index.
    """

    def evaluate(xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
        axes = at["axes"]
        group = x.shape[x.ndim - len(axes) :]
        small = x.dtype.kind == "f" and 1 < math.prod(group) <= SMALL and x.size >= MANY * math.prod(group)
        if pair is None or not small or sorted(axes) != list(range(-len(axes), 0)):
            reduction: Reduction = getattr(xp, name)
            return reduction(x, axis=axes, keepdims=at["keepdims"])
        join: Elementwise = getattr(xp, pair)
        result, *others = [x[(..., *index)] for index in itertools.product(*map(range, group))]
        for other in others:
            result = join(result, other)
        return xp.reshape(result, (*result.shape, *(1 for _ in axes))) if at["keepdims"] else result

    return evaluate


_sum(
    "sum",
    "the sum of elements",
    lambda b, g, y, x, at: spread(b, g, x, at),
    type_rule=_numbers,
    evaluate=_np("sum", "add"),
    loops=_joined("add", 0),
    effects=replace(REDUCES, may_overflow=True),
)
_sum(
    "mean",
    "the arithmetic mean of elements",
    lambda b, g, y, x, at: spread(b, b.div(g, size_node(b, count(b, x, at))), x, at),
    type_rule=_floats,
    evaluate=_mean,
    loops=Element(_mean_element, reads="reduced"),
    effects=REDUCES,
)


def _has_elements(types: Sequence[AnyType], result: AnyType, at: Attrs) -> bool:
    """Whether every reduced axis has elements, whatever the named sizes are."""
    sizes = [one(types[0]).shape[axis] for axis in at["axes"]]
    return all(isinstance(n, int) and n > 0 for n in sizes)


EXTREMUM = replace(REDUCES, may_fail=True, safe=_has_elements)


def _extremum_rule(b: OpBuilder, g: int, y: int, x: int, at: Attrs) -> tuple[int, int]:
    """Shared equally among the elements that are the extremum."""
    is_extremum = b.eq(x, spread(b, y, x, at))
    ties = b.sum(b.where(is_extremum, 1.0, 0.0), axes=at["axes"], keepdims=at["keepdims"])
    return spread(b, b.div(g, ties), x, at), is_extremum


def _extremum(name: str) -> ReductionKernel:
    reduce = _np(name, f"{name}imum")

    def evaluate(xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
        if any(x.shape[axis] == 0 for axis in at["axes"]):
            raise EmptyReduction
        return reduce(xp, at, x)

    return evaluate


def _require_elements(e: Elements) -> None:
    e.require_elements(e.attrs["axes"])


def _extremum_form(name: str, start: float) -> LoopForm:
    return Element(lambda e, index: e.reduce(index, name, start), _require_elements, reads="reduced")


for _name, _doc, _start in (
    ("max", "the largest of elements", -math.inf),
    ("min", "the smallest of elements", math.inf),
):
    _reduction(
        f"a{_name}",
        _doc,
        _extremum_rule,
        spelling=Spelling("call", _name, shown=_shown),
        type_rule=_numbers,
        evaluate=_extremum(_name),
        loops=_extremum_form(_name, _start),
        effects=replace(EXTREMUM, zero_of_either_sign=True),
    )


def _prod_rule(b: OpBuilder, g: int, y: int, x: int, at: Attrs) -> int:
    """The product of all other elements, also where some of them are 0: no division."""
    others = b.products_of_others(_last(b, x, at))
    return b.mul(spread(b, g, x, at), _back(b, others, x, at))


def _order(rank: int, axes: Sequence[int]) -> tuple[int, ...]:
    """The axes of a value counted from the end, the reduced ones behind the others."""
    reach = max((-axis for axis in axes), default=0)
    others = [axis for axis in range(-reach, 0) if axis not in axes]
    return (*others, *sorted(axes))


def _last(b: OpBuilder, x: int, at: Attrs) -> int:
    """The reduced axes made one, the last."""
    axes = at["axes"]
    order = _order(b.type1(x).rank, axes)
    permuted = x if list(order) == sorted(order) else b.permute(x, axes=order)
    shape = b.type1(permuted).shape
    return b.reshape(permuted, shape=(*shape[: len(shape) - len(axes)], product(shape[len(shape) - len(axes) :])))


def _back(b: OpBuilder, value: int, x: int, at: Attrs) -> int:
    """The inverse of `_last`."""
    axes = at["axes"]
    shape = b.type1(x).shape
    order = _order(len(shape), axes)
    lead = shape[: len(shape) - len(order)]
    value = b.reshape(value, shape=(*lead, *(shape[axis] for axis in order)))
    return value if list(order) == sorted(order) else b.permute(value, axes=inverse(order))


_reduction(
    "prod",
    "the product of elements",
    _prod_rule,
    type_rule=_numbers,
    evaluate=_np("prod"),
    loops=_joined("mul", 1),
    effects=replace(REDUCES, may_overflow=True),
)


def products_of_others(xp: ArrayNamespace, x: Array) -> Array:
    """The product of the elements before each element times that of those behind it."""
    ones = xp.ones((*x.shape[:-1], 1), dtype=x.dtype)
    before = xp.cumulative_prod(xp.concat((ones, x[..., :-1]), axis=-1), axis=-1)
    behind = xp.flip(xp.cumulative_prod(xp.concat((ones, xp.flip(x[..., 1:], axis=-1)), axis=-1), axis=-1), axis=-1)
    return (before * behind)[..., : x.shape[-1]]


def _others_rule(b: OpBuilder, g: int, y: int, x: int, at: Attrs) -> int:
    """By x_j of Π_{i≠k} x_i: the product of all but k and j, a matrix of n² as every Hessian is."""
    n = b.type1(x).shape[-1]
    rows = b.expand_dims(x, axes=(-2,))
    diagonal = b.eq(b.expand_dims(b.arange(size=n), axes=(-1,)), b.arange(size=n))
    without = b.where(diagonal, 1.0, rows)  # [..., k, i]: x_i, and 1 for i = k
    both = b.where(diagonal, 0.0, b.products_of_others(without))
    return b.sum(b.mul(b.expand_dims(g, axes=(-1,)), both), axes=(-2,), keepdims=False)


declare(
    "products_of_others",
    "of each element of the last axis, the product of all others",
    _others_rule,
    spelling=Spelling("none", latex=r"\prod_{{j \ne i}} {0}_j"),
    type_rule=first_number,
    evaluate=lambda xp, at, x: products_of_others(xp, x),
    flow="mix",
    support=lambda b, s, k, xs, at: b.expand(b.any(s, axes=(-1,), keepdims=True), shape=b.type1(s).shape),
    effects=Effects(may_overflow=True),
    examples=(((2.0, -3.0, 0.5),), ((2.0, 0.0, 3.0),), ((0.0, 0.0, 3.0),)),
)
_test("any", "whether one element is true", evaluate=_np("any"), loops=_joined("or", False))
_test("all", "whether all elements are true", evaluate=_np("all"), loops=_joined("and", True))


def _arg(name: str, xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
    (axis,) = at["axes"]
    if x.shape[axis] == 0:
        raise EmptyReduction
    reduction: Reduction = getattr(xp, name)
    return reduction(x, axis=axis, keepdims=at["keepdims"])


_place = partial(_reduction, type_rule=_indices, effects=EXTREMUM)


def _arg_form(beats: Callable[[Array, Array], Array]) -> LoopForm:
    """The loop form of the place of an extremum: of the first nan, else of the first one that none beats."""

    def element(e: Elements, index: Sequence[LoopIndex]) -> Array:
        (axis,) = e.attrs["axes"]
        xp, number, t = e.xp, e.types[0].rank + axis, e.types[0]
        rest = [*index[:number], *index[number + e.attrs["keepdims"] :]]

        def read(i: LoopIndex) -> Array:
            return e.operand(0, [*rest[:number], i, *rest[number:]])

        def step(i: LoopIndex, carried: Sequence[Array]) -> Sequence[Array]:
            best, at_best = carried
            x = read(i)
            better = xp.logical_and(xp.logical_or(beats(x, best), x != x), best == best)
            return xp.where(better, x, best), xp.where(better, e.number(i), at_best)

        return e.steps(t.shape[number], [read(e.index(0)), e.const(0)], step)[1]

    return Element(element, _require_elements, reads="reduced")


_place(
    "argmax",
    "the place of the first largest element",
    evaluate=partial(_arg, "argmax"),
    loops=_arg_form(lambda x, best: x > best),
)
_place(
    "argmin",
    "the place of the first smallest element",
    evaluate=partial(_arg, "argmin"),
    loops=_arg_form(lambda x, best: x < best),
)


def _logsumexp_element(e: Elements, index: Sequence[LoopIndex]) -> Array:
    xp = e.xp
    top = e.reduce(index, "max", -math.inf)
    top = xp.where(abs(top) < math.inf, top, 0.0)
    return xp.log(e.reduce(index, "add", 0.0, lambda x: xp.exp(x - top))) + top


def _norm_element(e: Elements, index: Sequence[LoopIndex]) -> Array:
    xp = e.xp
    top = e.reduce(index, "max", 0.0, abs)
    scale = xp.where(xp.logical_and(top > 0.0, top < math.inf), top, 1.0)
    return xp.sqrt(e.reduce(index, "add", 0.0, lambda x: _square(x / scale))) * scale


def _square(x: Array) -> Array:
    return x * x


def _logsumexp(xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
    """log Σ exp(x), the largest element taken out, so that no exp overflows."""
    if x.size == 0:
        return xp.log(xp.sum(x, axis=at["axes"], keepdims=at["keepdims"]))
    top = xp.max(x, axis=at["axes"], keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    total = xp.log(xp.sum(xp.exp(x - top), axis=at["axes"], keepdims=True)) + top
    return total if at["keepdims"] else xp.squeeze(total, axis=at["axes"])


_reduction(
    "logsumexp",
    "log of the sum of exp of elements, without overflow",
    lambda b, g, y, x, at: b.mul(spread(b, g, x, at), b.exp(b.sub(x, spread(b, y, x, at)))),
    type_rule=_floats,
    evaluate=_logsumexp,
    loops=Element(_logsumexp_element, reads="reduced"),
    effects=replace(ELEMENTS, hazard=True),
)


def _norm(xp: ArrayNamespace, at: BoundAttrs, x: Array) -> Array:
    """The root of the sum of squares, scaled by the largest so that no square overflows or vanishes."""
    if x.size == 0:
        return xp.sum(x, axis=at["axes"], keepdims=at["keepdims"])
    top = xp.max(xp.abs(x), axis=at["axes"], keepdims=True)
    scale = xp.where((top > 0) & xp.isfinite(top), top, xp.ones_like(top))
    total = xp.sqrt(xp.sum((x / scale) ** 2, axis=at["axes"], keepdims=True)) * scale
    return total if at["keepdims"] else xp.squeeze(total, axis=at["axes"])


_reduction(
    "norm",
    "the Euclidean length: the root of the sum of squares",
    lambda b, g, y, x, at: (b.mul(spread(b, g, x, at), b.div(x, spread(b, y, x, at))), b.ne(spread(b, y, x, at), 0.0)),
    type_rule=_floats,
    evaluate=_norm,
    loops=Element(_norm_element, reads="reduced"),
    effects=replace(ELEMENTS, hazard=True),
)


def _reversed(b: OpBuilder, x: int) -> int:
    n = b.type1(x).shape[-1]
    return b.slice(x, starts=(sub(n, 1),), steps=(-1,), sizes=(n,))


def _write_cumsum(e: ElementWriter) -> None:
    *rows, size = e.types[0].shape

    def row(index: Sequence[LoopIndex]) -> None:
        def step(i: LoopIndex, carried: Sequence[Array]) -> Sequence[Array]:
            total = carried[0] + e.operand(0, [*index, i])
            e.write([*index, i], total)
            return (total,)

        e.steps(size, [e.const(0)], step)

    e.each(tuple(rows), row)


declare_structural(
    "cumsum",
    "the running sum along the last axis",
    lambda b, g, y, x, at: _reversed(b, b.cumsum(_reversed(b, g))),
    type_rule=first_number,
    evaluate=lambda xp, at, x: xp.cumulative_sum(x, axis=-1),
    loops=Statements(_write_cumsum),
    effects=Effects(may_overflow=True, out=True),
    examples=ROWS,
    domain="all numbers",
)
