"""Speculative execution: whether a node may be computed though the program would not: it must not stop the run."""

from __future__ import annotations

from cgcli.graph.graph import COND, GET, INPUT, Graph, nested
from cgcli.graph.types import Type
from cgcli.ops.stopping import may_stop


def never_stops(graph: Graph, i: int) -> bool:
    """Whether computing node `i` cannot stop the run. A stack is not speculated: its length is unbounded."""
    if graph.op[i] == COND:
        return all(never_stops(side, k) for side in nested(graph.attrs[i]).values() for k in range(len(side)))
    return (graph.op[i] in (INPUT, GET) or isinstance(graph.type_of(i), Type)) and not may_stop(graph, i)
