"""Nodes written as text, as in a file or as in a picture; an op's `Spelling` says how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.graph.graph import CONST, Graph
from cgcli.graph.types import Type

from .numbers import shortest_single
from .spelling import Style, Written, write_filled, write_latex, write_number, write_op
from .table import BY_CODE


def write_node(graph: Graph, i: int, operands: Sequence[Written], longest: int | None = None) -> Written:
    """A node in the language, over the texts of its operands; a constant by its value, see `write_number`."""
    if graph.op[i] == CONST:
        return write_constant(graph, i, longest=longest)
    return write_op(BY_CODE[graph.op[i]].spelling, operands, shown_attrs(graph, i))


def write_constant(graph: Graph, i: int, style: Style = "cg", longest: int | None = None) -> Written:
    """A constant node: a number, a tensor's literal, or the number that a tensor is filled with."""
    value, t = graph.attrs[i]["value"], graph.type_of(i)
    if isinstance(t, Type) and t.dtype == "f32":
        value = shortest_single(value)
    written = write_number(value, style, longest)
    if isinstance(value, tuple) or not isinstance(t, Type) or not t.shape:
        return written
    return write_filled(t.shape, written)


def latex_constant(graph: Graph, i: int) -> Written:
    """A constant node in LaTeX."""
    from .shape_text import latex_filled  # for formulas in LaTeX alone

    attrs, t = graph.attrs[i], graph.type_of(i)
    written = write_latex(BY_CODE[CONST].spelling, [], attrs)
    if isinstance(attrs["value"], tuple) or not isinstance(t, Type) or not t.shape:
        return written
    return Written(latex_filled(t.shape).format(written.text))


def shown_attrs(graph: Graph, i: int) -> Mapping[str, Any]:
    """The attributes of a node that are not implied by its operands: `sum(x)` is the sum of all elements.

    For a node whose text depends on its operand's shape they include that shape, as `of`.
    """
    attrs = graph.attrs.get(i, {})
    operands = graph.operands(i)
    if not attrs or not operands:
        return attrs
    t = graph.type_of(operands[0])
    if not isinstance(t, Type):
        return attrs
    shown = BY_CODE[graph.op[i]].spelling.shown
    return attrs if shown is None else shown(attrs, t)
