"""In-place analysis: which elementwise node may write its result over an operand that nobody reads any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cgcli.graph.graph import CONST, INPUT, Graph, opcode
from cgcli.graph.types import Type
from cgcli.ops.op import Structured
from cgcli.ops.table import BY_CODE

BYTES = {"float": 8, "int": 8, "f32": 4, "i32": 4, "bool": 1}

VIEWS = frozenset(
    opcode(name)
    for name in (
        *(
            "copy",
            "cast",
            "stop_gradient",
            "assert",
            "expand",
            "reshape",
            "match",
            "expand_dims",
            "squeeze",
            "permute",
            "slice",
        ),
        *("windows", "einsum", "max", "min", "get", "unstack", "restack"),
    )
)
"""Ops whose result may be made of an operand's memory: a `cast` to the same dtype, an `einsum` that only turns, …"""


def aliases(graph: Graph) -> list[frozenset[int]]:
    """Of each node, those in whose memory its value may lie: itself alone when it is made anew, or is a number."""
    found: list[frozenset[int]] = []
    for i, code in enumerate(graph.op):
        t = graph.type_of(i)
        own = frozenset((i,))
        if not (isinstance(t, Type) and not t.shape) and (code in VIEWS or isinstance(BY_CODE[code].vjp, Structured)):
            # a structured node makes values, or hands on what it was handed; a view makes none
            others = [found[x] for x in graph.operands(i)]
            own = frozenset.union(*others, own if code not in VIEWS else frozenset())
        found.append(own)
    return found


def in_place(graph: Graph, order: Sequence[int] | None = None, donated: Collection[int] = ()) -> dict[int, int]:
    """Of a node, the operand whose memory it may write its result to, element by element.

    order: in which nodes run (that of the graph). donated: inputs that the caller gives away. The operand has the
    result's shape and as many bytes an element, lies in memory of its own, and this is the last that reads it or
    anything that lies in it; it is no output, no constant and no input that is not donated.
    """
    order = range(len(graph)) if order is None else order
    alias = aliases(graph)
    last: dict[int, int] = {}
    for time, i in enumerate(order):
        for x in graph.operands(i):
            for owner in alias[x]:
                last[owner] = time
    kept = {owner for x in graph.outputs for owner in alias[x]}
    chosen: dict[int, int] = {}
    for time, i in enumerate(order):
        op = BY_CODE[graph.op[i]]
        t = graph.type_of(i)
        if op.flow != "elementwise" or graph.op[i] in VIEWS or not isinstance(t, Type) or not t.shape:
            continue
        for x in graph.operands(i):
            if alias[x] != {x} or x in kept or last[x] != time or graph.op[x] == CONST:
                continue
            if graph.op[x] == INPUT and x not in donated:
                continue
            other = graph.type_of(x)
            if isinstance(other, Type) and other.shape == t.shape and BYTES[other.dtype] == BYTES[t.dtype]:
                chosen[i] = x
                break
    return chosen
