"""In-place analysis: which elementwise node may write its result over an operand that has no later reader."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cgcli.graph.graph import CONST, INPUT, Graph, opcode
from cgcli.graph.types import DTYPE_BYTES, Type
from cgcli.ops.table import BY_CODE

VIEWS = frozenset(
    map(
        opcode,
        "copy cast stop_gradient assert expand reshape match expand_dims squeeze permute slice windows einsum max min "
        "get unstack restack".split(),
    )
)
"""Ops whose result may be a view of an operand: a `cast` to the same dtype, an `einsum` that only permutes, …"""


def memory_owners(graph: Graph) -> list[frozenset[int]]:
    """Of each node, those in whose memory its value may lie: itself alone for a new array or a number."""
    owners: list[frozenset[int]] = []
    for i, code in enumerate(graph.op):
        t = graph.type_of(i)
        node_owners = frozenset((i,))
        if not (isinstance(t, Type) and not t.shape) and (code in VIEWS or BY_CODE[code].is_structured):
            # a structured node computes values or returns operands themselves; a view has no memory of its own
            operand_owners = [owners[x] for x in graph.operands(i)]
            node_owners = frozenset.union(*operand_owners, node_owners if code not in VIEWS else frozenset())
        owners.append(node_owners)
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
        op = BY_CODE[graph.op[i]]
        t = graph.type_of(i)
        if not op.is_elementwise or graph.op[i] in VIEWS or not isinstance(t, Type) or not t.shape:
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
