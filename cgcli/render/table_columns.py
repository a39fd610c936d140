"""The columns of a table on a terminal: the texts of their cells, and which columns a width has room for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from cgcli.diagnostics.escape import show
from cgcli.diagnostics.wrapped import cell_width

from .numbers import point
from .tensors import is_tensor
from .terminal_values import TerminalValues

Cell = Any  # a text, a number, a tensor or None
GAP = 3  # characters between two columns
INDENT = 2  # of what stands below the name of its row
LEAST_TEXT = 16  # characters that a column of texts keeps where there is little room
LONGEST_WORD = 24  # characters of a word that is not broken behind its operators
LONGEST_ROW = 40  # characters of a row of a matrix that is not broken
HANGING = 2  # by how much the lines of a text are indented behind its first
_PIECES = re.compile(r"(?<=[,()\[\]*/^<>=&|@])|(?<=[^eE][+-])")  # where a word may end that has no blanks


class Column(NamedTuple):
    """A column as its first rows tell it.

    title: of the header. before: characters before the decimal point of its numbers. natural: the width of the widest
    cell. least: the width below which a word or a number would be broken. width: what it gets in a table.
    """

    title: str
    before: int
    natural: int
    least: int
    width: int


class Form(NamedTuple):
    """How a row is laid out. beside: the columns that stand side by side. head: those in a line above them, a name and
    perhaps a text. titled: those that stand below each other, each behind its title. width: of a line, None for any.
    """

    columns: list[Column]
    beside: list[int]
    head: list[int]
    titled: list[int]
    width: int | None


class Texts:
    """How cells become texts, tensors in several lines."""

    def __init__(self, values: TerminalValues) -> None:
        self.values = values

    def column(self, cells: Sequence[Cell], before: int = 0) -> tuple[list[str], int]:
        """The texts of a column, numbers padded so that their decimal points stand in one line, and the characters
        before that. before: how many these are, 0 for as many as the numbers need."""
        kinds = set(map(type, cells))
        if kinds == {str}:
            whole = " ".join(cells)
            return list(cells) if show(whole) == whole else list(map(show, cells)), before
        if kinds <= {float, int}:
            texts = list(map(self.values.number, cells))
            widths = list(map(point, texts))
            before = before or max(widths, default=0)
            return [" " * (before - width) + text for text, width in zip(texts, widths, strict=True)], before
        texts = [self._text(cell) for cell in cells]
        numbers = [isinstance(cell, (float, int)) and not isinstance(cell, bool) for cell in cells]
        widths = [point(text) if is_number else 0 for text, is_number in zip(texts, numbers, strict=True)]
        before = before or max(widths, default=0)
        padded = zip(texts, widths, numbers, strict=True)
        return [" " * (before - width) + text if is_number else text for text, width, is_number in padded], before

    def _text(self, cell: Cell) -> str:
        if isinstance(cell, str):
            return show(cell)
        if cell is None:
            return ""
        return self.values.tensor(cell) if is_tensor(cell) else self.values.number(cell)

    def folded(self, cell: Cell, text: str, width: int) -> list[str]:
        """A cell in lines of a width; numbers and words are never broken."""
        lines = text.split("\n")
        if max(map(cell_width, lines)) <= width or isinstance(cell, (float, int)):
            return lines
        return broken(self.values.flat(cell), width) if is_tensor(cell) else folded(text, width)

    def least(self, cell: Cell, text: str) -> int:
        """The width below which a cell is not folded: within a word or a number never, within a row of a matrix only
        where that is long."""
        natural = max(map(cell_width, text.split("\n")))
        if isinstance(cell, str):
            words = max(map(cell_width, text.split(" ")))
            pieces = folded(text, LEAST_TEXT if words > LONGEST_WORD else words + HANGING)
            return min(natural, max(LEAST_TEXT, *map(cell_width, pieces)))
        if not is_tensor(cell) or ("\n" in text and natural <= LONGEST_ROW):
            return natural
        return min(natural, max(LEAST_TEXT, *map(len, broken(self.values.flat(cell), 0))))


def form(
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    texts: Texts,
    width: int | None,
    *,
    spare: int | None = None,
    over: int | None = None,
) -> tuple[Form, list[list[str]]]:
    """How a table of a width is laid out, and the texts of these rows by column.

    The first of these that fits: all columns; without the column `spare`; cells of texts and tensors folded; the name
    and the text of column `over` above the others; all below each other. width: None for any.
    """
    count = range(len(header))
    titles = [show(title) for title in header]
    cells = [[row[k] for row in rows] for k in count]
    pairs = [texts.column(column) for column in cells]
    lines = [column for column, _ in pairs]
    naturals = [max(_widest(column), cell_width(title)) for title, column in zip(titles, lines, strict=True)]
    columns = [Column(titles[k], pairs[k][1], naturals[k], naturals[k], naturals[k]) for k in count]
    all_of_them, without = list(count), [k for k in count if k != spare]
    for beside in (all_of_them, without):
        if width is None or _total([naturals[k] for k in beside]) <= width:
            return Form(columns, beside, [], [], width), lines
    assert width is not None
    least = [
        max([cell_width(title), *map(texts.least, column, text)]) if k else naturals[0]
        for k, (title, column, text) in enumerate(zip(titles, cells, lines, strict=True))
    ]
    columns = [column._replace(least=x) for column, x in zip(columns, least, strict=True)]
    head = [0] if over is None else [0, over]
    others = [k for k in without if k not in head]
    for beside, above, room in ((without, [], width), (others, head, width - INDENT)):
        if above == [0] or not beside or _total([least[k] for k in beside]) > room:
            continue
        widths = _widths([naturals[k] for k in beside], [least[k] for k in beside], room - GAP * (len(beside) - 1))
        for k, x in zip(beside, widths, strict=True):
            columns[k] = columns[k]._replace(width=x)
        return Form(columns, beside, above, [], width), lines
    return Form(columns, [], head, others, width), lines


def _widest(texts: Sequence[str]) -> int:
    if any("\n" in text for text in texts):
        texts = "\n".join(texts).split("\n")
    return max(map(cell_width, texts), default=0)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _widths(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """The widths of columns in so much room: the one that can spare most is cut until all fit."""
    widths = list(natural)
    while (excess := sum(widths) - room) > 0:
        k = max(range(len(widths)), key=lambda k: widths[k] - least[k])
        if widths[k] == least[k]:
            break
        widths[k] -= min(widths[k] - least[k], max(1, excess // len(widths)))
    return widths


def broken(text: str, width: int) -> list[str]:
    """A tensor's text in lines of a width, broken behind commas; a row of a matrix begins a line."""
    first, *rest = [f"{piece}," for piece in text.split(", ")]
    lines = [first]
    for piece in rest:
        is_row = piece.startswith("[") and not piece.rstrip(",").endswith("]")
        if len(lines[-1]) + 1 + len(piece) <= width and not is_row:
            lines[-1] += f" {piece}"
        else:
            lines.append(f" {piece}")
    lines[-1] = lines[-1][:-1]
    return lines


def folded(text: str, width: int) -> list[str]:
    """A text in lines of a width, those behind the first indented; broken at blanks, in a word that is too long behind
    its operators."""
    lines = [""]
    for word in text.split(" "):
        pieces = [word] if cell_width(word) <= width - HANGING else [x for x in _PIECES.split(word) if x]
        for k, piece in enumerate(pieces):
            gap = " " if k == 0 and lines[-1].strip() else ""
            if lines[-1].strip() and cell_width(lines[-1]) + len(gap) + cell_width(piece) > width:
                lines.append(" " * HANGING + piece)
            else:
                lines[-1] += gap + piece
    return lines
