"""One node of a graph in a line of text: its name, its operation, its value and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import COND, CONST, GET, INPUT, LOOP, Graph
from cgcli.graph.types import Type
from cgcli.ops.notation import write_node
from cgcli.ops.spelling import Written

from .formula import control_text, operands
from .numbers import shortest
from .tensors import is_tensor, literal, terminal_brief, zeros_like
from .terminal_values import TerminalValues


def value_writer(precision: int | None = None, *, full: bool = False) -> Callable[[Any], str]:
    """The function that writes a value beside a node: a tensor in brief, or all of it."""

    def text(value: Any) -> str:
        if isinstance(value, list):
            return f"{len(value)} items"
        if full and is_tensor(value):
            return literal(value, precision)
        return terminal_brief(value, precision)

    return text


def definition(graph: Graph, i: int, name: Callable[[int], str]) -> str:
    """A node in a line: its name, and its operation over the names of its operands."""
    own, text = name(i), _operation(graph, i, name)
    return own if text == own else f"{own} = {text}"


def has_row(graph: Graph, i: int) -> bool:
    """Whether a node has a row of its own."""
    if graph.op[i] in (COND, LOOP):
        return False
    return graph.op[i] != CONST or i in graph.names


def _operation(graph: Graph, i: int, name: Callable[[int], str]) -> str:
    """The operation over the names of its operands."""
    texts = [Written(name(x)) for x in operands(graph, i)]
    if graph.op[i] == GET:
        return control_text(graph, i, [text.text for text in texts])
    if graph.op[i] in (CONST, INPUT):
        return name(i)
    return write_node(graph, i, texts).text


def gradient(graph: Graph, evaluation: Evaluation, i: int) -> Any:
    """The derivative by a node, zero where no path leads; None where there can be none: by ints, but literals that a
    path leads from count as floats."""
    t = graph.type_of(i)
    if evaluation.of is None or not isinstance(t, Type) or not t.has_derivative:
        return None
    adjoint = evaluation.adjoints[i]
    if adjoint is not None:
        return adjoint if is_tensor(adjoint) else adjoint or 0.0
    if not t.is_float:
        return None
    return zeros_like(evaluation.values[i]) if is_tensor(evaluation.values[i]) else 0.0


class PlainValues(TerminalValues):
    """The values of a table that is read by other programs: all digits, and a tensor on one line."""

    def number(self, x: Any) -> str:
        """A number with all its digits, unless a precision was asked for."""
        return shortest(x, self.precision)

    def flat(self, x: Any) -> str:
        """A small tensor as a literal, a large one in brief."""
        return literal(x, self.precision) if self.full else terminal_brief(x, self.precision)

    tensor = flat
