"""Tensors as the stacks that loops read, and the stacks that loops wrote as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cgcli.graph.sizes import Size
from cgcli.graph.types import AnyType, Stack, Type

from .failures import SizesDiffer
from .loops import items_of
from .op import Attrs, Derivative, Effects, Examples, Op, Spelling, TypeMismatch, register
from .typing import one


def _unstack_type(types: Sequence[AnyType], at: Attrs) -> Stack:
    t = one(types[0])
    if not t.shape:
        raise TypeMismatch("not-a-list", [0], type=t)
    return Stack(t._replace(shape=t.shape[1:]))


def _swapped(b: Any, x: int) -> int:
    """The first two axes exchanged: a batch axis stands before that of the items, and within them."""
    rank = b.type1(x).rank
    node: int = b.permute(x, axes=(1 - rank, -rank, *range(2 - rank, 0)))
    return node


def _batch_unstack(b: Any, xs: Sequence[int], flags: Sequence[bool], at: Attrs, size: Size) -> int:
    node: int = b.unstack(_swapped(b, xs[0]))
    return node


register(
    Op(
        name="unstack",
        doc="the items of a tensor along its first axis",
        spelling=Spelling("none", "items", latex="{0}", storage=True),
        type_rule=_unstack_type,
        evaluate=lambda xp, at, x: x,  # an array is a sequence of its items
        derivative=Derivative((lambda b, g, y, x, at: b.restack(g, shape=b.type1(x).shape),), flow="structural"),
        batch=_batch_unstack,
        examples=Examples(domain="a tensor"),
    )
)


def _restack_type(types: Sequence[AnyType], at: Attrs) -> Type:
    item = one(items_of(types[0]))
    return item._replace(shape=tuple(at["shape"]))


def _restack(xp: Any, at: Attrs, items: Any) -> Any:
    shape = at["shape"]
    if len(items) != shape[0]:
        raise SizesDiffer((len(items), *shape[1:]), tuple(shape))
    if not isinstance(items, list):
        return items
    return xp.stack([xp.asarray(x) for x in items]) if items else xp.zeros(shape)


def _batch_restack(b: Any, xs: Sequence[int], flags: Sequence[bool], at: Attrs, size: Size) -> int:
    n, *item = at["shape"]
    return _swapped(b, b.restack(xs[0], shape=(n, size, *item)))


register(
    Op(
        name="restack",
        doc="the items of a stack side by side along a new first axis",
        spelling=Spelling("none", "items as a tensor", latex="{0}"),
        type_rule=_restack_type,
        evaluate=_restack,
        derivative=Derivative((lambda b, g, y, x, at: b.unstack(g),), flow="structural"),
        effects=Effects(view=True, operations=0, may_fail=True),
        sized=("shape",),
        batch=_batch_restack,
        examples=Examples(domain="a stack of as many items as the first axis has"),
    )
)
