"""How a cotangent and its support pass back through one node.

Elementwise ops hand a support on as it is; ops that move elements move it with them; ops that mix elements declare
where each operand can matter. A zero is written only before elements are added up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from cgcli.graph.graph import opcode
from cgcli.graph.sizes import Shape
from cgcli.graph.types import Stack, Type
from cgcli.ops.builder import Builder
from cgcli.ops.harmless import harmless
from cgcli.ops.op import Op

from .cotangents import Cotangent, everywhere, map_items, masked_value
from .templates import Template, cotangent_type, lookup, template

_MUL = opcode("mul")


class Stamp(NamedTuple):
    """A template with the types of its rows as rows of a builder's `types`."""

    template: Template
    types: tuple[int, ...]


def stamp_of(b: Builder, i: int, operands: Sequence[int], active: Sequence[bool]) -> Stamp:
    """The rules of node `i` for its active operands."""
    types = tuple(b.type_of(x) for x in operands)
    rule = template(b.op[i], types, b.type_of(i), b.attrs.get(i, {}), active)
    return Stamp(rule, tuple([b.intern_type(row.type) for row in rule.rows]))


Contributions = Iterator[tuple[int, Cotangent]]


def elementwise(b: Builder, i: int, c: Cotangent, stamp: Stamp, operands: tuple[int, ...], op: Op) -> Contributions:
    """The contribution to each operand; where it was broadcast to the result's shape, its copies are added up."""
    nodes = _stamped(b, stamp, i, c.value, operands)
    shape = b.type1(i).shape
    risky = op.effects.hazard or any(b.risk[x] for x in operands)
    for x, contribution in zip(operands, stamp.template.contributions, strict=True):
        if contribution is None:
            continue
        value = lookup(contribution.value, nodes, i, c.value, operands)
        if contribution.support is None:
            new = Cotangent(value, c.support, c.support is None or (c.clean and not risky))
        else:
            own = _expanded(b, lookup(contribution.support, nodes, i, c.value, operands), shape)
            new = Cotangent(value, own if c.support is None else b.and_(c.support, own), False)
        yield x, _unbroadcast_cotangent(b, new, b.type1(x).shape) if shape else new


def structural(b: Builder, i: int, c: Cotangent, stamp: Stamp, operands: tuple[int, ...], op: Op) -> Contributions:
    """Contributions through an op that moves elements. It moves supports in the same way, as numbers 0 and 1, where it
    does not say how."""
    cotangent = masked_value(b, c)
    c = _support_if_risky(b, i, Cotangent(cotangent, c.support, True))
    nodes = _stamped(b, stamp, i, cotangent, operands)
    for k, (x, contribution) in enumerate(zip(operands, stamp.template.contributions, strict=True)):
        if contribution is None:
            continue
        support: int | None = None
        if c.support is None and not (op.derivative.selects and b.risk[x]):
            pass
        elif op.derivative.support is not None:
            reach = everywhere(b, b.type1(i)) if c.support is None else c.support
            support = op.derivative.support(b, reach, k, operands, b.attrs.get(i, {}))
        else:
            reach = _as_numbers(b, i, c.support)
            alone = stamp_of(b, i, operands, [j == k for j in range(len(operands))])
            only = alone.template.contributions[k]
            assert only is not None
            moved = lookup(only.value, _stamped(b, alone, i, reach, operands), i, reach, operands)
            support = _as_bools(b, moved)
        new = Cotangent(lookup(contribution.value, nodes, i, cotangent, operands), support, True)
        yield x, new if isinstance(b.type_of(x), Stack) else _unbroadcast_cotangent(b, new, b.type1(x).shape)


def _as_numbers(b: Builder, i: int, support: int | None) -> int:
    """The support of the cotangent of node `i` as ones and zeros of that cotangent's type."""
    result = cotangent_type(b.type_of(i))
    if support is None:
        assert isinstance(result, Type)
        return b.const(1.0, result)
    if isinstance(result, Type):
        return b.cast(support, dtype=result.dtype)
    item: Type | Stack = result
    while isinstance(item, Stack):
        item = item.item
    dtype = item.dtype
    return map_items(b, lambda inner, x: inner.cast(x, dtype=dtype), support)


def _as_bools(b: Builder, x: int) -> int:
    if isinstance(b.type_of(x), Stack):
        return map_items(b, lambda inner, item: inner.ne(item, 0.0), x)
    return b.ne(x, 0.0)


