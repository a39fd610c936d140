"""The spans of a graph as flat columns: a million take 12 MB, and an object is made only for one that is read."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Protocol, SupportsIndex, overload

from cgcli.diagnostics.source import Source, Span


class SpanRule(Protocol):
    """Says where the spans of lines are that have something in common, so that they are computed when one is read."""

    source: Source

    def span(self, line: int, k: int) -> Span:
        """The span number `k` of the line that begins at a character."""

    def bounds(self, line: int) -> list[tuple[int, int]]:
        """The start and the end of each span of a line."""


class SpanTable(Sequence[Span]):
    """A sequence of spans that grows.

    origin: of each span the row of `origins`, which holds its source and its class, or a rule. start, end: its
    characters; by a rule the beginning of the line, and the number of the span.
    """

    __slots__ = ("_rows", "end", "origin", "origins", "start")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.origins: list[tuple[Source, type[Span]] | SpanRule] = []
        self._rows: dict[tuple[Source, type[Span]] | SpanRule, int] = {}
        self.origin, self.start, self.end = array("i"), array("i"), array("i")
        if isinstance(spans, SpanTable):
            self.origins = list(spans.origins)
            self._rows = {origin: row for row, origin in enumerate(self.origins)}
            self.origin, self.start, self.end = spans.origin[:], spans.start[:], spans.end[:]
            return
        for span in spans:
            self.append(span)

    @classmethod
    def of(cls, sources: Sequence[Source], origin: array[int], start: array[int], end: array[int]) -> SpanTable:
        """The table with these columns. origin: of each span the number of its source. Raises ValueError for columns
        that do not fit."""
        if not len(origin) == len(start) == len(end) or not set(origin) <= set(range(len(sources))):
            raise ValueError("not the columns of spans")
        table = cls()
        for source in sources:
            table.origin_of((source, Span))
        table.origin, table.start, table.end = origin, start, end
        return table

    def flat(self, sources: Sequence[Source]) -> tuple[array[int], array[int], array[int]]:
        """The columns for `of`, without rules."""
        numbers = {source: k for k, source in enumerate(sources)}
        of_origin = [numbers[x[0] if isinstance(x, tuple) else x.source] for x in self.origins]
        rules = [None if isinstance(x, tuple) else x for x in self.origins]
        start, end = self.start[:], self.end[:]
        latest, bounds = -1, [(0, 0)]  # the line that was read last, and its spans
        for row, origin in enumerate(self.origin):
            rule = rules[origin]
            if rule is not None:
                line = start[row]
                if line != latest:
                    latest, bounds = line, rule.bounds(line)
                start[row], end[row] = bounds[end[row]]
        return array("i", map(of_origin.__getitem__, self.origin)), start, end

    def __len__(self) -> int:
        return len(self.start)

    @overload
    def __getitem__(self, row: SupportsIndex) -> Span: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Span]: ...
    def __getitem__(self, row: SupportsIndex | slice) -> Span | Sequence[Span]:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        origin = self.origins[self.origin[row]]
        if isinstance(origin, tuple):
            return origin[1](origin[0], self.start[row], self.end[row])
        return origin.span(self.start[row], self.end[row])

    def has_type(self, type_: type[Span]) -> bool:
        """Whether a span is of this type."""
        return any(isinstance(origin, tuple) and origin[1] is type_ for origin in self.origins)

    def append(self, span: Span) -> None:
        self.origin.append(self.origin_of((span.source, type(span))))
        self.start.append(span.start)
        self.end.append(span.end)

    def origin_of(self, origin: tuple[Source, type[Span]] | SpanRule) -> int:
        """The row of `origins` that holds it."""
        row = self._rows.get(origin)
        if row is None:
            row = self._rows[origin] = len(self.origins)
            self.origins.append(origin)
        return row
