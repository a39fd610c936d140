"""Cotangents and their supports: what reverse mode carries from a result back to its operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cgcli.graph.columns import Columns
from cgcli.graph.graph import Graph, opcode
from cgcli.graph.types import INT, AnyType, Results, Stack, Type
from cgcli.ops.builder import Builder
from cgcli.ops.loops import items_of
from cgcli.ops.typing import single

from .templates import cotangent_type

_ADD_AT, _UPDATE = opcode("add_at"), opcode("update")


class Cotangent(NamedTuple):
    """The derivative of the result by a node, as accumulated so far.

    support: where a path exists, of the value's shape (for a stack, a stack of such), or None for everywhere.
    clean: whether `value` is zero outside; a stack always is.
    """

    value: int
    support: int | None = None
    clean: bool = True


def everywhere(b: Builder, type_: Type, value: bool = True) -> int:
    """A bool of a value's shape."""
    return b.const(value, Type("bool", type_.shape))


def masked_value(b: Builder, c: Cotangent) -> int:
    """The cotangent's value, masked to zero where there is no path."""
    if c.support is None or c.clean:
        return c.value
    return b.where(c.support, c.value, b.const(0.0, b.type1(c.value)))


def join(b: Builder, p: Cotangent | None, q: Cotangent) -> Cotangent:
    """The sum of two contributions to one node."""
    if p is None:
        return q
    if isinstance(b.type_of(p.value), Stack):
        return _join_stacks(b, p, q)
    for whole, part in ((p, q), (q, p)):
        if _is_added_to_zeros(b, part.value) and b.type[part.value] == b.type[whole.value]:
            return _with_target(b, whole, part)
    if p.support == q.support:
        return Cotangent(b.add(p.value, q.value), p.support, p.clean and q.clean)
    support = None if p.support is None or q.support is None else b.or_(p.support, q.support)
    return Cotangent(b.add(masked_value(b, p), masked_value(b, q)), support, True)


def _is_added_to_zeros(b: Builder, x: int) -> bool:
    return b.op[x] == _ADD_AT and b.constant(b.a[x]) == 0


def _with_target(b: Builder, whole: Cotangent, part: Cotangent) -> Cotangent:
    """The sum with a contribution to a target alone: nothing else is touched."""
    (_, v, *indices), attrs = b.operands(part.value), b.attrs[part.value]
    value = b.add_at(masked_value(b, whole), v, *indices, **attrs)
    support = whole.support
    if support is None or part.support == support:
        return Cotangent(value, support, True)
    own, s = b.const(True, Type("bool", b.type1(v).shape)), part.support
    if s is not None:
        if b.op[s] != _UPDATE or b.constant(b.a[s]) is not False or b.operands(s)[2:] != tuple(indices):
            return Cotangent(value, b.or_(support, s), True)
        own = b.or_(b.elements(support, *indices, **attrs), b.b[s])
    return Cotangent(value, b.update(support, own, *indices, **attrs), True)


def _join_stacks(b: Builder, p: Cotangent, q: Cotangent) -> Cotangent:
    support = None
    if p.support is not None and q.support is not None:
        support = map_items(b, lambda inner, x, y: inner.or_(x, y), p.support, q.support)
    return Cotangent(map_items(b, lambda inner, x, y: inner.add(x, y), p.value, q.value), support, True)


def map_items(b: Builder, f: Callable[..., int], *stacks: int, captured: Sequence[int] = ()) -> int:
    """The stack of `f(builder, *items, *captured)` over the items of stacks of one length.

    Of stacks of stacks `f` gets the innermost items.
    """
    inner = Builder()
    inner.input(INT)
    fixed = [inner.input(single(b.type_of(x))) for x in captured]
    items = [inner.input(items_of(b.type_of(x))) for x in stacks]
    nested = isinstance(inner.type_of(items[0]), Stack)
    item = map_items(inner, f, *items, captured=fixed) if nested else f(inner, *items, *fixed)
    body = inner.done(item)
    node = b.loop(b.length(stacks[0]), *captured, *stacks, body=body, carries=0, invariants=len(fixed))
    result: int = b.get(node, k=1)
    return result


def pair(b: Builder, c: Cotangent | None, type_: Type) -> tuple[int, int]:
    """Value and support as two nodes; zero and false without a cotangent."""
    if c is None:
        return b.const(0.0, type_), everywhere(b, type_, False)
    return masked_value(b, c), everywhere(b, type_) if c.support is None else c.support


def activity(g: Graph | Columns, lo: int, hi: int, roots: Sequence[int]) -> bytearray:
    """Activity analysis: a flag a node below `hi`, whether it depends on `roots` through differentiable values."""
    flags = bytearray(hi)
    for i in roots:
        if i < hi:
            flags[i] = 1
    for i in range(lo, hi):
        if not flags[i] and any(flags[x] for x in g.operands(i)):
            flags[i] = _passes(g.type_of(i))
    return flags


def _passes(t: AnyType) -> bool:
    return isinstance(t, Results) or t.has_derivative


def flat_type(t: AnyType) -> Type:
    """The type of the cotangent of one value that is no stack."""
    type_ = cotangent_type(t)
    assert isinstance(type_, Type)
    return type_


def support_type(t: AnyType) -> Type | Stack:
    """The type of the support of a value's cotangent."""
    one = single(t)
    return Stack(support_type(one.item)) if isinstance(one, Stack) else Type("bool", one.shape)
