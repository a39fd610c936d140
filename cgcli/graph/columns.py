"""Columns under construction: a builder appends to them and freezes them into a `Graph`."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.diagnostics.source import Span

from .graph import COLUMNS, INPUT, NONE, Graph, Group, Rows, asserts, positions
from .span_table import SpanTable
from .types import AnyType


class Columns(Rows):
    """Growing columns, one a property; knows nothing of the meaning of ops. See `Graph` for the columns."""

    def __init__(self) -> None:
        self.op, self.a, self.b = array("i"), array("i"), array("i")
        self.type, self.span, self.group = array("i"), array("i"), array("i")
        self.more: dict[int, tuple[int, ...]] = {}
        self.attrs: dict[int, Mapping[str, Any]] = {}
        self.names: dict[int, str] = {}
        self.types: list[AnyType] = []
        self.spans = SpanTable()
        self.groups: list[Group] = []
        self._type_index: dict[AnyType, int] = {}
        self._span_index: dict[tuple[int, int, int], int] | None = {}  # None until a copied table is asked for a span

    def __len__(self) -> int:
        return len(self.op)

    def append(
        self,
        op: int,
        operands: Sequence[int],
        type_: int,
        attrs: Mapping[str, Any] | None = None,
        span: int = NONE,
        group: int = NONE,
    ) -> int:
        """The index of a new node whose type is a row of `types`; nothing is checked here."""
        i = len(self.op)
        self.op.append(op)
        self.a.append(operands[0] if operands else NONE)
        self.b.append(operands[1] if len(operands) > 1 else NONE)
        if len(operands) > 2:
            self.more[i] = tuple(operands[2:])
        if attrs:
            self.attrs[i] = attrs
        self.type.append(type_)
        self.span.append(span)
        self.group.append(group)
        return i

    def intern_type(self, type_: AnyType) -> int:
        index = self._type_index.get(type_)
        if index is None:
            index = self._type_index[type_] = len(self.types)
            self.types.append(type_)
        return index

    def intern_span(self, span: Span | None) -> int:
        if span is None:
            return NONE
        if self._span_index is None:
            self._span_index = {(id(s.source), s.start, s.end): k for k, s in enumerate(self.spans)}
        key = (id(span.source), span.start, span.end)
        index = self._span_index.get(key)
        if index is None:
            index = self._span_index[key] = len(self.spans)
            self.spans.append(span)
        return index

    def add_group(self, group: Group) -> int:
        self.groups.append(group)
        return len(self.groups) - 1

    @property
    def asserts(self) -> tuple[int, ...]:
        """As those of a graph."""
        return asserts(self.op, self.attrs)

    def freeze(self, outputs: Sequence[int]) -> Graph:
        """The graph of everything appended so far."""
        return Graph(
            **{name: getattr(self, name)[:] for name in COLUMNS},
            more=dict(self.more),
            attrs=dict(self.attrs),
            names=dict(self.names),
            types=tuple(self.types),
            spans=SpanTable(self.spans),
            groups=tuple(self.groups),
            inputs=tuple(positions(self.op, INPUT)),
            outputs=tuple(outputs),
        )
