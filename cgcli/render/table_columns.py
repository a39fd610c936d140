"""The columns of a table on a terminal: the texts of their cells, and the widths that these take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from cgcli.diagnostics.escape import show

from .numbers import shortest
from .tensors import is_tensor, pieces, write

Cell = Any  # a text, a number, a tensor or None
GAP = 3  # characters between two columns
LEAST_TEXT = 12  # characters that a column of texts keeps where there is little room


class Column(NamedTuple):
    """A column as its first rows tell it.

    title: of the header. before: characters before the decimal point of its numbers. natural: the width of the widest
    cell. least: the width below which it is not cut. fixed: whether its cells are never broken, as names and numbers
    are. room: the width of a line of its tensors, None where it has none. width: what it gets in a table.
    """

    title: str
    before: int
    natural: int
    least: int
    fixed: bool
    room: int | None
    width: int


class Texts:
    """How cells become texts.

    precision: significant digits of numbers. tensor: how a tensor is written, else as anywhere.
    """

    def __init__(self, precision: int | None = None, tensor: Callable[[Any], str] | None = None) -> None:
        self.precision = precision
        self.tensor = tensor or (lambda x: write(x, precision))

    def column(self, cells: Sequence[Cell], before: int = 0) -> tuple[list[str], int]:
        """The texts of a column, numbers padded so that their decimal points stand in one line, and the characters
        before that. before: how many these are, 0 for as many as the numbers need."""
        if set(map(type, cells)) == {str}:
            whole = " ".join(cells)
            return list(cells) if show(whole) == whole else list(map(show, cells)), before
        texts = [self._text(cell) for cell in cells]
        numbers = [isinstance(cell, (float, int)) and not isinstance(cell, bool) for cell in cells]
        widths = [_before_point(text) if is_number else 0 for text, is_number in zip(texts, numbers, strict=True)]
        before = before or max(widths, default=0)
        padded = zip(texts, widths, numbers, strict=True)
        return [" " * (before - width) + text if is_number else text for text, width, is_number in padded], before

    def _text(self, cell: Cell) -> str:
        if isinstance(cell, str):
            return show(cell)
        if cell is None:
            return ""
        return self.tensor(cell) if is_tensor(cell) else shortest(cell, self.precision)


def layout(
    header: Sequence[str], rows: Sequence[Sequence[Cell]], texts: Texts, width: int
) -> tuple[list[Column], list[list[str]]]:
    """The columns of a table of a width, and the texts of these rows by column, tensors in lines.

    Names (the first column), numbers and tensors are never broken, so that a table may be wider; longer texts are, to
    the width that is left.
    """
    count = range(len(header))
    cells = [[row[k] for row in rows] for k in count]
    columns = [texts.column(column) for column in cells]
    lines = [column for column, _ in columns]
    natural = [max(map(cell_width, [show(name), *column])) for name, column in zip(header, lines, strict=True)]
    fixed = [k == 0 or any(isinstance(cell, (int, float)) for cell in cells[k]) for k in count]
    least = [natural[k] if fixed[k] else min(natural[k], LEAST_TEXT) for k in count]
    rooms: list[int | None] = [None] * len(header)
    tensors = [k for k in count if any(map(is_tensor, cells[k]))]
    other_width = sum(least[k] + GAP for k in count if k not in tensors)
    for k in tensors:
        room = max((width - other_width) // len(tensors) - GAP, LEAST_TEXT)
        unbroken = (pieces(text) if is_tensor(cell) else [text] for text, cell in zip(lines[k], cells[k], strict=True))
        rooms[k] = room = max(room, *map(len, chain(*unbroken)))
        lines[k] = [broken(text, room) for text in lines[k]]
        natural[k] = least[k] = max(map(cell_width, [show(header[k]), *"\n".join(lines[k]).split("\n")]))
        fixed[k] = True
    widths = _widths(natural, least, width - GAP * (len(header) - 1))
    return [
        Column(show(header[k]), columns[k][1], natural[k], least[k], fixed[k], rooms[k], widths[k]) for k in count
    ], lines


def _widths(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """The widths of columns in so much room: the widest of those that may be cut are, until all fit or none may."""
    widths = list(natural)
    while (excess := sum(widths) - room) > 0:
        k = max(range(len(widths)), key=lambda k: widths[k] - least[k])
        if widths[k] == least[k]:
            break
        widths[k] -= min(widths[k] - least[k], max(1, excess // len(widths)))
    return widths


def cell_width(text: str) -> int:
    """The columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # for other letters alone

    return cell_len(text)


def broken(text: str, width: int) -> str:
    """A tensor's text in lines of a width, or of one piece where that is longer."""
    if len(text) <= width:
        return text
    first, *rest = pieces(text)
    lines = [first]
    for piece in rest:
        # a row of a matrix gets a line of its own, but not one of a single column
        row = piece.startswith("[") and not piece.rstrip(",").endswith("]")
        if len(lines[-1]) + 1 + len(piece) <= width and not row:
            lines[-1] += f" {piece}"
        else:
            lines.append(f" {piece}")
    return "\n".join(lines)


def _before_point(text: str) -> int:
    """How many characters stand before the decimal point, or where it would stand."""
    end = text.find(".")
    if end < 0:
        end = text.find("e")
    return end if end >= 0 else len(text)
