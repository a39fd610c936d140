"""Alias analysis: in whose memory the value of a node may lie, and which nodes can write into memory that exists.

A value that may alias an operand keeps the operand's memory alive and is not written over while the operand is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cgcli.graph.graph import CONST, GET, INPUT, Graph
from cgcli.graph.types import DTYPE_BYTES, Stack, Type
from cgcli.ops.op import may_view
from cgcli.ops.stopping import may_stop
from cgcli.ops.table import BY_CODE


def aliased_operands(graph: Graph, i: int) -> tuple[int, ...]:
    """The operands of node `i` that its value may alias, as a whole or in part."""
    op, operands, t = BY_CODE[graph.op[i]], graph.operands(i), graph.type_of(i)
    if may_view(op, [graph.type_of(x) for x in operands], t, graph.attrs.get(i, {})):
        return operands[:1]
    # a stack holds its items; a side or a loop may return an operand itself
    return operands if isinstance(t, Stack) or op.is_structured else ()


def memory_owners(graph: Graph) -> list[frozenset[int]]:
    """Of each node, those in whose memory its value may lie: itself alone for a new array or a number."""
    owners: list[frozenset[int]] = []
    for i, code in enumerate(graph.op):
        t = graph.type_of(i)
        aliased = () if isinstance(t, Type) and not t.shape else aliased_operands(graph, i)
        own = not aliased or (BY_CODE[code].is_structured and code != GET)
        owners.append(frozenset((i,) if own else ()).union(*(owners[x] for x in aliased)))
    return owners


def in_place(graph: Graph, order: Sequence[int] | None = None, donated: Collection[int] = ()) -> dict[int, int]:
    """Of a node, the operand whose memory it may write its result to, element by element.

    order: in which nodes run (that of the graph). donated: inputs that the caller gives up. The operand has the
    result's shape and as many bytes an element, and memory of its own, which this node is the last to read, also
    through views; it is no output, no constant and no input that is not donated.
    """
    order = range(len(graph)) if order is None else order
    owners = memory_owners(graph)
    last_read: dict[int, int] = {}
    for step, i in enumerate(order):
        for x in graph.operands(i):
            for owner in owners[x]:
                last_read[owner] = step
    live_out = {owner for x in graph.outputs for owner in owners[x]}
    result: dict[int, int] = {}
    for step, i in enumerate(order):
        t = graph.type_of(i)
        if not BY_CODE[graph.op[i]].is_elementwise or owners[i] != {i} or not isinstance(t, Type) or not t.shape:
            continue
        for x in graph.operands(i):
            if owners[x] != {x} or x in live_out or last_read[x] != step or graph.op[x] == CONST:
                continue
            if graph.op[x] == INPUT and x not in donated:
                continue
            tx = graph.type_of(x)
            if isinstance(tx, Type) and tx.shape == t.shape and DTYPE_BYTES[tx.dtype] == DTYPE_BYTES[t.dtype]:
                result[i] = x
                break
    return result


def supports_out(graph: Graph, i: int) -> bool:
    """Whether node `i` can write its value into an array that exists, as by `out=`."""
    op, t = BY_CODE[graph.op[i]], graph.type_of(i)
    if not isinstance(t, Type) or (t.weak and not t.shape):
        return False
    if t.is_int and may_stop(graph, i):
        return False  # ints are checked while they are computed
    return op.is_elementwise if op.effects.out is None else op.effects.out
