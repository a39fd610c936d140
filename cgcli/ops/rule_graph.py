"""The derivative rule of one operation, to be read: a small graph over its operands, its result and its cotangent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from cgcli.graph.graph import CONST, INPUT, Graph, opcode
from cgcli.graph.types import Type

from .builder import Builder
from .notation import latex_constant, shown_attrs, write_constant
from .op import ATOM, OperandsRule, Spelling, rule_for
from .spelling import LONGEST_TENSOR, Style, Written, write_latex, write_number, write_op
from .table import BY_CODE
from .written import WrittenOperations

_EINSUM, _EXPAND, _EXPAND_DIMS, _MATMUL, _MUL, _PERMUTE, _SQUEEZE = map(
    opcode, ("einsum", "expand", "expand_dims", "matmul", "mul", "permute", "squeeze")
)
SUMMAND = BY_CODE[opcode("add")].spelling.level  # how tightly a summand binds that needs no brackets
FACTOR = BY_CODE[_MUL].spelling.level + 1  # the same of a factor
_SCALED = re.compile(r",(\w*)->\1")  # a pattern of einsum by which a number times a tensor is written


class Leaf(NamedTuple):
    """What an input of a rule's graph stands for: a result of an operation, or its cotangent (None)."""

    node: int | None


class RuleGraph(NamedTuple):
    """graph: its one output is what passes to the operand. leaves: its inputs. axes: over which that is summed up,
    where the operand was broadcast, counted from the end; is_whole: whether these are all.
    """

    graph: Graph
    leaves: Mapping[int, Leaf]
    axes: tuple[int, ...] = ()
    is_whole: bool = False

    @property
    def summed(self) -> str:
        """The sum in words."""
        if not self.axes:
            return ""
        if self.is_whole:
            return "sum"
        if self.graph.type_of(self.graph.outputs[0]).rank == 2:  # type: ignore[union-attr]
            return "sum over rows" if self.axes == (-2,) else "sum over columns"
        return f"sum over axis {', '.join(map(str, self.axes))}"


def rule_graph(written: WrittenOperations, i: int, x: int, of_number: bool = False) -> RuleGraph | None:
    """How the cotangent of the operation with the result `i` passes back to its operand `x`, unsimplified.

    of_number: with 1 for the cotangent, so that it is the local derivative. None where an op of it has no rule or is an
    `if` or a loop, and where operands of its inner nodes are broadcast.
    """
    graph, members = written.graph, written.members.get(i, [i])
    b = Builder()
    leaves: dict[int, Leaf] = {}
    where: dict[int, int] = {}  # by node of the program, the node of the rule's graph
    for node in members:
        for operand in graph.operands(node):
            t = graph.type_of(operand)
            if not isinstance(t, Type):
                return None
            if operand in where or operand in members:
                continue
            if graph.op[operand] == CONST and operand not in graph.names:
                where[operand] = b.const(graph.attrs[operand]["value"], t)
            else:
                of_node = graph.type_of(node)
                if t.is_int and isinstance(of_node, Type) and of_node.is_float and _is_infix(graph.op[node]):
                    t = Type(of_node.dtype, t.shape)  # converted, as 1 * n is simplified of floats alone
                where[operand] = b.input(t)
                leaves[where[operand]] = Leaf(written.result_of[operand])
        t = graph.type_of(node)
        if not isinstance(t, Type) or BY_CODE[graph.op[node]].is_structured:
            return None
        if node == i and (not of_number or BY_CODE[graph.op[i]].derivative.formula is not None):
            where[node] = b.input(t)  # a rule in terms of the result names it
            leaves[where[node]] = Leaf(i)
        else:
            operands = tuple(where[operand] for operand in graph.operands(node))
            where[node] = b.place(graph.op[node], operands, b.intern_type(t), graph.attrs.get(node, {}))
    result = graph.type_of(i)
    assert isinstance(result, Type)
    if of_number:
        seed = b.const(1.0, result)
    else:
        seed = b.input(result)
        leaves[seed] = Leaf(None)
    total = _accumulated(written, i, x, b, where, seed)
    if total is None:
        return None
    t, of_operand = b.type1(total), graph.type_of(x)
    assert isinstance(of_operand, Type)
    axes = _broadcast_axes(t, of_operand)
    return RuleGraph(b.done(total), leaves, axes, len(axes) == t.rank)


def _is_infix(op: int) -> bool:
    return BY_CODE[op].spelling.form == "infix"


def _accumulated(
    written: WrittenOperations, i: int, x: int, b: Builder, where: Mapping[int, int], seed: int
) -> int | None:
    """The sum of what passes to `x` from the nodes of an operation; None where nothing does or not all have a rule."""
    graph, members = written.graph, written.members.get(i, [i])
    cotangents = {i: seed}
    total: int | None = None
    for node in reversed(members):
        g = cotangents.get(node)
        if g is None:
            continue
        for k, operand in enumerate(graph.operands(node)):
            rule = _readable_rule(graph.op[node], k)
            is_inner = operand in members
            if rule is None or not (is_inner or written.result_of[operand] == x):
                continue
            operands = [where[y] for y in graph.operands(node)]
            part = rule(b, g, where[node], operands, graph.attrs.get(node, {}))
            if part is None:
                continue
            if isinstance(part, tuple):
                part = b.where(part[1], part[0], 0.0)
            if is_inner:
                t = b.type1(where[operand])
                axes = _broadcast_axes(b.type1(part), t)
                if axes and b.type1(part).rank != t.rank:
                    return None
                part = b.sum(part, axes=axes, keepdims=True) if axes else part
                cotangents[operand] = b.add(cotangents[operand], part) if operand in cotangents else part
            elif total is not None and b.type1(total).shape != b.type1(part).shape:
                return None
            else:
                total = part if total is None else b.add(total, part)
    return total


