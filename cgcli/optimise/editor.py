"""A graph under change: nodes are replaced by others or altered, and dead nodes are dropped at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from cgcli.graph.graph import CONST, INPUT, NONE, Graph, asserts, map_nested
from cgcli.graph.span_table import SpanTable
from cgcli.graph.traversal import live, select
from cgcli.graph.types import AnyType

from .identities import Terms
from .passes import Log, describe


class Editor(Terms):
    """Begins as a copy of a graph's columns; new nodes are appended and put in order in `finish`.

    A pass walks over the nodes in order. At each it may make nodes, which will stand in front of it, `replace` it by
    one of those or by an earlier one, or `alter` its operands, attributes or type. When nothing was changed `finish`
    returns the graph itself.
    """

    def __init__(self, graph: Graph, log: Log | None = None) -> None:
        super().__init__()
        self.graph = graph
        self.log = log
        self.changed = False
        self.op, self.a, self.b = graph.op[:], graph.a[:], graph.b[:]
        self.type, self.span, self.group = graph.type[:], graph.span[:], graph.group[:]
        self.more, self.attrs, self.names = dict(graph.more), dict(graph.attrs), dict(graph.names)
        self.types, self.spans, self.groups = list(graph.types), SpanTable(graph.spans), list(graph.groups)
        self._type_index = {t: k for k, t in enumerate(self.types)}
        self._span_index = None
        self.risk = bytearray(len(graph))
        self.varies = bytearray(b"\1") * len(graph)
        self.replacement = list(range(len(graph)))
        self._current = 0
        self._new_nodes: dict[int, list[int]] = {}

    def opaque(self, x: int) -> bool:
        return False

    def walk(self) -> Iterator[int]:
        """Every node in order, its operands brought up to date."""
        for i in range(len(self.graph)):
            self.go(i)
            yield i

    def visit(self, codes: Sequence[int]) -> Iterator[int]:
        """As `walk`, but yields only the nodes of these operations; nothing at all when the graph has none."""
        if any(code in self.graph.op for code in codes):
            op = self.graph.op
            for i in range(len(self.graph)):
                if self.changed or op[i] in codes:
                    self.go(i)
                    if op[i] in codes:
                        yield i

    def go(self, i: int) -> None:
        """Moves to node `i`: new nodes stand in front of it and have its span; its operands are brought up to date."""
        self._current = i
        self.at_span, self.at_group = self.span[i], self.group[i]
        if not self.changed:
            return
        replacement = self.replacement
        if (a := self.a[i]) != NONE:
            self.a[i] = replacement[a]
            if (b := self.b[i]) != NONE:
                self.b[i] = replacement[b]
                if i in self.more:
                    self.more[i] = tuple([replacement[x] for x in self.more[i]])

    def replace(self, i: int, new: int) -> None:
        """Every use of node `i` becomes one of `new`, which takes on its name when it has none."""
        if new == i:
            return
        self.changed = True
        self.replacement[i] = new
        if i in self.names and new not in self.names and self.op[new] not in (CONST, INPUT):
            self.names[new] = self.names[i]

    def alter(
        self,
        i: int,
        operands: Sequence[int] | None = None,
        attrs: Mapping[str, object] | None = None,
        type_: AnyType | None = None,
    ) -> None:
        self.changed = True
        if operands is not None:
            self.a[i] = operands[0] if operands else NONE
            self.b[i] = operands[1] if len(operands) > 1 else NONE
            self.more.pop(i, None)
            if len(operands) > 2:
                self.more[i] = tuple(operands[2:])
        if attrs is not None:
            self.attrs[i] = attrs
        if type_ is not None:
            self.type[i] = self.intern_type(type_)

    def within(self, i: int, rewrite: Callable[[Graph], Graph]) -> None:
        """Rewrites the graphs nested in node `i`."""
        attrs = self.attrs.get(i, {})
        rewritten = map_nested(attrs, rewrite)
        if rewritten is not attrs:
            self.alter(i, attrs=rewritten)

    def say(self, sentence: str, *nodes: int) -> None:
        """Logs a sentence in which `{}` stands for each of these nodes of the graph."""
        if self.log is not None:
            self.log.say(sentence.format(*[describe(self.graph, i) for i in nodes]))

    def finish(self) -> Graph:
        """The graph with all changes, without dead nodes."""
        if not self.changed:
            return self.graph
        replacement = self.replacement
        order: list[int] = []
        for i in range(len(self.graph)):
            order.extend(self._new_nodes.get(i, ()))
            if replacement[i] == i or self.op[i] == INPUT:
                order.append(i)
        outputs = [replacement[i] for i in self.graph.outputs]
        needed = live(self, (*outputs, *(x for x in asserts(self.op, self.attrs) if replacement[x] == x)), order)
        return select(self, [i for i in order if needed[i] or self.op[i] == INPUT], outputs)

    def _append(
        self, code: int, operands: tuple[int, ...], type_: int, attrs: Mapping[str, object], risk: bool, varies: bool
    ) -> int:
        i = super()._append(code, operands, type_, attrs, risk, varies)
        self.replacement.append(i)
        self._new_nodes.setdefault(self._current, []).append(i)
        return i
