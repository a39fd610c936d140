"""The regions of lowering: a region is the graph under construction of the program or of one side of an `if`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cgcli.diagnostics.source import Span
from cgcli.graph.graph import NONE, Graph, Group
from cgcli.graph.sizes import Size
from cgcli.graph.traversal import live, select
from cgcli.graph.types import Type
from cgcli.ops.builder import Builder

NESTING = 100  # sides of `if` within sides; printing and running recurse to this depth


class Call(NamedTuple):
    """A call that is being inlined, within its caller's."""

    parent: Call | None
    function: str
    span: Span | None


class Region:
    """A builder, and the values of outer regions that it captures (each as an input)."""

    def __init__(self, parent: Region | None = None) -> None:
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent else 0
        self.builder = Builder()
        self.captured: dict[Value, int] = {}
        self.captured_by_input: dict[int, Value] = {}  # the same by the input
        self.loop: Loop | None = None
        self._groups: dict[int, tuple[Call, int]] = {}  # by id; holds the call, so that its id is not reused

    def index(self, value: Value) -> int:
        """The node of this region that stands for `value`, which belongs to it or to a region around it."""
        if value.region is self:
            return value.node
        node = self.captured.get(value)
        if node is None:
            home = value.region.builder
            node = self.builder.input(
                home.type1(value.node), home.names.get(value.node), varies=bool(home.varies[value.node])
            )
            self.captured[value] = node
            self.captured_by_input[node] = value
        return node

    def at(self, span: Span | None, call: Call | None) -> Builder:
        """The builder, set to this span and call for its next nodes."""
        self.builder.at_span = self.builder.intern_span(span)
        self.builder.at_group = self.group(call)
        return self.builder

    def within(self, outer: Region) -> bool:
        """Whether this region is `outer` or lies in it."""
        region: Region | None = self
        while region is not None and region is not outer:
            region = region.parent
        return region is outer

    def close(
        self, outputs: Iterable[int], captured: Iterable[Value], first: Sequence[int] = (), last: Sequence[int] = ()
    ) -> Graph:
        """The region's graph without dead nodes; its inputs are `first`, `captured`, and `last`."""
        inputs = [*first, *(self.index(v) for v in captured), *last]
        graph = self.builder.freeze(tuple(outputs))
        needed = live(graph, (*graph.outputs, *graph.asserts))
        for i in inputs:
            needed[i] = 0  # they come first, live or not
        return select(graph, [*inputs, *(i for i in range(len(graph)) if needed[i])])

    def group(self, call: Call | None) -> int:
        """The row of a call in the builder's table, its callers' rows before it."""
        new_calls: list[Call] = []
        while call is not None and id(call) not in self._groups:
            new_calls.append(call)
            call = call.parent
        row = NONE if call is None else self._groups[id(call)][1]
        for c in reversed(new_calls):
            row = self.builder.add_group(Group(row, c.function, c.span))
            self._groups[id(c)] = c, row
        return row


@dataclass
class Loop:
    """The items that the body of a loop reads and writes step by step.

    variable: the loop's, None of a `while`. low, high: the ends of its range where they are sizes. reads: the item, an
    input, by the tensor and the offset of the index from the variable. writes: by a carry's name.
    """

    variable: Value | None = None
    low: Size | None = None
    high: Size | None = None
    reads: dict[tuple[Value, Size], int] = field(default_factory=dict)
    writes: dict[str, Write] = field(default_factory=dict)


class Write(NamedTuple):
    """`y[t + offset] = v` in a loop over t: the item, the whole of y after the write, and its position."""

    item: Value
    updated: Value
    offset: Size


class Several(tuple["Value", ...]):
    """The values of a call with several results, in order."""


class Value(NamedTuple):
    """A node of a region."""

    region: Region
    node: int

    @property
    def type(self) -> Type:
        return self.region.builder.type1(self.node)
