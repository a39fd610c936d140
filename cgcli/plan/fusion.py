"""Fusion: sets of elementwise nodes of one shape that can run together, block by block, without values in between.

A set may run as one loop when no path leaves it and comes back: what stands on such a path would have to run in the
middle. Every node gets a level, by which this is seen without following paths: along an edge that may be fused the
level does not fall, along any other edge it rises. A path that leaves a set of nodes of one level over an edge that may
not be fused is on a higher level from there on. So the nodes of one level that such edges connect are a set.

A node may have one of several levels. It gets the highest one that its readers leave it, so that it joins those; a set
could now and then be larger, but none is wrong.
"""

from __future__ import annotations

from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.graph.sizes import Shape
from cgcli.graph.types import Type
from cgcli.ops.stopping import may_stop
from cgcli.ops.table import BY_CODE


def groups(graph: Graph) -> list[tuple[int, ...]]:
    """Sets of two or more nodes, each ascending, in the order of their first nodes. Linear in the graph."""
    shapes = [_fusible_shape(graph, i) for i in range(len(graph))]
    level = _levels(graph, shapes)
    parent = list(range(len(graph)))  # union-find; the root is the first node

    def root(x: int) -> int:
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for i in range(len(graph)):
        if shapes[i] is None:
            continue
        for x in graph.operands(i):
            if shapes[x] == shapes[i] and level[x] == level[i]:
                p, q = root(x), root(i)
                parent[max(p, q)] = min(p, q)
    members: dict[int, list[int]] = {}
    for i, shape in enumerate(shapes):
        if shape is not None:
            members.setdefault(root(i), []).append(i)
    return [tuple(nodes) for _, nodes in sorted(members.items()) if len(nodes) > 1]


def _fusible_shape(graph: Graph, i: int) -> Shape | None:
    """The shape of a node that may be fused, None for the others.

    Not a scalar, and no op that can stop the run: it checks all elements before it returns any.
    """
    op, t = BY_CODE[graph.op[i]], graph.type_of(i)
    if graph.op[i] in (CONST, INPUT) or not op.is_elementwise or op.is_structured:
        return None
    if not isinstance(t, Type) or not t.shape or t.is_int or may_stop(graph, i):
        return None
    return t.shape


def _levels(graph: Graph, shapes: list[Shape | None]) -> list[int]:
    """The latest levels. Forward, the earliest that operands allow; then each node as late as its readers allow."""
    early = [0] * len(graph)
    for i in range(len(graph)):
        for x in graph.operands(i):
            early[i] = max(early[i], early[x] + (shapes[x] is None or shapes[x] != shapes[i]))
    late = [-1] * len(graph)
    for i in range(len(graph) - 1, -1, -1):
        if late[i] < 0:
            late[i] = early[i]  # no reader
        for x in graph.operands(i):
            allowed = late[i] - (shapes[x] is None or shapes[x] != shapes[i])
            late[x] = allowed if late[x] < 0 else min(late[x], allowed)
    return late
