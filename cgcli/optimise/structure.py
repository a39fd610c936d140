"""A `cond` or a `loop` by the roles of its operands, and graphs with fewer inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cgcli.graph.columns import Columns
from cgcli.graph.graph import COND, GET, INPUT, LOOP, Graph, nested
from cgcli.graph.span_table import SpanTable
from cgcli.graph.types import AnyType, Results, Stack
from cgcli.ops.loops import LoopView

from .editor import Editor
from .passes import Log, Rewrite

Gets = dict[int, list[int]]
"""Of each result of a structured node, the `get`s that read it."""
Change = Callable[[Editor, int, Gets], None]


@dataclass(frozen=True)
class View:
    """The operands of a structured node of an editor.

    first: the condition of a `cond`, the trip count of a counted loop (one or none). carries, invariants, stacks: of a
    `loop`; what a `cond` hands to its sides are `invariants`.
    """

    attrs: Mapping[str, Any]
    first: tuple[int, ...]
    carries: tuple[int, ...]
    invariants: tuple[int, ...]
    stacks: tuple[int, ...]
    loop: bool

    @classmethod
    def of(cls, ed: Editor, i: int) -> View:
        attrs, operands = ed.attrs[i], ed.operands(i)
        if ed.op[i] == COND:
            return cls(attrs, operands[:1], (), operands[1:], (), False)
        loop = LoopView(attrs, operands)
        first = () if loop.count is None else (loop.count,)
        return cls(attrs, first, tuple(loop.carries), tuple(loop.invariants), tuple(loop.stacks), True)

    @property
    def operands(self) -> tuple[int, ...]:
        return (*self.first, *self.carries, *self.invariants, *self.stacks)

    def graphs(self) -> Iterable[tuple[str, Graph]]:
        return nested(self.attrs).items()

    @property
    def of_loop(self) -> LoopView[int]:
        return LoopView(self.attrs, self.operands)

    def inputs(self, key: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The inputs of a graph that stand for carries, invariants and stacks' items."""
        if self.loop:
            return self.of_loop.inputs(key)
        side: Graph = self.attrs[key]
        return (), side.inputs, ()

    def fixed(self, key: str) -> list[tuple[int, int]]:
        """Pairs of an operand and the input of the graph `key` that is its value, or a stack's item, at every step."""
        _, invariants, items = self.inputs(key)
        pairs = list(zip(self.invariants, invariants, strict=True))
        return pairs if key == "pred" else pairs + list(zip(self.stacks, items, strict=True))

    def fits(self, ed: Editor) -> bool:
        """Whether every graph's inputs have the very types of the operands that they stand for."""
        for key, graph in self.graphs():
            carries, _, _ = self.inputs(key)
            pairs = [*zip(self.carries, carries, strict=True), *self.fixed(key)]
            for x, inner in pairs:
                t: AnyType = ed.type_of(x)
                if x in self.stacks and isinstance(t, Stack):
                    t = t.item
                if t != graph.type_of(inner):
                    return False
        return True


def rewrite_structured(graph: Graph, log: Log | None, rewrite: Rewrite, changes: Mapping[int, Change]) -> Graph:
    """The graph with nested graphs rewritten, and then the structured nodes changed by the entry of their op."""
    if COND not in graph.op and LOOP not in graph.op:
        return graph
    read = gets(graph)
    ed = Editor(graph, log)
    for i in ed.visit((COND, LOOP)):
        ed.within(i, lambda inner: rewrite(inner, log))
        if ed.op[i] in changes:
            changes[ed.op[i]](ed, i, read[i])
    return ed.finish()


def with_outputs(graph: Graph, outputs: Sequence[int]) -> Graph:
    """The graph with other outputs, not pruned."""
    return replace(graph, outputs=tuple(outputs))


def with_inputs(graph: Graph, inputs: Sequence[int | AnyType], instead: Mapping[int, int]) -> Graph:
    """The graph over other inputs: input nodes of its own, and new ones of these types.

    instead: nodes that are not computed but read from the input at that position.
    """
    columns = Columns()
    columns.spans, columns.groups = SpanTable(graph.spans), list(graph.groups)
    where: dict[int, int] = {}

    def copied(i: int) -> None:
        operands = [where[x] for x in graph.operands(i)]
        kind = columns.intern_type(graph.type_of(i))
        where[i] = columns.append(graph.op[i], operands, kind, graph.attrs.get(i), graph.span[i], graph.group[i])
        if i in graph.names:
            columns.names[where[i]] = graph.names[i]

    for x in inputs:
        if isinstance(x, int):
            copied(x)
        else:
            columns.append(INPUT, (), columns.intern_type(x))
    for i, code in enumerate(graph.op):
        if i in instead:
            where[i] = instead[i]
        elif code != INPUT:
            copied(i)
    return columns.freeze([where[i] for i in graph.outputs])


def gets(graph: Graph) -> dict[int, Gets]:
    """The `get`s of each structured node."""
    result: dict[int, Gets] = {i: {} for i, code in enumerate(graph.op) if code in (COND, LOOP)}
    for i, code in enumerate(graph.op):
        if code == GET and graph.a[i] in result:
            result[graph.a[i]].setdefault(graph.attrs[i]["k"], []).append(i)
    return result


def keep_results(
    ed: Editor, i: int, read: Gets, results: Sequence[int], operands: Sequence[int], attrs: Mapping[str, object]
) -> None:
    """Gives node `i` other operands and attributes, with which it has these of its results."""
    t = ed.type_of(i)
    assert isinstance(t, Results)
    ed.alter(i, operands, attrs, Results(tuple(t.items[k] for k in results)))
    for new, old in enumerate(results):
        for x in read.get(old, ()):
            if new != old:
                ed.alter(x, attrs={"k": new})
