"""What a plan has to know of ops: whose memory their values lie in, and which of them may end the run.

A value that may be the memory of an operand is not to be written over while the operand is needed, and keeps it alive.
"""

from __future__ import annotations

from cgcli.graph.graph import Graph, opname
from cgcli.graph.types import AnyType, Stack, Type
from cgcli.ops.op import Structured
from cgcli.ops.table import BY_CODE

_SHOW_FIRST = frozenset(
    "copy stop_gradient assert match expand reshape expand_dims squeeze permute slice windows restack".split()
)
_SHOW_ONLY_OPERAND = frozenset(("max", "min", "einsum"))  # of a single operand they compute nothing


def shown(graph: Graph, i: int) -> tuple[int, ...]:
    """The operands of node `i` whose memory its value may be, or be a part of."""
    name = opname(graph.op[i])
    operands = graph.operands(i)
    if name in _SHOW_FIRST:
        return operands[:1]
    if isinstance(graph.type_of(i), Stack) or (name in _SHOW_ONLY_OPERAND and len(operands) == 1):
        return operands  # a stack holds what it was made of
    if name == "cast":
        return operands if _keeps_dtype(graph, i, operands[0]) else ()
    if isinstance(BY_CODE[graph.op[i]].vjp, Structured):
        return operands  # a side or a loop may hand on what it was given
    return ()


def _keeps_dtype(graph: Graph, i: int, x: int) -> bool:
    """Whether a cast changes nothing; a literal is a Python number, of which it makes an array."""
    have, wanted = graph.type_of(x), graph.type_of(i)
    return isinstance(have, Type) and isinstance(wanted, Type) and have.dtype == wanted.dtype


# what may write into memory that it is given: NumPy's functions with `out=`
_WRITES = frozenset("matmul sum mean prod amax amin any all argmax argmin cumsum concat stack cast".split())
_OWN_MEMORY = frozenset("erf erfc lgamma digamma polygamma input const copy stop_gradient assert".split())


def may_stop(graph: Graph, i: int) -> bool:
    """Whether computing node `i` can end the run: an op that may fail, an int that may leave its range, loops."""
    op, t = BY_CODE[graph.op[i]], graph.type_of(i)
    if op.may_fail or (isinstance(op.vjp, Structured) and op.name != "get"):
        return True
    if not isinstance(t, Type) or not t.is_int:
        return False
    return op.grows or any(map(_may_be_float, (graph.type_of(x) for x in graph.operands(i))))


def _may_be_float(t: AnyType) -> bool:
    """A literal's int that left 64 bits goes on as a float."""
    return isinstance(t, Type) and (t.is_float or t.weak)


def writes(graph: Graph, i: int) -> bool:
    """Whether node `i` can write its value into memory that it is given."""
    op, t = BY_CODE[graph.op[i]], graph.type_of(i)
    if not isinstance(t, Type) or (t.weak and not t.shape):
        return False
    if t.is_int and may_stop(graph, i):
        return False  # ints are looked at while they are computed
    return op.name in _WRITES or (op.flow == "elementwise" and op.name not in _OWN_MEMORY)
