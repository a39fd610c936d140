"""Arrays that a graph changes element by element: from which value on, and by which nodes.

A node whose op writes in place (`Statements.in_place`) gives its first operand with some elements changed; so does a
loop give a carry, and an `if` what its sides capture, if all that happens to it there are such changes.
"""

from __future__ import annotations

from typing import NamedTuple

from cgcli.graph.columns import Columns
from cgcli.graph.graph import COND, COPY, GET, LOOP, Graph

from .loops import LoopView
from .op import Op, Statements
from .table import BY_CODE


class Change(NamedTuple):
    """A node that changes elements of an array, a loop of which it is a carry, or an `if` that captures it.

    before: the array before. result: which result of a loop or an `if` is the array behind it. within: the nested
    graphs with the node that is the array behind their changes; changed: whether there are any.
    """

    node: int
    before: int
    result: int = 0
    within: tuple[tuple[Graph, int], ...] = ()
    changed: bool = True


def writes_in_place(op: Op) -> bool:
    """Whether the op gives its first operand with some elements changed."""
    return isinstance(op.loops, Statements) and op.loops.in_place


def changes(graph: Graph | Columns, x: int) -> tuple[int, list[Change]]:
    """The value that became node `x` by changes of its elements, and these changes, the first one first.

    The recursion is as deep as nested graphs nest.
    """
    found: list[Change] = []
    while True:
        code = graph.op[x]
        if code == COPY:
            x = graph.a[x]
            continue
        change = None
        if code == GET:
            change = change_of_result(graph, graph.a[x], graph.attrs[x]["k"])
        elif writes_in_place(BY_CODE[code]):
            change = Change(x, graph.a[x])
        if change is None:
            return x, found[::-1]
        if change.changed:
            found.append(change)
        x = change.before


def change_of_result(graph: Graph | Columns, i: int, k: int) -> Change | None:
    """The change that a structured node makes to the array that its result `k` is."""
    attrs, operands = graph.attrs[i], graph.operands(i)
    if graph.op[i] == LOOP:
        loop = LoopView(attrs, operands)
        carry = k - 1
        if not 0 <= carry < loop.carry_count:
            return None
        start, inner = changes(loop.body, loop.carry_outputs[carry])
        if start != loop.inputs("body")[0][carry]:
            return None
        return Change(i, loop.carries[carry], k, ((loop.body, loop.carry_outputs[carry]),), bool(inner))
    if graph.op[i] != COND:
        return None
    sides = [(side, side.outputs[k]) for side in (attrs["then"], attrs["else"])]
    starts = [changes(side, x) for side, x in sides]
    captured = [
        operands[1 + side.inputs.index(x)] for (side, _), (x, _) in zip(sides, starts, strict=True) if x in side.inputs
    ]
    if len(captured) < 2 or captured[0] != captured[1]:
        return None
    return Change(i, captured[0], k, tuple(sides), any(inner for _, inner in starts))
