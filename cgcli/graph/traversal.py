"""Walks over a graph's columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .columns import Columns
from .graph import NONE, Graph


def live(graph: Graph | Columns, roots: Iterable[int]) -> bytearray:
    """A flag a node: whether one of `roots` needs it."""
    flags = bytearray(len(graph))
    for i in roots:
        flags[i] = 1
    operands = graph.operands
    for i in range(len(graph) - 1, -1, -1):
        if flags[i]:
            for x in operands(i):
                flags[x] = 1
    return flags


def needed_by(columns: Columns, root: int) -> Graph:
    """The graph of one node, without a look at the nodes that it does not need; it has no groups."""
    seen = {root}
    stack = [root]
    while stack:
        operands = [x for x in columns.operands(stack.pop()) if x not in seen]
        seen.update(operands)
        stack.extend(operands)
    made = Columns()
    where: dict[int, int] = {}
    for i in sorted(seen):
        operands = [where[x] for x in columns.operands(i)]
        span = made.intern_span(None if columns.span[i] == NONE else columns.spans[columns.span[i]])
        where[i] = made.append(
            columns.op[i], operands, made.intern_type(columns.type_of(i)), columns.attrs.get(i), span
        )
        if i in columns.names:
            made.names[where[i]] = columns.names[i]
    return made.freeze([where[root]])


def with_nested(graph: Graph) -> Iterator[Graph]:
    """The graph and, at any depth, those that its structured nodes hold."""
    stack = [graph]
    while stack:
        top = stack.pop()
        yield top
        for attrs in top.attrs.values():
            stack.extend(value for value in attrs.values() if isinstance(value, Graph))


def prune(graph: Graph) -> Graph:
    """The graph without the nodes that no output needs; inputs and asserts stay."""
    flags = live(graph, (*graph.outputs, *graph.asserts))
    for i in graph.inputs:
        flags[i] = 1
    return select(graph, [i for i in range(len(graph)) if flags[i]])


def select(graph: Graph, order: Iterable[int]) -> Graph:
    """The nodes of `order` (which holds the operands of each of them before it, and the outputs), renumbered."""
    columns = Columns()
    columns.spans = list(graph.spans)
    columns.groups = list(graph.groups)
    types: dict[int, int] = {}  # those that are used
    where: dict[int, int] = {}
    for i in order:
        operands = [where[x] for x in graph.operands(i)]
        type_ = types.get(graph.type[i])
        if type_ is None:
            type_ = types[graph.type[i]] = columns.intern_type(graph.type_of(i))
        where[i] = columns.append(graph.op[i], operands, type_, graph.attrs.get(i), graph.span[i], graph.group[i])
        if i in graph.names:
            columns.names[where[i]] = graph.names[i]
    return columns.freeze([where[i] for i in graph.outputs])
