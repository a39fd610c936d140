"""Tables on a terminal: aligned decimal points, a thin rule under the header, no boxes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from cgcli.diagnostics.escape import show

from .numbers import shortest
from .tensors import is_tensor, pieces, write

Cell = Any  # a text, a number, a tensor or None
LINES = 100  # of a cell in one row of Rich's
ACCENT = "#b45309"  # the colour of derivatives, as in pictures


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    width: int = 80,
    colour: bool = False,
    precision: int | None = None,
    accent: Sequence[int] = (),
    dim: Sequence[int] = (),
    tensor: Callable[[Any], str] | None = None,
) -> str:
    """The rows under their header, without the last line end.

    A column of numbers is aligned at its decimal points; no digit is ever cut. accent, dim: columns that are set off.
    tensor: how a tensor is written, else as anywhere; a long one goes on in the next line, between two of its numbers.
    """
    from rich.box import Box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rule = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
    table_ = Table(box=rule, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 1))
    tensor_text = tensor or (lambda x: write(x, precision))
    columns = [_column([row[k] for row in rows], precision, tensor_text) for k in range(len(header))]
    tensors = {k for k in range(len(header)) if any(is_tensor(row[k]) for row in rows)}
    # names and numbers are never cut nor broken; only longer texts are, to the width that is left
    fixed = {k for k in range(len(header)) if k == 0 or any(isinstance(row[k], (int, float)) for row in rows)}
    natural = [max(map(cell_len, [show(name), *cells])) for name, cells in zip(header, columns, strict=True)]
    least = [natural[k] if k in fixed else min(natural[k], 12) for k in range(len(header))]
    if tensors:
        other_width = sum(least[k] + 3 for k in range(len(header)) if k not in tensors)
        room = max((width - other_width) // len(tensors) - 3, 12)
        for k in tensors:
            unbroken = [
                pieces(cell) if is_tensor(row[k]) else [cell] for cell, row in zip(columns[k], rows, strict=True)
            ]
            columns[k] = [_broken(cell, max(room, *map(len, chain(*unbroken)))) for cell in columns[k]]
            natural[k] = least[k] = max(map(cell_len, [show(header[k]), *"\n".join(columns[k]).split("\n")]))
        fixed |= tensors
    needed = sum(least) + 3 * len(header)
    for k, name in enumerate(header):
        style = ACCENT if k in accent else "dim" if k in dim else None
        solid = k in fixed
        table_.add_column(
            Text(show(name)), style=style, no_wrap=solid, overflow="fold", min_width=natural[k] if solid else None
        )
    for row in zip(*columns, strict=True):
        for cells in _chunks(row):
            table_.add_row(*(Text(cell) for cell in cells))
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, needed),
        force_terminal=colour,
        no_color=not colour,
        color_system="256" if colour else None,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    console.print(table_)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _column(cells: Sequence[Any], precision: int | None, tensor: Callable[[Any], str]) -> list[str]:
    """The texts of a column, numbers padded so that their decimal points stand in one line."""
    texts = [
        "" if c is None else show(c) if isinstance(c, str) else tensor(c) if is_tensor(c) else shortest(c, precision)
        for c in cells
    ]
    numbers = [isinstance(c, (int, float)) and not isinstance(c, bool) for c in cells]
    before = [_before_point(t) for t in texts]
    widest = max((b for b, n in zip(before, numbers, strict=True) if n), default=0)
    return [" " * (widest - b) + t if n else t for t, b, n in zip(texts, before, numbers, strict=True)]


def _chunks(row: Sequence[str]) -> Iterator[list[str]]:
    """A row as several of not too many lines each: Rich's work on a cell grows with the square of its lines."""
    if not any("\n" in cell for cell in row):
        yield list(row)
        return
    lines = [cell.split("\n") for cell in row]
    for k in range(0, max(map(len, lines)), LINES):
        yield ["\n".join(cell_lines[k : k + LINES]) for cell_lines in lines]


def _broken(text: str, width: int) -> str:
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
    return len(re.split("[.e]", text, maxsplit=1)[0])
