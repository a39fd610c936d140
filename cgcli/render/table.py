"""Tables on a terminal: aligned decimal points, a thin rule under the header, no boxes, no line over the edge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from cgcli.diagnostics.wrapped import cell_width

from .style import DIM, styled
from .table_columns import GAP, INDENT, LEAST_TEXT, Cell, Form, Texts, folded, form
from .terminal_values import TerminalValues

FIRST = 1000
"""Rows that tell the widths of the columns, and rows of a piece."""

Styles = Callable[[int], Sequence[str]]
"""By number of a row, the style of each of its cells."""


def table(header: Sequence[str], rows: Sequence[Sequence[Cell]], **settings: Any) -> str:
    """The whole table, without the last line end. settings: of `table_pieces`."""
    return "\n".join(table_pieces(header, rows, **settings))


def table_pieces(
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    width: int | None = 80,
    colour: bool = False,
    values: TerminalValues | None = None,
    styles: Styles | None = None,
    spare: int | None = None,
    over: int | None = None,
) -> Iterator[str]:
    """The rows under their header, `FIRST` rows at a time, each piece without its last line end.

    A column of numbers is aligned at its decimal points; no digit is ever cut. values: how numbers and tensors are
    written. spare: the column that is left out first where the width is short; over: the text that then stands above
    the others; see `form`. width: None for lines of any length.

    The first rows tell how wide the columns are and where the decimal points stand. A later cell that is wider moves
    what follows it to the right; where the line has no room for that, its texts are folded.
    """
    source = iter(rows)
    texts = Texts(values or TerminalValues())
    first = list(islice(source, FIRST))
    layout, lines = form(header, first, texts, width, spare=spare, over=over)
    writer = _RowWriter(layout, texts, colour, styles)
    following = next(source, None)
    yield "\n".join([*writer.header(), *writer.rows(first, lines)])
    if following is not None:
        source = chain([following], source)
        while piece := list(islice(source, FIRST)):
            columns = zip(layout.columns, zip(*piece, strict=True), strict=True)
            yield "\n".join(writer.rows(piece, [texts.column(cells, column.before)[0] for column, cells in columns]))


class _RowWriter:
    """Writes rows of texts in columns."""

    def __init__(self, layout: Form, texts: Texts, colour: bool, styles: Styles | None) -> None:
        self.form, self.texts, self.colour = layout, texts, colour
        self.styles = styles if colour else None
        self.dim = DIM if colour else ""
        columns = [layout.columns[k] for k in layout.beside]
        self.widths = [column.width for column in columns]
        self.indent = INDENT if layout.head else 0
        self.starts = [self.indent + sum(width + GAP for width in self.widths[:k]) for k in range(len(self.widths))]
        self.total = self.indent + sum(self.widths) + GAP * (len(self.widths) - 1)
        self.room = max(layout.width or 0, self.total)
        self.is_tight = any(column.width < column.natural for column in columns)
        self.number = 0

    def header(self) -> list[str]:
        """The titles, and the rule below them; nothing where each number has its title in front of it."""
        if not self.form.beside:
            return []
        titles = [column.title for column in self.form.columns]
        head = [styled(line, self.dim) for line in self._head(titles, [""] * len(titles))]
        beside, width = self._line([titles[k] for k in self.form.beside], [self.dim] * len(self.widths))
        rule = max(self.total, width) if not head else self.room
        return [*head, beside, styled("─" * rule, self.dim)]

    def rows(self, rows: Sequence[Sequence[Cell]], columns: Sequence[Sequence[str]]) -> Iterator[str]:
        """The lines of rows, from their cells and their texts by column."""
        beside, plain = self.form.beside, [""] * len(self.form.columns)
        is_tall = self.form.head or any("\n" in text for k in beside for text in columns[k])
        is_whole = len(beside) == len(columns)
        is_plain = not is_tall and self.styles is None and all("".join(columns[k]).isascii() for k in beside)
        template = (" " * GAP).join(f"%-{width}s" for width in self.widths) if is_plain else ""
        for row, texts in zip(rows, zip(*columns, strict=True), strict=True):
            if is_plain:
                line = template % (texts if is_whole else tuple(texts[k] for k in beside))
                if len(line) == self.total:  # no cell is wider than its column
                    yield line.rstrip()
                    continue
            styles = plain if self.styles is None else self.styles(self.number)
            self.number += 1
            if not is_tall:
                cells = texts if is_whole else [texts[k] for k in beside]
                line, width = self._line(cells, styles if is_whole else [styles[k] for k in beside])
                if width <= self.room and not (self.is_tight and any(map(_is_over, cells, self.widths))):
                    yield line
                    continue
            yield from self._tall_row(row, texts, styles)

    def _tall_row(self, row: Sequence[Cell], texts: Sequence[str], styles: Sequence[str]) -> Iterator[str]:
        """The lines of a row of cells of several lines, or that have to be folded."""
        beside, columns = self.form.beside, self.form.columns
        yield from self._head(texts, styles)
        if not beside:
            yield from self._titled(row, texts, styles, self.form.titled)
            return
        side_styles = [styles[k] for k in beside]
        cells = [texts[k].split("\n") for k in beside]
        lines = self._lines(cells, side_styles)
        if self.form.width is not None and (self.is_tight or max(width for _, width in lines) > self.room):
            cells = [self.texts.folded(row[k], texts[k], columns[k].width) if k else [texts[k]] for k in beside]
            lines = self._lines(cells, side_styles)
            if max(width for _, width in lines) > self.room:  # a number that is wider than those of the first rows
                yield from () if self.form.head else [styled(texts[0], styles[0])]
                yield from self._titled(row, texts, styles, [k for k in beside if k])
                return
        yield from (line for line, _ in lines)

    def _head(self, texts: Sequence[str], styles: Sequence[str]) -> list[str]:
        """The lines of the cells that stand above the others: a name, and a text behind it."""
        if not self.form.head:
            return []
        first, *others = self.form.head
        name = styled(texts[first], styles[first])
        if not others or not texts[others[0]]:
            return [name]
        width = self.form.width or 0
        start = max(self.form.columns[first].natural, cell_width(texts[first])) + GAP
        lines = folded(texts[others[0]], width - start)
        if width - start < LEAST_TEXT or max(map(cell_width, lines)) > width - start:
            start = INDENT
            lines = folded(texts[others[0]], width - start)
        lead = " " * (start - cell_width(texts[first])) if start > INDENT else f"\n{' ' * INDENT}"
        rest = [" " * start + styled(line, styles[others[0]]) for line in lines[1:]]
        return [*f"{name}{lead}{styled(lines[0], styles[others[0]])}".split("\n"), *rest]

    def _titled(
        self, row: Sequence[Cell], texts: Sequence[str], styles: Sequence[str], titled: Sequence[int]
    ) -> Iterator[str]:
        """The lines of cells below each other, each behind the title of its column where there are several."""
        columns = self.form.columns
        label = max(cell_width(columns[k].title) + 2 for k in titled) if len(titled) > 1 else 0
        before = max(columns[k].before for k in titled)
        for k in titled:
            is_number = isinstance(row[k], (float, int)) and not isinstance(row[k], bool)
            text = " " * (before - columns[k].before) + texts[k] if is_number else texts[k]
            title = columns[k].title.ljust(label) if label else ""
            for n, line in enumerate(self.texts.folded(row[k], text, (self.form.width or 0) - INDENT - label)):
                lead = styled(title, self.dim) if n == 0 else " " * label
                if line:
                    yield " " * INDENT + lead + styled(line, styles[k])

    def _lines(self, cells: Sequence[Sequence[str]], styles: Sequence[str]) -> list[tuple[str, int]]:
        """The lines of a row, and their widths."""
        count = max(map(len, cells))
        return [self._line([cell[k] if k < len(cell) else "" for cell in cells], styles) for k in range(count)]

    def _line(self, texts: Sequence[str], styles: Sequence[str]) -> tuple[str, int]:
        """A line and its width. A text that is wider than its column takes from the gap behind it, and moves the next
        one where that is too little."""
        line, end = "", 0
        for text, start, style in zip(texts, self.starts, styles, strict=False):
            if text:
                gap = start - end if start > end else min(end, 1)
                line += " " * gap + (f"\x1b[{style}m{text}\x1b[0m" if style else text)
                end += gap + (len(text) if text.isascii() else cell_width(text))
        return line.rstrip(), end


def _is_over(text: str, width: int) -> bool:
    return len(text) > width if text.isascii() else cell_width(text) > width
