"""What a node costs: arithmetic operations, and bytes read and written, as numbers or in terms of named sizes.

Rough on purpose, for comparing plans: an elementwise op counts one operation an element, transcendental functions too;
a matrix product 2nmk; a factorisation its leading term. Time is mostly that of the larger of the two.
"""

from __future__ import annotations

from cgcli.graph.graph import Graph
from cgcli.graph.plan import Cost
from cgcli.graph.sizes import add
from cgcli.ops.operations import operations
from cgcli.ops.sizes import bytes_of

FREE = Cost(0, 0)


def cost_of(graph: Graph, i: int) -> Cost:
    """The cost of a node that holds no graphs and has memory of its own."""
    types, result = [graph.type_of(x) for x in graph.operands(i)], graph.type_of(i)
    moved = bytes_of(result)
    for t in types:
        moved = add(moved, bytes_of(t))
    return Cost(operations(graph, i), moved)