def _readable_rule(op: int, k: int) -> OperandsRule | None:
    formula = BY_CODE[op].derivative.formula
    if formula is None:
        return rule_for(BY_CODE[op], k)
    return lambda b, g, y, xs, at: formula(b, g, y, xs[0], at)


def _broadcast_axes(result: Type, operand: Type) -> tuple[int, ...]:
    if result.rank < operand.rank:
        return ()
    return tuple(
        axis for axis in range(-result.rank, 0) if -axis > operand.rank or operand.shape[axis] != result.shape[axis]
    )


def write_rule(
    graph: Graph, name: Callable[[int], Written], style: Style | None, longest: int = LONGEST_TENSOR
) -> Written | None:
    """The output of a graph over the names of its inputs. None where the language has no words for an op.

    style: None for LaTeX.
    """
    texts: dict[int, Written] = {}
    for k, code in enumerate(graph.op):
        if code == INPUT:
            texts[k] = name(k)
        elif code == CONST:
            texts[k] = latex_constant(graph, k) if style is None else write_constant(graph, k, style, longest)
        else:
            text = _operation(graph, k, texts, style)
            if text is not None:
                texts[k] = text
    number = _repeated_number(graph, graph.outputs[0], texts, style)
    if number is None or not number.text:
        return texts.get(graph.outputs[0])
    return Written(number.text + (r" \text{ in each element}" if style is None else " in each element"), 0)


def _operation(graph: Graph, k: int, texts: Mapping[int, Written], style: Style | None) -> Written | None:
    op, attrs = BY_CODE[graph.op[k]], shown_attrs(graph, k)
    spelling, operands = op.spelling, graph.operands(k)
    vectors = _product_of_vectors(graph, k)
    if vectors is not None:
        spelling, attrs, operands = BY_CODE[_MATMUL].spelling, {}, vectors[1:]
    elif graph.op[k] == _EINSUM and _SCALED.fullmatch(graph.attrs[k]["pattern"]):
        spelling, attrs = BY_CODE[_MUL].spelling, {}
    if op.is_structured or not spelling.has_text(attrs) or not all(x in texts and texts[x].text for x in operands):
        return None
    written = [texts[x] for x in operands]
    if op.is_elementwise:
        numbers = [_repeated_number(graph, x, texts, style) for x in operands]
        if not all(numbers):  # another operand has the shape
            written = [number or text for number, text in zip(numbers, written, strict=True)]
    if vectors is not None and vectors[0] == "outer":
        spelling = Spelling("call", "outer")
    if spelling.symbol == "+" and _is_zero(graph, operands[1]):
        return written[0]  # rules make 0.0 of -0.0 by that
    if style is None:
        return write_latex(spelling, written, attrs)
    if graph.op[k] == _PERMUTE and graph.attrs[k]["axes"] == (-1, -2) and written[0].level >= ATOM:
        return Written(f"{written[0].text}ᵀ")
    return write_op(spelling, written, attrs, style)


def _repeated_number(graph: Graph, k: int, texts: Mapping[int, Written], style: Style | None) -> Written | None:
    """The number that a tensor is in each of its elements; None for other nodes."""
    t = graph.type_of(k)
    if not isinstance(t, Type) or not t.shape:
        return None
    if graph.op[k] == CONST:
        value = graph.attrs[k]["value"]
        return None if isinstance(value, tuple) else write_number(value, style or "cg")
    x = k
    while graph.op[x] in (_EXPAND, _EXPAND_DIMS):
        x = graph.a[x]
    t = graph.type_of(x)
    return texts.get(x) if x != k and isinstance(t, Type) and not t.shape else None


def _product_of_vectors(graph: Graph, k: int) -> tuple[str, int, int] | None:
    """A product of a matrix and a vector, which is one of matrices within `expand_dims` and `squeeze`, or an outer
    product: which, and its operands."""
    if graph.op[k] == _SQUEEZE and graph.op[graph.a[k]] == _MATMUL:
        left, right = graph.operands(graph.a[k])
        by_axes = {(-1,): (left, _vector(graph, right, -1)), (-2,): (_vector(graph, left, -2), right)}
        x, y = by_axes.get(graph.attrs[k]["axes"], (None, None))
        return None if x is None or y is None else ("product", x, y)
    if graph.op[k] == _MATMUL:
        left, right = graph.operands(k)
        x, y = _vector(graph, left, -1), _vector(graph, right, -2)
        return None if x is None or y is None else ("outer", x, y)
    return None


def _vector(graph: Graph, k: int, axis: int) -> int | None:
    """The vector that node `k` is as a matrix with that axis; None for another matrix."""
    if graph.op[k] == _PERMUTE and graph.attrs[k]["axes"] == (-1, -2):
        return _vector(graph, graph.a[k], -3 - axis) if graph.op[graph.a[k]] == _EXPAND_DIMS else None
    if graph.op[k] != _EXPAND_DIMS or graph.attrs[k]["axes"] != (axis,):
        return None
    t = graph.type_of(graph.a[k])
    return graph.a[k] if isinstance(t, Type) and t.rank == 1 else None


def _is_zero(graph: Graph, i: int) -> bool:
    value = graph.attrs[i]["value"] if graph.op[i] == CONST else None
    return isinstance(value, int | float) and value == 0