def mixing(b: Builder, i: int, c: Cotangent, stamp: Stamp, operands: tuple[int, ...], op: Op) -> Contributions:
    """Contributions through an op that mixes elements.

    Elements of an operand or the result without a path may be inf or NaN, and 0 · inf would reach every sum: they are
    masked first.
    """
    cotangent = masked_value(b, c)
    c = _support_if_risky(b, i, Cotangent(cotangent, c.support, True))
    at = b.attrs.get(i, {})
    reach: list[int | None] = [None] * len(operands)
    masked, result = operands, i
    if c.support is not None and op.derivative.support is not None:
        reach = [op.derivative.support(b, c.support, k, operands, at) for k in range(len(operands))]
        if any(b.risk[x] for x in operands):
            masked = tuple([_masked(b, op, k, x, s) for k, (x, s) in enumerate(zip(operands, reach, strict=True))])
            # not the result with zeros put in: an element without a path may yet be needed (of `solve`, by the matrix)
            result = b.place(b.op[i], masked, b.type[i], at)
    nodes = _stamped(b, stamp, result, cotangent, masked)
    for k, (x, contribution) in enumerate(zip(operands, stamp.template.contributions, strict=True)):
        if contribution is None:
            continue
        value = lookup(contribution.value, nodes, result, cotangent, masked)
        new = Cotangent(value, reach[k], True)
        if contribution.support is not None:
            own = lookup(contribution.support, nodes, result, cotangent, masked)
            new = Cotangent(value, own if reach[k] is None else b.and_(reach[k], own), False)
        yield x, _unbroadcast_cotangent(b, new, b.type1(x).shape)


def _support_if_risky(b: Builder, x: int, c: Cotangent) -> Cotangent:
    """A cotangent that is zero where there is no path, without its support where that is not needed.

    It is not where neither node `x` nor its operands can be inf or NaN, or have such a partial: zeros stay zeros.
    """
    return c if b.risk[x] else Cotangent(c.value)


def _masked(b: Builder, op: Op, k: int, x: int, support: int | None) -> int:
    """An operand with harmless elements where it cannot matter; unchanged where it cannot be inf or NaN."""
    if support is None or not b.risk[x]:
        return x
    return b.where(unbroadcast(b, support, b.type1(x).shape, "any"), x, harmless(b, op, k, x))


def _stamped(b: Builder, stamp: Stamp, result: int, cotangent: int, operands: tuple[int, ...]) -> list[int]:
    """The nodes of a template's rows."""
    nodes: list[int] = []
    for row, type_ in zip(stamp.template.rows, stamp.types, strict=True):
        refs = tuple([lookup(r, nodes, result, cotangent, operands) for r in row.operands])
        factor = _by_one(b, refs, type_) if row.op == _MUL and cotangent in refs else None
        nodes.append(b.place(row.op, refs, type_, row.attrs) if factor is None else factor)
    return nodes


def _by_one(b: Builder, refs: Sequence[int], type_: int) -> int | None:
    """The other factor where one is the 1 that a gradient starts with: the product has the same bits."""
    for one_, other in (refs, refs[::-1]):
        if b.constant(one_) == 1.0 and b.type[other] == type_:
            return other
    return None


def _expanded(b: Builder, support: int, shape: Shape) -> int:
    return support if b.type1(support).shape == shape else b.expand(support, shape=shape)


def _unbroadcast_cotangent(b: Builder, c: Cotangent, shape: Shape) -> Cotangent:
    """A contribution in the shape of the operand that it is for."""
    actual = b.type1(c.value).shape
    if actual == shape:
        return c
    if len(actual) < len(shape) or actual == ():
        return Cotangent(b.expand(c.value, shape=shape), c.support and _expanded(b, c.support, shape), c.clean)
    support = c.support
    if support is not None:
        support = unbroadcast(b, _expanded(b, support, actual), shape, "any")
    return Cotangent(unbroadcast(b, masked_value(b, c), shape, "sum"), support, True)


def unbroadcast(b: Builder, x: int, shape: Shape, how: Literal["sum", "any"]) -> int:
    """The inverse of broadcasting from `shape`: copies are reduced by `how`."""
    actual = b.type1(x).shape
    lead = len(actual) - len(shape)
    first = tuple(range(-len(actual), -len(shape)))
    stretched = tuple(k - len(shape) for k, n in enumerate(shape) if n == 1 and actual[k + lead] != 1)
    if not stretched and not first:
        return x
    reduced: int = b.apply(how, x, axes=first + stretched, keepdims=bool(stretched))
    return b.squeeze(reduced, axes=first) if stretched and first else reduced
