"""What a node costs: arithmetic operations, and bytes read and written, as numbers or in terms of named sizes.

Rough on purpose, for comparing plans: an elementwise op counts one operation an element, transcendental functions too;
a matrix product 2nmk; a factorisation its leading term. Time is mostly that of the larger of the two.
"""

from __future__ import annotations

from collections.abc import Sequence

from cgcli.graph.graph import Graph
from cgcli.graph.plan import Cost
from cgcli.graph.sizes import add, mul
from cgcli.graph.types import AnyType
from cgcli.ops.op import Attrs, Op
from cgcli.ops.sizes import bytes_of, elements
from cgcli.ops.table import BY_CODE

FREE = Cost(0, 0)


def cost_of(graph: Graph, i: int) -> Cost:
    """The cost of a node that holds no graphs and has memory of its own."""
    types = [graph.type_of(x) for x in graph.operands(i)]
    return cost(BY_CODE[graph.op[i]], types, graph.type_of(i), graph.attrs.get(i, {}))


def cost(op: Op, types: Sequence[AnyType], result: AnyType, attrs: Attrs) -> Cost:
    moved = bytes_of(result)
    for t in types:
        moved = add(moved, bytes_of(t))
    operations = op.effects.operations
    count = mul(operations, elements(result)) if isinstance(operations, int) else operations(types, result, attrs)
    return Cost(count, moved)
