"""Constant folding: the value of a graph that reads no input."""

from __future__ import annotations

from typing import Any

from cgcli.graph.graph import INPUT, Graph
from cgcli.ops.evaluate import evaluate
from cgcli.ops.op import Structured
from cgcli.ops.table import BY_CODE


def constant_value(graph: Graph, arguments: tuple[Any, ...] = ()) -> Any:
    """The value of the graph's only output. Raises what an operation raises that stops a run."""
    return _results(graph, arguments)[0]


def _results(graph: Graph, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of the graph's outputs; recursion only into structured nodes."""
    given = iter(arguments)
    values: list[Any] = []
    for i, op in enumerate(graph.op):
        operands = graph.operands(i)
        attrs = graph.attrs.get(i, {})
        read = [values[x] for x in operands]
        if op == INPUT:
            values.append(next(given))
        elif isinstance(BY_CODE[op].vjp, Structured):
            values.append(BY_CODE[op].evaluate(_results, attrs, *read))
        else:
            values.append(evaluate(op, read, [graph.type_of(x) for x in operands], graph.type_of(i), attrs))
    return tuple(values[i] for i in graph.outputs)
