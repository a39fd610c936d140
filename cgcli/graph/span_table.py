"""The spans of a graph as flat columns: a million take 12 MB, and an object is made only for one that is read."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import SupportsIndex, overload

from cgcli.diagnostics.source import Source, Span


class SpanTable(Sequence[Span]):
    """A sequence of spans that grows.

    origin: of each span the row of `origins`, which holds its source and its class. start, end: its characters.
    """

    __slots__ = ("_rows", "end", "origin", "origins", "start")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.origins: list[tuple[Source, type[Span]]] = []
        self._rows: dict[tuple[Source, type[Span]], int] = {}
        self.origin, self.start, self.end = array("i"), array("i"), array("i")
        if isinstance(spans, SpanTable):
            self.origins = list(spans.origins)
            self._rows = {origin: row for row, origin in enumerate(self.origins)}
            self.origin, self.start, self.end = spans.origin[:], spans.start[:], spans.end[:]
            return
        for span in spans:
            self.append(span)

    def __len__(self) -> int:
        return len(self.start)

    @overload
    def __getitem__(self, row: SupportsIndex) -> Span: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Span]: ...
    def __getitem__(self, row: SupportsIndex | slice) -> Span | Sequence[Span]:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        source, kind = self.origins[self.origin[row]]
        return kind(source, self.start[row], self.end[row])

    def append(self, span: Span) -> None:
        self.origin.append(self.origin_of(span.source, type(span)))
        self.start.append(span.start)
        self.end.append(span.end)

    def origin_of(self, source: Source, kind: type[Span] = Span) -> int:
        """The row of `origins` for spans of a source."""
        row = self._rows.get((source, kind))
        if row is None:
            row = self._rows[source, kind] = len(self.origins)
            self.origins.append((source, kind))
        return row
