"""About how many arithmetic operations a node takes."""

from __future__ import annotations

from cgcli.graph.graph import Graph
from cgcli.graph.sizes import Size, mul

from .sizes import elements
from .table import BY_CODE


def operations(graph: Graph, i: int) -> Size:
    """The operations of a node that holds no graphs, from what its op declares: so many an element, or a formula."""
    types, result = [graph.type_of(x) for x in graph.operands(i)], graph.type_of(i)
    count = BY_CODE[graph.op[i]].effects.operations
    if isinstance(count, int):
        return mul(count, elements(result))
    return count(types, result, graph.attrs.get(i, {}))
