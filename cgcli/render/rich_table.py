"""Tables with texts that are too long for the terminal, by Rich, which breaks them between words."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence

from .table_columns import GAP, Column

LINES = 100  # of a cell in one row of Rich's
ACCENT = "#b45309"  # the colour of derivatives, as in pictures


def rich_table(
    columns: Sequence[Column],
    lines: Sequence[Sequence[str]],
    *,
    width: int,
    colour: bool,
    accent: Collection[int],
    dim: Collection[int],
) -> str:
    """The table without the last line end; see `table`. lines: the texts of the rows by column."""
    from rich.box import Box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rule = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
    table = Table(box=rule, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 1))
    for k, column in enumerate(columns):
        style = ACCENT if k in accent else "dim" if k in dim else None
        least = column.natural if column.fixed else None
        table.add_column(Text(column.title), style=style, no_wrap=column.fixed, overflow="fold", min_width=least)
    for row in zip(*lines, strict=True):
        for cells in _chunks(row):
            table.add_row(*(Text(cell) for cell in cells))
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, sum(column.least + GAP for column in columns)),
        force_terminal=colour,
        no_color=not colour,
        color_system="256" if colour else None,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _chunks(row: Sequence[str]) -> Iterator[list[str]]:
    """A row as several of not too many lines each: Rich's work on a cell grows with the square of its lines."""
    if not any("\n" in cell for cell in row):
        yield list(row)
        return
    lines = [cell.split("\n") for cell in row]
    for k in range(0, max(map(len, lines)), LINES):
        yield ["\n".join(cell_lines[k : k + LINES]) for cell_lines in lines]
