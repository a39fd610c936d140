"""Tables on a terminal: aligned decimal points, a thin rule under the header, no boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from .table_columns import GAP, Cell, Column, Texts, broken, cell_width, layout
from .tensors import is_tensor

FIRST = 1000
"""Rows that tell the widths of the columns, and rows of a piece."""
BOLD, DIM, ACCENT = "1", "2", "38;5;130"
"""How a terminal is told to set off the header, and columns; the last is the colour of derivatives in pictures, as
nearly as the 256 colours of a terminal have it."""


def table(header: Sequence[str], rows: Sequence[Sequence[Cell]], **settings: Any) -> str:
    """The whole table, without the last line end. settings: of `table_pieces`."""
    return "\n".join(table_pieces(header, rows, **settings))


def table_pieces(
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    width: int = 80,
    colour: bool = False,
    precision: int | None = None,
    accent: Sequence[int] = (),
    dim: Sequence[int] = (),
    tensor: Callable[[Any], str] | None = None,
) -> Iterator[str]:
    """The rows under their header, `FIRST` rows at a time, each piece without its last line end.

    A column of numbers is aligned at its decimal points; no digit is ever cut. accent, dim: columns that are set off.
    tensor: how a tensor is written, else as anywhere; a long one goes on in the next line, between two of its numbers.

    The first rows tell how wide the columns are and where the decimal points stand. A later cell that is wider moves
    what follows it to the right; of a text as much goes on in the next line as the terminal has no room for.
    """
    source = iter(rows)
    first = list(islice(source, FIRST))
    following = next(source, None)
    texts = Texts(precision, tensor)
    columns, lines = layout(header, first, texts, width)
    natural, least = (sum(getattr(column, each) + GAP for column in columns) for each in ("natural", "least"))
    if following is None and natural > max(width, least):
        from .rich_table import rich_table  # dear to import, and for texts that have to be broken alone

        yield rich_table(columns, lines, width=width, colour=colour, accent=accent, dim=dim)
        return
    writer = _LineWriter(columns, width, colour, accent, dim)
    yield "\n".join([*writer.header(), *writer.rows(lines)])
    if following is not None:
        source = chain([following], source)
        while piece := list(islice(source, FIRST)):
            yield "\n".join(writer.rows(_lines(columns, piece, texts)))


def _lines(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], texts: Texts) -> list[list[str]]:
    """The texts of later rows by column, tensors in lines."""
    lines: list[list[str]] = []
    for k, column in enumerate(columns):
        cells = [row[k] for row in rows]
        column_texts, _ = texts.column(cells, column.before)
        if not {str, float, int}.issuperset(map(type, cells)):
            room = column.room or column.width
            pairs = zip(column_texts, cells, strict=True)
            column_texts = [broken(text, room) if is_tensor(cell) else text for text, cell in pairs]
        lines.append(column_texts)
    return lines


class _LineWriter:
    """Writes rows of texts in columns."""

    def __init__(
        self, columns: Sequence[Column], width: int, colour: bool, accent: Sequence[int], dim: Sequence[int]
    ) -> None:
        self.columns = columns
        self.starts = [sum(column.width + GAP for column in columns[:k]) for k in range(len(columns))]
        self.total = sum(column.width + GAP for column in columns) - GAP
        self.room = max(width, self.total)
        styles = [ACCENT if k in accent else DIM if k in dim else "" for k in range(len(columns))]
        self.styles = styles if colour else [""] * len(columns)
        self.bold = BOLD if colour else ""

    def header(self) -> list[str]:
        """The titles, and the rule below them."""
        titles, _ = self._line([column.title for column in self.columns], [self.bold] * len(self.columns))
        return [titles, "─" * self.total]

    def rows(self, lines: Sequence[Sequence[str]]) -> Iterator[str]:
        """The lines of rows, from their texts by column."""
        has_tall = [k for k, texts in enumerate(lines) if any("\n" in text for text in texts)]
        for texts in zip(*lines, strict=True):
            if has_tall and any("\n" in texts[k] for k in has_tall):
                yield from self._tall_row([text.split("\n") for text in texts])
                continue
            line, width = self._line(texts, self.styles)
            if width <= self.room:
                yield line
            else:
                yield from self._tall_row([[text] for text in texts])

    def _tall_row(self, cells: Sequence[Sequence[str]]) -> list[str]:
        """The lines of a row of cells of several lines, or that have to be broken."""
        lines = self._lines(cells)
        if max(width for _, width in lines) > self.room:
            folded = (
                cell if column.fixed else [part for line in cell for part in _folded(line, column.width)]
                for cell, column in zip(cells, self.columns, strict=True)
            )
            lines = self._lines(list(folded))
        return [line for line, _ in lines]

    def _lines(self, cells: Sequence[Sequence[str]]) -> list[tuple[str, int]]:
        """The lines of a row, and their widths."""
        count = max(map(len, cells))
        return [self._line([cell[k] if k < len(cell) else "" for cell in cells], self.styles) for k in range(count)]

    def _line(self, texts: Sequence[str], styles: Sequence[str]) -> tuple[str, int]:
        """A line and its width. A text that is wider than its column takes from the gap behind it, and moves the next
        one where that is too little."""
        line, end = "", 0
        for text, start, style in zip(texts, self.starts, styles, strict=True):
            if text:
                gap = start - end if start > end else min(end, 1)
                line += " " * gap + (f"\x1b[{style}m{text}\x1b[0m" if style else text)
                end += gap + (len(text) if text.isascii() else cell_width(text))
        return line.rstrip(), end


def _folded(text: str, width: int) -> list[str]:
    """A text in lines of a width, broken between its words, or within one that is longer."""
    lines: list[str] = []
    line, used = "", 0
    for word in text.split(" "):
        size = cell_width(word)
        if line and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if line:
            lines.append(line)
        rest = word
        while size > width:
            end = _fitting(rest, width)
            lines.append(rest[:end])
            rest = rest[end:]
            size = cell_width(rest)
        line, used = rest, size
    return [*lines, line]


def _fitting(word: str, width: int) -> int:
    """How many characters of a word fit into a width, at least one."""
    end = used = 0
    while end < len(word) and (not end or used + cell_width(word[end]) <= width):
        used += cell_width(word[end])
        end += 1
    return end
