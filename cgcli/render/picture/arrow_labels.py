"""What stands beside an arrow: the derivative of a unit by what it reads, the shape of a tensor, the backward rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import CONST, INPUT, Graph
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.notation import shown_attrs, write_constant
from cgcli.ops.op import VariadicRule
from cgcli.ops.spelling import Written, write_op
from cgcli.ops.table import BY_CODE

from .units import Units, reads

LONGEST_RULE = 24  # characters of a backward rule
_COTANGENT = Written("·")
_TRANSPOSED = re.compile(r"transpose\((\w+)\)")


def local_derivatives(units: Units, evaluation: Evaluation, i: int) -> dict[int, float | None]:
    """The derivative of the unit with the result `i` by each result that it reads: the sum over the paths within it of
    the products of the partials on their edges. None where no path passes a derivative on; only numbers have any.
    """
    cotangents: dict[int, float] = {i: 1.0}
    derivatives: dict[int, float | None] = {}
    for node in reversed(units.members(i)):
        cotangent = cotangents.get(node)
        partials = evaluation.partials.get(node)
        if cotangent is None or not partials:
            continue
        for operand, partial in zip(reads(units.graph, node), partials, strict=False):
            is_inside = units.result_of[operand] == i
            x = operand if is_inside else units.result_of[operand]
            if partial is None:
                derivatives.setdefault(x, None)
            elif is_inside:
                cotangents[x] = cotangents.get(x, 0.0) + cotangent * partial
            else:
                derivatives[x] = (derivatives.get(x) or 0.0) + cotangent * partial
    return {x: partial for x, partial in derivatives.items() if units.result_of[x] != i}


def backward_rule(graph: Graph, i: int, x: int, name: Callable[[int], str | None]) -> str:
    """How the cotangent `·` of a tensor operation passes back to its operand `x`: `· × target`, `sum over rows`.

    name: of a node, if it has one that the reader sees. Empty where the rule is long or has no words.
    """
    operands = graph.operands(i)
    types = [t for operand in (*operands, i) if isinstance(t := graph.type_of(operand), Type)]
    if len(types) <= len(operands) or operands.count(x) != 1:
        return ""
    op = BY_CODE[graph.op[i]]
    k = operands.index(x)
    rules = op.derivative.rules
    if not isinstance(rules, tuple | VariadicRule):
        return ""
    b = Builder()
    texts: dict[int, Written] = {}
    nodes = []
    for operand, t in zip(operands, types, strict=False):
        if graph.op[operand] == CONST and operand not in graph.names:
            nodes.append(b.const(graph.attrs[operand]["value"], t))
        else:
            nodes.append(b.input(t))
            texts[nodes[-1]] = Written(name(operand) or "")
    y = b.place(graph.op[i], tuple(nodes), b.intern_type(types[-1]), graph.attrs.get(i, {}))
    texts[y] = Written(name(i) or "")
    g = b.input(types[-1])
    texts[g] = _COTANGENT
    attrs = graph.attrs.get(i, {})
    result = _contribution(rules, b, g, y, k, nodes, attrs)
    if result is None or isinstance(result, tuple):  # of some elements alone
        return ""
    summed = _summed(b.type1(result), types[k])
    if result == g:
        return summed
    text = _TRANSPOSED.sub(r"\1ᵀ", _text(b.done(result), texts)).replace(" @ ", " ")
    if text and summed:
        text = f"{summed}: {text}"
    return text if len(text) <= LONGEST_RULE else ""


def _contribution(
    rules: Any, b: Builder, g: int, y: int, k: int, nodes: Sequence[int], attrs: Any
) -> int | tuple[int, int] | None:
    if isinstance(rules, VariadicRule):
        return rules.rule(b, g, y, k, nodes, attrs)
    if k >= len(rules) or rules[k] is None:
        return None
    contribution: int | tuple[int, int] | None = rules[k](b, g, y, *nodes, attrs)
    return contribution


def _summed(result: Type, operand: Type) -> str:
    """How a cotangent of one shape becomes one of a smaller shape that was broadcast."""
    if result.rank < operand.rank:
        return ""
    axes = [
        axis for axis in range(-result.rank, 0) if -axis > operand.rank or operand.shape[axis] != result.shape[axis]
    ]
    if not axes:
        return ""
    if len(axes) == result.rank:
        return "sum"
    if result.rank == 2:
        return "sum over rows" if axes == [-2] else "sum over columns"
    return f"sum over axis {', '.join(map(str, axes))}"


def _text(graph: Graph, texts: dict[int, Written]) -> str:
    """The graph's output over these texts; empty where the language has no words for one of its operations."""
    for k in range(len(graph)):
        if k in texts:
            continue
        if graph.op[k] == CONST:
            texts[k] = write_constant(graph, k, "picture", 8)
            continue
        operands = graph.operands(k)
        attrs = shown_attrs(graph, k)
        spelling = BY_CODE[graph.op[k]].spelling
        if spelling.symbol == "+" and _is_zero(graph, operands[1]):
            texts[k] = texts[operands[0]]  # rules make 0.0 of -0.0 by that
        elif graph.op[k] == INPUT or not spelling.has_text(attrs) or not all(texts[x].text for x in operands):
            texts[k] = Written("")
        else:
            texts[k] = write_op(spelling, [texts[x] for x in operands], attrs, "picture")
    return texts[graph.outputs[0]].text


def _is_zero(graph: Graph, i: int) -> bool:
    value = graph.attrs[i]["value"] if graph.op[i] == CONST else None
    return isinstance(value, int | float) and value == 0
