"""One operation on plain Python numbers, as it is declared: for folding and for checks of declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.graph.graph import Graph, opcode
from cgcli.graph.traversal import with_nested
from cgcli.graph.types import AnyType, Results, Stack

from . import floats
from .numbers import fit_for
from .op import Structured
from .table import BY_CODE

_LOOP = opcode("loop")


def is_scalar(graph: Graph) -> bool:
    """Whether plain numbers suffice to run a graph: no tensors, and no op that is made for them."""
    return not any(
        any(map(_has_axes, each.types)) or not all(map(on_numbers, set(each.op))) for each in with_nested(graph)
    )


def has_loop(graph: Graph) -> bool:
    """Whether a graph, or one that it holds, runs steps again and again."""
    return any(_LOOP in each.op for each in with_nested(graph))


def _has_axes(t: AnyType) -> bool:
    if isinstance(t, Results):
        return any(map(_has_axes, t.items))
    while isinstance(t, Stack):
        t = t.item
    return bool(t.shape)


def on_numbers(code: int) -> bool:
    """Whether plain numbers do for an op."""
    op = BY_CODE[code]
    return op.flow == "elementwise" or op.numbers or isinstance(op.vjp, Structured)


def evaluate(
    op: int, values: Sequence[Any], types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]
) -> Any:
    """The op's value, in its result's type. Raises `Overflow` and `IntegerDivisionByZero`."""
    value = BY_CODE[op].evaluate(floats, attrs, *values)
    fit = fit_for(result, types)
    return fit(value) if fit else value
