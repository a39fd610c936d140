"""Unparses graphs to cg, or writes them in LaTeX: expressions in terms of names, with `t1 = …` lines for unnamed shared
subexpressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, Protocol

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.graph import COND, CONST, GET, INPUT, Graph, Node, nested, opname
from cgcli.graph.traversal import live
from cgcli.ops.latex import latex_name
from cgcli.ops.notation import latex_constant, shown_attrs, write_node
from cgcli.ops.spelling import Written, write_latex
from cgcli.ops.table import BY_CODE, OPS

LONGEST = 100_000  # characters of one expression
Form = Literal["cg", "latex"]


class _Form(Protocol):
    """How expressions are written."""

    def name(self, name: str) -> Written: ...
    def node(self, graph: Graph, i: int, operands: Sequence[Written]) -> Written: ...
    def choice(self, condition: Written, then: Written, otherwise: Written) -> Written: ...
    def result(self, graph: Graph, i: int, texts: Mapping[int, Written]) -> Written: ...


class _Cg:
    def name(self, name: str) -> Written:
        return Written(name)

    def node(self, graph: Graph, i: int, operands: Sequence[Written]) -> Written:
        return write_node(graph, i, operands)

    def choice(self, condition: Written, then: Written, otherwise: Written) -> Written:
        return Written(f"if {condition.text} then {then.text} else {otherwise.text}", 0)

    def result(self, graph: Graph, i: int, texts: Mapping[int, Written]) -> Written:
        return texts[i]


class _Latex:
    def name(self, name: str) -> Written:
        return Written(latex_name(name))

    def node(self, graph: Graph, i: int, operands: Sequence[Written]) -> Written:
        if graph.op[i] == CONST:
            return latex_constant(graph, i)
        return write_latex(BY_CODE[graph.op[i]].spelling, operands, shown_attrs(graph, i))

    def choice(self, condition: Written, then: Written, otherwise: Written) -> Written:
        rows = rf"{then.text} & {condition.text}\\{otherwise.text} & \text{{otherwise}}"
        return Written(rf"\begin{{cases}}{rows}\end{{cases}}")

    def result(self, graph: Graph, i: int, texts: Mapping[int, Written]) -> Written:
        """A number that is the derivative by each element stands for itself."""
        return texts.get(graph.a[i], texts[i]) if opname(graph.op[i]) == "expand" else texts[i]


_FORMS: Mapping[Form, _Form] = {"cg": _Cg(), "latex": _Latex()}


def write_outputs(
    graph: Graph, targets: Sequence[str], named: Mapping[int, str], origin: Graph, form: Form = "cg"
) -> list[tuple[str, str]]:
    """A target and its expression for each output, after the subexpressions that they share.

    named: nodes that are written by a name. origin: the graph before simplification, whose nodes have spans.
    Raises CgError (status 1) for an expression that grows too long, and for an op that has no text.
    """
    write = _FORMS[form]
    outputs = list(graph.outputs)
    needed = _needed(graph, outputs, named)
    uses = [0] * len(graph)
    for i in range(len(graph)):
        if needed[i] and i not in named:
            for x in graph.operands(i):
                uses[x] += 1
    for i in outputs:
        uses[i] += 1
    taken = set(named.values()) | set(targets)
    new_names = (name for k in range(1, len(graph) + len(taken) + 2) if (name := f"t{k}") not in taken)
    lines: list[tuple[str, str]] = []
    texts: dict[int, Written] = {}
    for i in range(len(graph)):
        if not needed[i]:
            continue
        if i in named:
            texts[i] = write.name(named[i])
            continue
        if graph.op[i] == COND:
            continue
        texts[i] = _limited(_write(write, graph, i, texts, origin))
        if uses[i] > 1 and graph.op[i] not in (CONST, INPUT):
            name = next(new_names)
            lines.append((write.name(name).text, texts[i].text))
            texts[i] = write.name(name)
    return lines + [(target, write.result(graph, i, texts).text) for target, i in zip(targets, outputs, strict=True)]


def _needed(graph: Graph, outputs: Sequence[int], named: Mapping[int, str]) -> bytearray:
    """Flags of the nodes to write: those that the outputs depend on, up to nodes that have a name."""
    if not named:
        return live(graph, outputs)
    flags = bytearray(len(graph))
    for i in outputs:
        flags[i] = 1
    for i in range(len(graph) - 1, -1, -1):
        if flags[i] and i not in named:
            for x in graph.operands(i):
                flags[x] = 1
    return flags


def _write(write: _Form, graph: Graph, i: int, texts: Mapping[int, Written], origin: Graph) -> Written:
    op = opname(graph.op[i])
    if graph.op[i] != GET:
        if graph.op[i] != CONST and not OPS[op].spelling.has_text(shown_attrs(graph, i)):
            raise _no_formula(op, origin)
        return write.node(graph, i, [texts[x] for x in graph.operands(i)])
    condition, *captured = graph.operands(graph.a[i])
    sides = graph.attrs[graph.a[i]]
    inputs = [texts[x] for x in captured]
    k = graph.attrs[i]["k"]
    then, otherwise = (_write_side(write, sides[side], k, inputs, origin) for side in ("then", "else"))
    return write.choice(texts[condition], then, otherwise)


def _write_side(write: _Form, side: Graph, k: int, inputs: Sequence[Written], origin: Graph) -> Written:
    """One result of a side of an `if`, with texts for its inputs; recursion only into nested sides."""
    output = side.outputs[k]
    needed = live(side, [output])
    texts: dict[int, Written] = dict(zip(side.inputs, inputs, strict=True))
    for i in range(len(side)):
        if needed[i] and i not in texts and side.op[i] != COND:
            texts[i] = _limited(_write(write, side, i, texts, origin))
    return texts[output]


def _limited(x: Written) -> Written:
    if len(x.text) > LONGEST:
        raise error("expression-too-long", status=1, limit=LONGEST)
    return x


def _with_sides(graph: Graph) -> Iterator[Graph]:
    """The graph and all that are nested in its nodes, breadth first."""
    graphs = [graph]
    for outer in graphs:
        graphs += [inner for attrs in outer.attrs.values() for inner in nested(attrs).values()]
        yield outer


def _no_formula(op: str, origin: Graph) -> CgError:
    """The error for an op that has no text, at the span of the last node of that op.

    The last, since nodes of the backward pass follow those of values, which may have names.
    """
    nodes = (Node(nested, i) for nested in _with_sides(origin) for i in reversed(range(len(nested))))
    span = next((node.span for node in nodes if node.op == op and node.span is not None), None)
    text = OPS[op].spelling.text if span is None else span.text.partition("\n")[0].removesuffix("{").strip()
    return error("no-formula", span, status=1, op=text)
