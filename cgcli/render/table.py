"""Tables on a terminal: aligned decimal points, a thin rule under the header, no boxes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from .escape import show
from .numbers import shortest

Cell = str | float | int | bool | None
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
) -> str:
    """The rows under their header, without the last line end.

    A column of numbers is aligned at its decimal points; no digit is ever cut. accent, dim: columns that are set off.
    """
    from rich.box import Box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rule = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
    made = Table(box=rule, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 1))
    columns = [_column([row[k] for row in rows], precision) for k in range(len(header))]
    needed = 0
    for k, name in enumerate(header):
        # names and numbers are never cut nor broken; only longer texts are, to the width that is left
        fixed = k == 0 or any(isinstance(row[k], (int, float)) for row in rows)
        natural = max(map(cell_len, [show(name), *columns[k]]))
        needed += (natural if fixed else min(natural, 12)) + 3
        style = ACCENT if k in accent else "dim" if k in dim else None
        made.add_column(
            Text(show(name)), style=style, no_wrap=fixed, overflow="fold", min_width=natural if fixed else None
        )
    for row in zip(*columns, strict=True):
        made.add_row(*(Text(cell) for cell in row))
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
    console.print(made)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _column(cells: Sequence[Any], precision: int | None) -> list[str]:
    """The texts of a column, numbers padded so that their decimal points stand in one line."""
    texts = ["" if c is None else show(c) if isinstance(c, str) else shortest(c, precision) for c in cells]
    numbers = [isinstance(c, (int, float)) and not isinstance(c, bool) for c in cells]
    before = [_before_point(t) for t in texts]
    widest = max((b for b, n in zip(before, numbers, strict=True) if n), default=0)
    return [" " * (widest - b) + t if n else t for t, b, n in zip(texts, before, numbers, strict=True)]


def _before_point(text: str) -> int:
    """How many characters stand before the decimal point, or where it would stand."""
    for k, c in enumerate(text):
        if c in ".e":
            return k
    return len(text)
