"""Tensors as the stacks that loops read, and the stacks that loops wrote as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cgcli.graph.sizes import Size
from cgcli.graph.types import AnyType, Stack, Type

from .failures import SizesDiffer
from .loops import items_of
from .op import Effects, OnStacks, Spelling, TypeMismatch, declare_structural
from .typing import one

if TYPE_CHECKING:
    from .protocols import Array, ArrayNamespace, Attrs, BoundAttrs, OpBuilder


def _unstack_type(types: Sequence[AnyType], at: Attrs) -> Stack:
    t = one(types[0])
    if not t.shape:
        raise TypeMismatch("not-a-list", [0], type=t)
    return Stack(t._replace(shape=t.shape[1:]))


def _swapped(b: OpBuilder, x: int) -> int:
    """The first two axes exchanged: a batch axis stands before that of the items, and within them."""
    rank = b.type1(x).rank
    return b.permute(x, axes=(1 - rank, -rank, *range(2 - rank, 0)))


declare_structural(
    "unstack",
    "the items of a tensor along its first axis",
    lambda b, g, y, x, at: b.restack(g, shape=b.type1(x).shape),
    spelling=Spelling("none", "items", latex="{0}", storage=True),
    type_rule=_unstack_type,
    evaluate=lambda xp, at, x: x,  # an array is a sequence of its items
    domain="a tensor",
    batch=lambda b, xs, flags, at, size: b.unstack(_swapped(b, xs[0])),
    loops=OnStacks(),
)


def _restack_type(types: Sequence[AnyType], at: Attrs) -> Type:
    item = one(items_of(types[0]))
    return item._replace(shape=tuple(at["shape"]))


def _restack(xp: ArrayNamespace, at: BoundAttrs, items: Array) -> Array:
    shape = at["shape"]
    if len(items) != shape[0]:
        raise SizesDiffer((len(items), *shape[1:]), tuple(shape))
    if not isinstance(items, list):
        return items
    return xp.stack([xp.asarray(x) for x in items]) if items else xp.zeros(shape)


def _batch_restack(b: OpBuilder, xs: Sequence[int], flags: Sequence[bool], at: Attrs, size: Size) -> int:
    n, *item = at["shape"]
    return _swapped(b, b.restack(xs[0], shape=(n, size, *item)))


declare_structural(
    "restack",
    "the items of a stack side by side along a new first axis",
    lambda b, g, y, x, at: b.unstack(g),
    spelling=Spelling("none", "items as a tensor", latex="{0}"),
    type_rule=_restack_type,
    evaluate=_restack,
    effects=Effects(view=True, operations=0, may_fail=True),
    domain="a stack of as many items as the first axis has",
    sized=("shape",),
    batch=_batch_restack,
    loops=OnStacks(),
)
