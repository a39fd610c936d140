"""Speculative execution: whether a node may be computed though the program would not: it must not stop the run."""

from __future__ import annotations

from cgcli.graph.graph import COND, CONST, GET, INPUT, Graph, nested
from cgcli.graph.sizes import product, same
from cgcli.graph.types import AnyType, Results, Stack, Type
from cgcli.ops.table import BY_CODE, OPS

_CAST, _RESHAPE, _MATCH = (OPS[name].code for name in ("cast", "reshape", "match"))
_OF_ELEMENTS = frozenset(OPS[name].code for name in ("amax", "amin", "argmax", "argmin"))


def never_stops(graph: Graph, i: int) -> bool:
    """Whether computing node `i` cannot fail, whatever its operands are.

    An int that may leave its range can, and an int made of a float; a loop may run for ever; a size that is made of
    names may turn out negative, unless an operand has it already.
    """
    code = graph.op[i]
    if code in (INPUT, GET):
        return True
    if code == COND:
        return all(never_stops(side, k) for side in nested(graph.attrs[i]).values() for k in range(len(side)))
    types = [graph.type_of(x) for x in graph.operands(i)]
    t = graph.type_of(i)
    return _sizes_exist(t, types) and (code == CONST or (isinstance(t, Type) and _computes(graph, i, types, t)))


def _computes(graph: Graph, i: int, types: list[AnyType], t: Type) -> bool:
    code = graph.op[i]
    op = BY_CODE[code]
    first = types[0] if types else t
    if code == _CAST:
        return not t.is_int or not isinstance(first, Type) or (first.dtype in ("bool", "i32") or first.dtype == t.dtype)
    if code in (_RESHAPE, _MATCH):
        assert isinstance(first, Type)
        return same(product(first.shape), product(t.shape)) is True if code == _RESHAPE else first.shape == t.shape
    if code in _OF_ELEMENTS:
        assert isinstance(first, Type)
        sizes = [first.shape[axis] for axis in graph.attrs[i]["axes"]]
        return all(isinstance(n, int) and n > 0 for n in sizes)
    if op.effects.may_fail:
        whole = all(isinstance(x, Type) and not x.is_float for x in types)
        return op.is_elementwise and not whole  # of floats a division by zero is a value
    return not (op.effects.may_overflow and t.is_int)


def _sizes_exist(t: AnyType, operands: list[AnyType]) -> bool:
    existing = {d for x in operands for d in _named(x)}
    return all(d in existing for d in _named(t))


def _named(t: AnyType) -> list[str]:
    if isinstance(t, Results):
        return [d for item in t.items for d in _named(item)]
    if isinstance(t, Stack):
        return _named(t.item)
    return [d for d in t.shape if isinstance(d, str)]
