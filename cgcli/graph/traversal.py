"""Walks over a graph's columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, compress
from typing import TYPE_CHECKING

from .graph import INPUT, NONE, Graph, positions
from .span_table import SpanTable

if TYPE_CHECKING:
    from .columns import Columns


def live(graph: Graph | Columns, roots: Iterable[int], order: Sequence[int] | None = None) -> bytearray:
    """A flag a node: whether one of `roots` needs it. order: a topological order, by default that of the rows."""
    first, second, more = graph.a, graph.b, graph.more
    flags = bytearray(len(graph))
    for i in roots:
        flags[i] = 1
    if order is None and _all_read(graph, flags):
        return bytearray(b"\1") * len(graph)
    for i in reversed(range(len(graph)) if order is None else order):
        if flags[i] and (x := first[i]) != NONE:
            flags[x] = 1
            if (x := second[i]) != NONE:
                flags[x] = 1
                if i in more:
                    for x in more[i]:
                        flags[x] = 1
    return flags


def _all_read(graph: Graph | Columns, roots: bytearray) -> bool:
    """Whether each node is a root or an operand: then all of them are live."""
    flags = roots + b"\0"  # the last is that of NONE
    for column in (graph.a, graph.b, *graph.more.values()):
        for x in column:
            flags[x] = 1
    return flags.count(0, 0, len(roots)) == 0


def used(graph: Graph) -> bytearray:
    """A flag a node: whether another node or an output reads it."""
    flags = bytearray(len(graph))
    for i in range(len(graph)):
        for x in graph.operands(i):
            flags[x] = 1
    for i in graph.outputs:
        flags[i] = 1
    return flags


def needed_by(columns: Columns, root: int) -> Graph:
    """The graph of one node and its operands at any depth, without groups; visits no other node."""
    seen = {root}
    stack = [root]
    while stack:
        operands = [x for x in columns.operands(stack.pop()) if x not in seen]
        seen.update(operands)
        stack.extend(operands)
    from .columns import Columns  # a program that is only run appends nothing

    result = Columns()
    where: dict[int, int] = {}
    for i in sorted(seen):
        operands = [where[x] for x in columns.operands(i)]
        span = result.intern_span(None if columns.span[i] == NONE else columns.spans[columns.span[i]])
        where[i] = result.append(
            columns.op[i], operands, result.intern_type(columns.type_of(i)), columns.attrs.get(i), span
        )
        if i in columns.names:
            result.names[where[i]] = columns.names[i]
    return result.freeze([where[root]])


def every(graph: Graph) -> Iterator[Graph]:
    """The graph and, at any depth, those nested in its nodes: in preorder, the last nested graph first."""
    stack = [graph]
    while stack:
        top = stack.pop()
        yield top
        # as `nested` finds them, without a dict for each of many constants
        stack += [x for attrs in top.attrs.values() for x in attrs.values() if isinstance(x, Graph)]


def restrict(graph: Graph, nodes: Iterable[int]) -> Graph:
    """The graph with these nodes as its outputs."""
    return replace(graph, outputs=tuple(nodes))


def prune(graph: Graph, *, inputs: Iterable[int] | None = None, asserts: bool = True) -> Graph:
    """The graph without dead nodes: those that no output and no assert needs.

    inputs: those that stay though nothing needs them, by default all. asserts: whether they stay.
    """
    flags = live(graph, (*graph.outputs, *graph.asserts) if asserts else graph.outputs)
    for i in graph.inputs if inputs is None else inputs:
        flags[i] = 1
    return select(graph, [i for i in range(len(graph)) if flags[i]])


def select(columns: Graph | Columns, order: Sequence[int], outputs: Sequence[int] | None = None) -> Graph:
    """The nodes of `order` (which holds the operands of each of them before it, and the outputs), renumbered.
    outputs: those of the result, by default a graph's own.

    Column by column, which is quick for many nodes.
    """
    if outputs is None:
        assert isinstance(columns, Graph)
        outputs = columns.outputs
    where = array("i", [NONE]) * (len(columns.op) + 1)  # the last is that of NONE
    for k, i in enumerate(order):
        where[i] = k

    def picked(column: Sequence[int], rows: Iterable[int] = order) -> array[int]:
        return array("i", map(column.__getitem__, rows))

    types = {t: k for k, t in enumerate(dict.fromkeys(picked(columns.type)))}  # those that are used
    return Graph(
        op=picked(columns.op),
        a=picked(where, picked(columns.a)),
        b=picked(where, picked(columns.b)),
        type=array("i", [types[t] for t in picked(columns.type)]),
        span=picked(columns.span),
        group=picked(columns.group),
        more={where[i]: tuple([where[x] for x in xs]) for i, xs in columns.more.items() if where[i] != NONE},
        attrs={where[i]: attrs for i, attrs in columns.attrs.items() if where[i] != NONE},
        names={where[i]: name for i, name in columns.names.items() if where[i] != NONE},
        types=tuple(columns.types[t] for t in types),
        spans=columns.spans if isinstance(columns, Graph) else SpanTable(columns.spans),
        groups=tuple(columns.groups),
        inputs=tuple(where[i] for i in order if columns.op[i] == INPUT),
        outputs=tuple(where[i] for i in outputs),
    )


def renumbered(columns: Columns, flags: bytearray, outputs: Sequence[int]) -> tuple[Graph, Sequence[int]]:
    """The graph of the nodes that have a flag, among them all operands of these; and by node its number there."""
    if 0 not in flags:
        graph = columns.freeze(outputs)
        return _with_used_types(graph, graph.outputs), range(len(graph))
    rows = array("i", accumulate(flags, initial=0))
    rows[-1] = NONE  # stands for itself

    def kept(column: Iterable[int]) -> array[int]:
        return array("i", compress(column, flags))

    def operands(column: Iterable[int]) -> array[int]:
        return array("i", map(rows.__getitem__, compress(column, flags)))

    graph = Graph(
        op=kept(columns.op),
        a=operands(columns.a),
        b=operands(columns.b),
        type=kept(columns.type),
        span=kept(columns.span),
        group=kept(columns.group),
        more={rows[i]: tuple([rows[x] for x in xs]) for i, xs in columns.more.items() if flags[i]},
        attrs={rows[i]: attrs for i, attrs in columns.attrs.items() if flags[i]},
        names={rows[i]: name for i, name in columns.names.items() if flags[i]},
        types=tuple(columns.types),
        spans=SpanTable(columns.spans),
        groups=tuple(columns.groups),
        inputs=tuple(rows[i] for i in positions(columns.op, INPUT) if flags[i]),
        outputs=tuple(rows[i] for i in outputs),
    )
    return _with_used_types(graph, graph.outputs), rows


def _with_used_types(graph: Graph, outputs: Sequence[int]) -> Graph:
    """The graph with the types that its nodes have, in their order, and these outputs."""
    rows = list(dict.fromkeys(graph.type))
    if rows == list(range(len(graph.types))):
        return replace(graph, outputs=tuple(outputs))
    where = {row: k for k, row in enumerate(rows)}
    column = array("i", map(where.__getitem__, graph.type))
    return replace(graph, type=column, types=tuple(graph.types[row] for row in rows), outputs=tuple(outputs))
