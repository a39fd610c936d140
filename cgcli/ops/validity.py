"""The validity of a graph: operands before their users, types as the type rules say, inputs and outputs as listed."""

from __future__ import annotations

from cgcli.graph.graph import INPUT, NONE, Graph, nested, opname
from cgcli.graph.types import Results, Stack

from .op import TypeMismatch, arity
from .table import BY_CODE


class InvalidGraph(Exception):
    """A pass made an invalid graph: a bug in cg, never a user's mistake."""


def check(graph: Graph) -> None:
    """Raises InvalidGraph at the first invalid node; recursion only into structured nodes."""
    for i, code in enumerate(graph.op):
        where = f"%{i} = {opname(code)}"
        try:
            BY_CODE[code]
        except KeyError:
            raise InvalidGraph(f"{where}: no such operation") from None
        operands = graph.operands(i)
        if any(not 0 <= x < i for x in operands):
            raise InvalidGraph(f"{where}: an operand does not stand before it")
        if graph.span[i] != NONE and not 0 <= graph.span[i] < len(graph.spans):
            raise InvalidGraph(f"{where}: no such span")
        if graph.group[i] != NONE and not 0 <= graph.group[i] < len(graph.groups):
            raise InvalidGraph(f"{where}: no such group")
        _check_type(graph, i, where)
    if tuple(i for i, code in enumerate(graph.op) if code == INPUT) != graph.inputs:
        raise InvalidGraph("the inputs are not the input nodes in their order")
    if any(not 0 <= i < len(graph) for i in graph.outputs):
        raise InvalidGraph("an output is no node")


def _check_type(graph: Graph, i: int, where: str) -> None:
    op, attrs = BY_CODE[graph.op[i]], graph.attrs.get(i, {})
    types = [graph.type_of(x) for x in graph.operands(i)]
    if op.spelling.form == "none" and op.name in ("input", "const"):
        t = graph.type_of(i)
        if types or isinstance(t, Results) or (op.name == "const" and isinstance(t, Stack)):
            raise InvalidGraph(f"{where}: not a value of type {t}")
        return
    if op.examples.operands and arity(op) not in (None, len(types)):
        raise InvalidGraph(f"{where}: {len(types)} operands")
    for inner in nested(attrs).values():
        check(inner)
    try:
        expected = op.type_rule(types, attrs)
    except TypeMismatch as e:
        raise InvalidGraph(f"{where}: {e}") from None
    if expected != graph.type_of(i):
        raise InvalidGraph(f"{where}: {graph.type_of(i)} should be {expected}")
