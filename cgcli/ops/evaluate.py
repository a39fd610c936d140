"""Operations and constant graphs on plain Python numbers, as the ops are declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.graph.graph import INPUT, Graph, opcode
from cgcli.graph.traversal import every
from cgcli.graph.types import AnyType, Results, Stack

from . import floats
from .numbers import fit_for
from .op import Structured
from .table import BY_CODE

_LOOP = opcode("loop")


def is_scalar(graph: Graph) -> bool:
    """Whether plain numbers suffice to run a graph: no tensors, and no op on tensors."""
    return not any(any(map(_has_axes, g.types)) or not all(map(on_numbers, set(g.op))) for g in every(graph))


def has_loop(graph: Graph) -> bool:
    """Whether a graph, or one nested in it, has a loop."""
    return any(_LOOP in g.op for g in every(graph))


def _has_axes(t: AnyType) -> bool:
    if isinstance(t, Results):
        return any(map(_has_axes, t.items))
    while isinstance(t, Stack):
        t = t.item
    return bool(t.shape)


def on_numbers(code: int) -> bool:
    """Whether an op runs on plain numbers."""
    op = BY_CODE[code]
    return op.flow == "elementwise" or op.numbers or isinstance(op.vjp, Structured)


def evaluate(
    op: int, values: Sequence[Any], types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]
) -> Any:
    """The op's value, in its result's type. Raises `Overflow` and `IntegerDivisionByZero`."""
    value = BY_CODE[op].evaluate(floats, attrs, *values)
    fit = fit_for(result, types)
    return fit(value) if fit else value


def constant_value(graph: Graph) -> Any:
    """The value of the only output of a graph without inputs. Raises what an operation raises that stops a run."""
    return _results(graph, ())[0]


def _results(graph: Graph, arguments: Sequence[Any]) -> tuple[Any, ...]:
    """The values of the graph's outputs; recursion only into structured nodes."""
    remaining = iter(arguments)
    values: list[Any] = []
    for i, op in enumerate(graph.op):
        operands = graph.operands(i)
        attrs = graph.attrs.get(i, {})
        read = [values[x] for x in operands]
        if op == INPUT:
            values.append(next(remaining))
        elif isinstance(BY_CODE[op].vjp, Structured):
            values.append(BY_CODE[op].evaluate(_results, attrs, *read))
        else:
            values.append(evaluate(op, read, [graph.type_of(x) for x in operands], graph.type_of(i), attrs))
    return tuple(values[i] for i in graph.outputs)
