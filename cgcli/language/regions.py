"""Where lowering puts nodes: a region is the graph being built of the program or of one side of an `if`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cgcli.graph.graph import NONE, Graph, Group
from cgcli.graph.source import Span
from cgcli.graph.traversal import live, select
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder

NESTING = 100  # sides of `if` within sides; printing and running recurse as deep


class Call(NamedTuple):
    """A call that is being inlined, within its caller's."""

    parent: Call | None
    function: str
    span: Span | None


class Region:
    """A builder, and the values of outer regions that it reads (each comes in as an input)."""

    def __init__(self, parent: Region | None = None) -> None:
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent else 0
        self.builder = Builder()
        self.captured: dict[Value, int] = {}
        self._groups: dict[int, tuple[Call, int]] = {}  # by id; the call is kept, so that its id stays its own

    def index(self, value: Value) -> int:
        """The node of this region that stands for `value`, which belongs to it or to a region around it."""
        if value.region is self:
            return value.node
        known = self.captured.get(value)
        if known is None:
            home = value.region.builder
            known = self.builder.input(
                home.type1(value.node), home.names.get(value.node), varies=bool(home.varies[value.node])
            )
            self.captured[value] = known
        return known

    def at(self, span: Span | None, call: Call | None) -> Builder:
        """The builder, giving its next nodes this place."""
        self.builder.at_span = self.builder.intern_span(span)
        self.builder.at_group = self._group(call)
        return self.builder

    def close(self, outputs: Iterable[int], captured: Iterable[Value]) -> Graph:
        """The region's graph, its inputs being `captured` in that order, without what no output needs."""
        inputs = [self.index(v) for v in captured]
        graph = self.builder.freeze(tuple(outputs))
        needed = live(graph, graph.outputs)
        for i in inputs:
            needed[i] = 0  # they come first, needed or not
        return select(graph, [*inputs, *(i for i in range(len(graph)) if needed[i])])

    def _group(self, call: Call | None) -> int:
        """The row of a call in the builder's table, its callers' rows before it."""
        missing: list[Call] = []
        while call is not None and id(call) not in self._groups:
            missing.append(call)
            call = call.parent
        row = NONE if call is None else self._groups[id(call)][1]
        for c in reversed(missing):
            row = self.builder.add_group(Group(row, c.function, c.span))
            self._groups[id(c)] = c, row
        return row


class Several(tuple["Value", ...]):
    """The values that a call with several results gives, in order."""


class Value(NamedTuple):
    """A node of a region."""

    region: Region
    node: int

    @property
    def type(self) -> Type:
        return self.region.builder.type1(self.node)
