"""Whether computing a node can stop the run: the one answer for passes that compute more, less or in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cgcli.graph.columns import Columns
from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, SIZE, Graph, nested
from cgcli.graph.types import AnyType, Results, Stack, Type

from .op import Op
from .table import BY_CODE

if TYPE_CHECKING:
    from .protocols import Attrs


def may_stop(graph: Graph | Columns, i: int) -> bool:
    """Whether computing node `i` can stop the run, whatever its operands are.

    An int that leaves its range stops it; a loop may run for ever; a size that is made of names may turn out negative,
    unless an operand has it already.
    """
    code = graph.op[i]
    if code in (INPUT, GET):
        return False
    if code == LOOP:
        return True
    attrs = graph.attrs.get(i, {})
    if code == COND:
        return any(may_stop(side, k) for side in nested(attrs).values() for k in range(len(side)))
    operands = graph.operands(i)
    types, t = [graph.type_of(x) for x in operands], graph.type_of(i)
    if not _sizes_exist(t, types):
        return True
    if code == CONST:
        return False
    return may_fail(BY_CODE[code], types, t, attrs) or (
        _is_strong_int(t) and any(_may_be_float(graph, x) for x in operands)
    )


def may_fail(op: Op, types: Sequence[AnyType], result: AnyType, attrs: Attrs) -> bool:
    """Whether the op can fail on operands of these types, or give an int out of range; sizes aside."""
    effects = op.effects
    if effects.may_fail and not (effects.safe is not None and effects.safe(types, result, attrs)):
        return True
    if not _is_strong_int(result):
        return False  # a literal's int that leaves 64 bits goes on as a float
    assert isinstance(result, Type)
    # indices and counts of floats are in range
    return effects.may_overflow or (op.is_elementwise and any(_is_wider(t, result) for t in types))


def _is_wider(t: AnyType, result: Type) -> bool:
    return isinstance(t, Type) and (t.is_float or (t.dtype == "int" and result.dtype == "i32"))


def _is_strong_int(t: AnyType) -> bool:
    return isinstance(t, Type) and t.is_int and not t.weak


def _may_be_float(graph: Graph | Columns, x: int) -> bool:
    """Whether a literal's int may have left 64 bits and become a float."""
    t = graph.type_of(x)
    return isinstance(t, Type) and t.is_int and t.weak and graph.op[x] not in (CONST, SIZE)


def _sizes_exist(t: AnyType, operands: Sequence[AnyType]) -> bool:
    existing = {d for x in operands for d in _named(x)}
    return all(d in existing for d in _named(t))


def _named(t: AnyType) -> list[str]:
    if isinstance(t, Results):
        return [d for item in t.items for d in _named(item)]
    if isinstance(t, Stack):
        return _named(t.item)
    return [d for d in t.shape if isinstance(d, str)]
