"""Alias analysis: in whose memory the value of a node may lie; and which nodes may end the run.

A value that may alias an operand keeps the operand's memory alive and is not written over while the operand is needed.
"""

from __future__ import annotations

from cgcli.graph.graph import Graph, opname
from cgcli.graph.types import AnyType, Stack, Type
from cgcli.ops.table import BY_CODE

_ALIAS_FIRST = frozenset(
    "copy stop_gradient assert match expand reshape expand_dims squeeze permute slice windows restack".split()
)
_ALIAS_SINGLE = frozenset(("max", "min", "einsum"))  # of a single operand they compute nothing


def aliased_operands(graph: Graph, i: int) -> tuple[int, ...]:
    """The operands of node `i` that its value may alias, as a whole or in part."""
    name = opname(graph.op[i])
    operands = graph.operands(i)
    if name in _ALIAS_FIRST:
        return operands[:1]
    if isinstance(graph.type_of(i), Stack) or (name in _ALIAS_SINGLE and len(operands) == 1):
        return operands  # a stack holds its items
    if name == "cast":
        return operands if _keeps_dtype(graph, i, operands[0]) else ()
    if BY_CODE[graph.op[i]].is_structured:
        return operands  # a side or a loop may return an operand itself
    return ()


def _keeps_dtype(graph: Graph, i: int, x: int) -> bool:
    """Whether a cast changes nothing; of a literal, a Python number, it makes an array."""
    source, target = graph.type_of(x), graph.type_of(i)
    return isinstance(source, Type) and isinstance(target, Type) and source.dtype == target.dtype


# ops besides the elementwise ones whose NumPy functions take `out=`
_TAKE_OUT = frozenset("matmul sum mean prod amax amin any all argmax argmin cumsum concat stack cast".split())
_NO_OUT = frozenset("erf erfc lgamma digamma polygamma input const copy stop_gradient assert".split())


def may_stop(graph: Graph, i: int) -> bool:
    """Whether computing node `i` can end the run: an op that may fail, an int that may leave its range, loops."""
    op, t = BY_CODE[graph.op[i]], graph.type_of(i)
    if op.effects.may_fail or (op.is_structured and op.name != "get"):
        return True
    if not isinstance(t, Type) or not t.is_int:
        return False
    return op.effects.may_overflow or any(map(_may_be_float, (graph.type_of(x) for x in graph.operands(i))))


def _may_be_float(t: AnyType) -> bool:
    """A literal's int that leaves 64 bits becomes a float."""
    return isinstance(t, Type) and (t.is_float or t.weak)


def supports_out(graph: Graph, i: int) -> bool:
    """Whether node `i` can write its value into an array that exists, as by `out=`."""
    op, t = BY_CODE[graph.op[i]], graph.type_of(i)
    if not isinstance(t, Type) or (t.weak and not t.shape):
        return False
    if t.is_int and may_stop(graph, i):
        return False  # ints are checked while they are computed
    return op.name in _TAKE_OUT or (op.is_elementwise and op.name not in _NO_OUT)
