"""A line of a program with marks under it, in the columns of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from unicodedata import category, east_asian_width

from .escape import show

WIDTH = 120  # characters of a line that are shown
CONTEXT = 30  # of them before the place, where the line is longer
TAB = 4
CUT = "…"


@dataclass(frozen=True)
class Mark:
    """Characters `start` to `end` (exclusive) of a line, and what to say about them; "" for a bare underline."""

    start: int
    end: int
    text: str
    primary: bool


Paint = Callable[[str, bool], str]


def draw(line: str, marks: Sequence[Mark], paint: Paint = lambda part, primary: part) -> list[str]:
    """The line, and the rows under it: underlines (`^` for the primary mark), then the texts from right to left.

    A long line is cut around its marks; a mark beyond the cut is drawn under the `…`.
    """
    low, high = _window(len(line), marks)
    before, after = CUT * (low > 0), CUT * (high < len(line))
    cells = [*before, *_cells(line[low:high]), *after]
    # the column where each cell begins, and that behind the last
    columns = list(accumulate(map(_width, cells), initial=0))

    def column(position: int) -> int:
        return columns[
            min(max(position - low + len(before), 0), len(cells) - len(after) if position >= high else len(cells))
        ]

    placed = []
    for mark in marks:
        start = column(mark.start)
        placed.append(Mark(start, max(column(mark.end), start + 1), mark.text, mark.primary))
    # trailing blanks of the line would only be seen by a copy of the screen
    return ["".join(cells).rstrip(), *_rows(placed, paint)]


def _window(length: int, marks: Sequence[Mark]) -> tuple[int, int]:
    """The characters that are shown: all, or some around the marks, or around the chief one when they are far apart."""
    if length <= WIDTH or not marks:
        return 0, min(length, WIDTH)
    first = min(mark.start for mark in marks)
    if max(mark.end for mark in marks) - first > WIDTH - CONTEXT:
        first = marks[0].start
    low = max(0, min(first - CONTEXT, length - WIDTH))
    return low, min(low + WIDTH, length)


def _cells(part: str) -> list[str]:
    """The text of each character: blanks for a tab, an escape for one that a terminal would act on."""
    return [" " * TAB if c == "\t" else show(c) for c in part]


def _width(cell: str) -> int:
    """The columns that a cell takes on a terminal."""
    if len(cell) > 1 or cell.isascii():
        return len(cell)
    if category(cell) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(cell) in "WF" else 1


def _rows(marks: Sequence[Mark], paint: Paint) -> Iterator[str]:
    """The underlines, and below them each text under the start of its mark, joined to it by bars."""
    if not marks:
        return
    row = _Row(paint)
    for mark in sorted(marks, key=lambda m: (m.start - m.end, m.primary)):  # a part is drawn over its whole
        row.put(mark.start, ("^" if mark.primary else "-") * (mark.end - mark.start), mark.primary)
    waiting = sorted((m for m in marks if m.text), key=lambda m: (m.start, m.end))
    if waiting and waiting[-1].end == max(m.end for m in marks):
        last = waiting.pop()
        row.put(last.end + 1, last.text, last.primary)
    yield row.text()
    if waiting:
        yield _bars(waiting, paint).text()
    while waiting:
        last = waiting.pop()
        row = _bars(waiting, paint)
        row.put(last.start, last.text, last.primary)
        yield row.text()


def _bars(marks: Sequence[Mark], paint: Paint) -> _Row:
    row = _Row(paint)
    for mark in marks:
        row.put(mark.start, "|", mark.primary)
    return row


class _Row:
    """Characters at columns, each with its colour."""

    def __init__(self, paint: Paint) -> None:
        self._paint = paint
        self._at: dict[int, tuple[str, bool | None]] = {}

    def put(self, column: int, part: str, primary: bool) -> None:
        for k, c in enumerate(part):
            self._at[column + k] = c, primary

    def text(self) -> str:
        """The row as one string, painted run by run."""
        runs: list[tuple[str, bool | None]] = []
        for k in range(max(self._at) + 1):
            c, primary = self._at.get(k, (" ", None))
            if runs and runs[-1][1] is primary:
                runs[-1] = runs[-1][0] + c, primary
            else:
                runs.append((c, primary))
        return "".join(part if primary is None else self._paint(part, primary) for part, primary in runs)
