"""Probes: the graph that gives, besides, values within branches, derivatives by any node and those of parts.

A derivative by a node of a branch is one by a number that is added there, -0.0, which changes no bit: so the one
backward pass serves for it, whatever holds the branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from cgcli.graph.graph import COND, INPUT, NONE, Graph
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder
from cgcli.ops.loops import LoopView
from cgcli.ops.typing import one, single

from .gradient import differentiate, gradient
from .structured import saving

Path = tuple[tuple[int, str], ...]
"""The branch in which a node is: nodes `cond` with one of their sides, from the outermost one in."""


class Probe(NamedTuple):
    """What is asked: the value of a node, the derivative of the result by it, or that of the part of the graph between
    it and the nodes `reads` by the nodes `by` of those, added up."""

    kind: Literal["value", "derivative", "partial"]
    path: Path
    node: int
    by: tuple[int, ...] = ()
    reads: tuple[int, ...] = ()


def probed(graph: Graph, of: int | None, probes: Sequence[Probe], loops: Sequence[int] = ()) -> Graph:
    """The graph over the same inputs whose outputs are the probes, all of them numbers.

    of: the node whose derivatives are asked for. loops: nodes `loop`; for each of their carries that is a number there
    are two outputs behind those of the probes: the stack of its values as each step begins, and its last value.
    """
    b = Builder()
    inputs = [b.input(one(graph.type_of(i)), graph.names.get(i)) for i in graph.inputs]
    nested = [p for p in probes if p.path and p.kind == "derivative"]
    nudges = {p: b.input(_type_of(graph, p, 0)) for p in nested}
    where, results = _copy(b, graph, inputs, (), probes, nudges)
    outer = [p for p in probes if not p.path and p.kind == "derivative"]
    if of is not None:
        wrt = [*(where[p.node] for p in outer), *nudges.values()]
        derivatives = differentiate(b, where[of], wrt)
        results |= dict(zip((*outer, *nested), derivatives, strict=True))
    series = [x for i in loops for x in _series(b, where[i])]
    return _without_inputs(b.done(*(results[p] for p in probes), *series), inputs)


def carries(graph: Graph, loop: int) -> list[int]:
    """The carries of a loop that are numbers: those of which `probed` has a stack."""
    view: LoopView[int] = LoopView(graph.attrs[loop], graph.operands(loop))
    return [k for k, x in enumerate(view.carries) if isinstance(t := graph.type_of(x), Type) and not t.shape]


def _copy(
    b: Builder,
    graph: Graph,
    arguments: Sequence[int],
    path: Path,
    probes: Iterable[Probe],
    nudges: Mapping[Probe, int],
) -> tuple[list[int], dict[Probe, int]]:
    """Appends the graph to `b`. Returns by node its node there, and the nodes of the probes of values and of parts.

    nudges: the inputs that are added where the derivatives by nodes of branches are asked for.
    """
    here = [p for p in probes if p.path == path]
    inside: dict[int, list[Probe]] = {}
    for p in probes:
        if len(p.path) > len(path):
            inside.setdefault(p.path[len(path)][0], []).append(p)
    nudged = {p.node: nudges[p] for p in here if p in nudges}
    results: dict[Probe, int] = {}
    where = [NONE] * len(graph)
    for i, x in zip(graph.inputs, arguments, strict=True):
        where[i] = x
    for i, code in enumerate(graph.op):
        b.at_span = NONE if graph.span[i] == NONE else b.intern_span(graph.spans[graph.span[i]])
        operands = tuple([where[x] for x in graph.operands(i)])
        if code == COND and i in inside:
            where[i], more = _cond(b, graph, i, operands, path, inside[i], nudges)
            results |= more
        elif code != INPUT:
            where[i] = b.place(code, operands, b.intern_type(graph.type_of(i)), graph.attrs.get(i, {}))
        if i in nudged:
            where[i] = b.add(where[i], nudged[i])
    parts = _Parts(b, graph, where)
    for p in here:
        if p.kind == "value":
            results[p] = where[p.node]
        elif p.kind == "partial":
            results[p] = parts.derivative(p)
    return where, results


def _cond(
    b: Builder,
    graph: Graph,
    i: int,
    operands: Sequence[int],
    path: Path,
    probes: Sequence[Probe],
    nudges: Mapping[Probe, int],
) -> tuple[int, dict[Probe, int]]:
    """A `cond` with results for probes within its sides; those of the side that is not taken are zeros."""
    nudged = [p for p in probes if p in nudges]
    asked = [p for p in probes if p.kind != "derivative"]
    sides: dict[str, Graph] = {}
    for side in ("then", "else"):
        branch: Graph = graph.attrs[i][side]
        s = Builder()
        inputs = [s.input(single(branch.type_of(x)), branch.names.get(x)) for x in branch.inputs]
        inner_nudges = {p: s.input(b.type1(nudges[p])) for p in nudged}
        own = [p for p in probes if p.path[len(path)][1] == side]
        where, results = _copy(s, branch, inputs, (*path, (i, side)), own, inner_nudges)
        outputs = [where[x] for x in branch.outputs]
        outputs += [results[p] if p in results else _zero(s, _type_of(graph, p, len(path))) for p in asked]
        sides[side] = s.done(*outputs)
    count = len(graph.attrs[i]["then"].outputs)
    node = b.apply("cond", *operands, *(nudges[p] for p in nudged), **sides)
    return node, {p: b.get(node, k=k) for k, p in enumerate(asked, count)}


class _Parts:
    """Derivatives of parts of a graph that was copied into a builder, each part differentiated once."""

    def __init__(self, b: Builder, graph: Graph, where: Sequence[int]) -> None:
        self.b, self.graph, self.where = b, graph, where
        self._derivatives: dict[int, dict[int, int]] = {}  # of the result of a part, by the nodes that it reads

    def derivative(self, p: Probe) -> int:
        """The node of a partial derivative: 0 where no path leads to the node."""
        derivatives = self._derivatives.get(p.node)
        if derivatives is None:
            derivatives = self._derivatives[p.node] = self._part(p)
        terms = [derivatives[x] for x in p.by if x in derivatives]
        total = terms[0] if terms else self.b.const(0.0, self.b.type1(self.where[p.node]))
        for x in terms[1:]:
            total = self.b.add(total, x)
        return total

    def _part(self, p: Probe) -> dict[int, int]:
        graph, b = self.graph, self.b
        nodes, stack = set[int](), [p.node]
        while stack:
            i = stack.pop()
            if i not in nodes:
                nodes.add(i)
                stack += () if i in p.reads else graph.operands(i)
        part = Builder()
        inner: dict[int, int] = {}
        reads = [i for i in sorted(nodes) if i in p.reads or graph.op[i] == INPUT]
        for i in reads:
            inner[i] = part.input(single(graph.type_of(i)))
        for i in sorted(nodes.difference(reads)):
            operands = tuple(inner[x] for x in graph.operands(i))
            inner[i] = part.place(graph.op[i], operands, part.intern_type(graph.type_of(i)), graph.attrs.get(i, {}))
        by = [i for i in reads if i in p.reads and single(graph.type_of(i)).has_derivative]
        derivatives = gradient(part.done(), inner[p.node], [inner[i] for i in by])
        where = b.inline(derivatives, [self.where[i] for i in reads])
        return dict(zip(by, (where[x] for x in derivatives.outputs), strict=True))


def _series(b: Builder, i: int) -> list[int]:
    """By carry of a loop that is a number the stack of its values as each step begins, and its last value."""
    numbers = carries(b, i)  # type: ignore[arg-type]  # a builder has a graph's columns
    saved = saving(b, i, numbers)
    results = ((saved[k], LoopView.carry_result(k)) for k in numbers)
    return [b.get(i, k=k) for pair in results for k in pair]


def _without_inputs(graph: Graph, kept: Sequence[int]) -> Graph:
    """The graph with -0.0 in place of all inputs but those kept."""
    b = Builder()
    arguments = []
    for i in graph.inputs:
        t = one(graph.type_of(i))
        arguments.append(b.input(t, graph.names.get(i)) if i in kept else b.const(-0.0, t))
    where = b.inline(graph, arguments)
    return b.done(*(where[i] for i in graph.outputs))


def _type_of(graph: Graph, p: Probe, depth: int) -> Type:
    """The type of a probe's node. depth: how many steps of its path lead to `graph`."""
    for i, side in p.path[depth:]:
        graph = graph.attrs[i][side]
    return one(graph.type_of(p.node))


def _zero(b: Builder, t: Type) -> int:
    return b.const(False if t.dtype == "bool" else 0.0 if t.is_float else 0, t)
