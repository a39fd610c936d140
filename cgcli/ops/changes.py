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

    before: the array before. result: which result of a loop or an `if` is the array behind it.
    """

    node: int
    before: int
    result: int


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
        elif code == GET:
            change = change_of_result(graph, graph.a[x], graph.attrs[x]["k"])
            if change is None:
                break
            found.append(change)
            x = change.before
        elif writes_in_place(BY_CODE[code]):
            found.append(Change(x, graph.a[x], 0))
            x = graph.a[x]
        else:
            break
    return x, found[::-1]


def change_of_result(graph: Graph | Columns, i: int, k: int) -> Change | None:
    """The change that a structured node makes to the array that its result `k` is."""
    attrs, operands = graph.attrs[i], graph.operands(i)
    if graph.op[i] == LOOP:
        loop = LoopView(attrs, operands)
        carry = k - 1
        if not 0 <= carry < loop.carry_count:
            return None
        start, _ = changes(loop.body, loop.carry_outputs[carry])
        return Change(i, loop.carries[carry], k) if start == loop.inputs("body")[0][carry] else None
    if graph.op[i] != COND:
        return None
    captured = []
    for side in (attrs["then"], attrs["else"]):
        start, _ = changes(side, side.outputs[k])
        if start not in side.inputs:
            return None
        captured.append(side.inputs.index(start))
    return Change(i, operands[1 + captured[0]], k) if captured[0] == captured[1] else None
