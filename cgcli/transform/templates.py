"""Derivative rules, built once per (op, operand types, attributes) as templates.

The gradient pass stamps a template into its columns; the backward sweep runs the same template as generated source.
So both do the same operations in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.graph.graph import Graph
from cgcli.graph.traversal import live
from cgcli.graph.types import FLOAT, AnyType, Stack, Type
from cgcli.ops.builder import Builder
from cgcli.ops.op import rule_for
from cgcli.ops.table import BY_CODE
from cgcli.ops.typing import single

COTANGENT, RESULT, OPERANDS = -1, -2, -3  # references below 0; operand k is OPERANDS - k


class Row(NamedTuple):
    """One operation of a rule; operands are earlier rows (0 and up) or references below 0."""

    op: int
    operands: tuple[int, ...]
    type: AnyType
    attrs: Mapping[str, Any]


class Contribution(NamedTuple):
    """The contribution to an operand's cotangent: a value, and a bool for where there is a path (None: everywhere)."""

    value: int
    support: int | None


class Template(NamedTuple):
    rows: tuple[Row, ...]
    contributions: tuple[Contribution | None, ...]  # one an operand


def cotangent_type(type_: AnyType) -> Type | Stack:
    """The type of the cotangent of a value: its own, or `float` for a literal's; of a stack a stack of such."""
    t = single(type_)
    if isinstance(t, Stack):
        return Stack(cotangent_type(t.item))
    if not t.weak:
        return t
    return Type("float", t.shape) if t.shape else FLOAT


_templates: dict[tuple[Any, ...], Template] = {}


def template(
    op: int, operands: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, Any], active: Sequence[bool]
) -> Template:
    """The rules of `op` for those operands that are active; the others' rules are left out."""
    key = (op, operands, result, tuple(active), repr(sorted(attrs.items())) if attrs else None)
    built = _templates.get(key)
    if built is None:
        built = _templates[key] = _build_template(op, operands, result, attrs, active)
    return built


def _build_template(
    op: int, operands: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, Any], active: Sequence[bool]
) -> Template:
    b = Builder()
    b.share()
    g, y = b.input(cotangent_type(result)), b.input(single(result))
    xs = [b.input(single(t)) for t in operands]
    contributions: list[Contribution | None] = []
    for k, t in enumerate(operands):
        rule = rule_for(BY_CODE[op], k) if active[k] else None
        contribution = None if rule is None else rule(b, g, y, xs, attrs)
        if contribution is None:
            contributions.append(None)
            continue
        value, support = contribution if isinstance(contribution, tuple) else (contribution, None)
        expected = cotangent_type(t)
        if isinstance(expected, Type) and b.type1(value).dtype != expected.dtype:
            value = b.cast(value, dtype=expected.dtype)
        contributions.append(Contribution(value, support))
    return _without_unused(b, len(xs), contributions)


def _without_unused(b: Builder, arity: int, contributions: list[Contribution | None]) -> Template:
    """The template without dead rows, its references renumbered."""
    outputs = [i for c in contributions if c for i in (c.value, c.support) if i is not None]
    graph: Graph = b.done(*outputs)
    needed = live(graph, outputs)
    where = {0: COTANGENT, 1: RESULT, **{2 + k: OPERANDS - k for k in range(arity)}}
    rows: list[Row] = []
    for i in range(2 + arity, len(graph)):
        if needed[i]:
            where[i] = len(rows)
            operands = tuple(where[x] for x in graph.operands(i))
            rows.append(Row(graph.op[i], operands, graph.type_of(i), graph.attrs.get(i, {})))
    return Template(
        tuple(rows),
        tuple(
            c and Contribution(where[c.value], None if c.support is None else where[c.support]) for c in contributions
        ),
    )


def lookup(ref: int, nodes: Sequence[int], result: int, cotangent: int, operands: Sequence[int]) -> int:
    """The node that a template's reference stands for; nodes: those of its rows."""
    if ref >= 0:
        return nodes[ref]
    if ref == COTANGENT:
        return cotangent
    return result if ref == RESULT else operands[OPERANDS - ref]
