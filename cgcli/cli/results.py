"""Results on standard output, in the format of `--format`."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cgcli.cli.output import emit, is_terminal, stdout, use_colour
from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import show
from cgcli.program.options import OutputOptions, TableOptions
from cgcli.render.tensors import columns, is_structure, is_tensor, parts, write

MOST_COLUMNS = 10_000  # of a CSV file: a tensor has one for each element


def show_numbers(
    rows: Sequence[tuple[str, Any]],
    data: Mapping[str, Any],
    output: OutputOptions,
    answers: Collection[str] = (),
    derivatives: Collection[str] = (),
) -> None:
    """Prints named numbers and tensors. data: the JSON object; CSV has a column for each number. answers, derivatives:
    names that a table sets off.
    """
    chosen, precision, full = chosen_format(output.format), output.precision, output.full
    if chosen == "json":
        from cgcli.render import json

        emit(json.dump(data, precision))
    elif chosen == "csv":
        from cgcli.render import csv

        names, values = _columns(rows, precision)
        emit(csv.dump(names, [values], precision))
    elif chosen == "table":
        from cgcli.render.style import ACCENT, BOLD
        from cgcli.render.table import table

        def styles(k: int) -> tuple[str, str]:
            name, _ = rows[k]
            return (BOLD, BOLD) if name in answers else ("", ACCENT if name in derivatives else "")

        emit(table(("name", "value"), rows, styles=styles, **table_settings(precision, output.full)))
    else:
        emit("\n".join(f"{show(name)} = {write(value, precision, full=full)}" for name, value in rows))


def show_table(
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    data: Mapping[str, Any],
    output: OutputOptions,
    accent: Collection[int] = (),
) -> None:
    """Prints rows under their header. data: the JSON object; plain lines have the names of their columns. accent: the
    columns that are derivatives.
    """
    chosen, precision = chosen_format(output.format), output.precision
    if chosen == "json":
        from cgcli.render import json

        emit(json.dump(data, precision))
    elif chosen == "csv":
        from cgcli.render import csv

        emit(csv.dump(header, rows, precision))
    elif chosen == "table":
        from cgcli.render.style import ACCENT
        from cgcli.render.table import table

        styles = [ACCENT if k in accent else "" for k in range(len(header))]
        emit(table(header, rows, styles=lambda _: styles, **table_settings(precision, output.full)))
    else:
        emit("\n".join(_line(header, row, precision) for row in rows))


def chosen_format(output_format: str | None) -> str:
    """`--format`, else a table on a terminal and plain lines elsewhere."""
    return output_format or ("table" if is_terminal(stdout()) else "plain")


def table_settings(precision: int | None, full: bool = False) -> dict[str, Any]:
    """The settings of a table on standard output."""
    from cgcli.render.terminal_values import TerminalValues

    width = shutil.get_terminal_size().columns
    values = TerminalValues(precision, full=full)
    return {"width": width, "colour": use_colour(stdout()), "values": values}


def _columns(rows: Sequence[tuple[str, Any]], precision: int | None) -> tuple[list[str], list[Any]]:
    """The names and the numbers of one row of CSV. Raises `CgError` (status 1) when there are too many."""
    rows = [part for name, value in rows for part in (parts(name, value) if is_structure(value) else [(name, value)])]
    count = sum(value.size if is_tensor(value) else 1 for _, value in rows)
    if count > MOST_COLUMNS:
        raise error("too-many-columns", status=1, columns=count, limit=MOST_COLUMNS)
    cells: list[tuple[str, Any]] = []
    for name, value in rows:
        cells.extend(columns(name, value, precision) if is_tensor(value) else [(name, value)])
    return [name for name, _ in cells], [value for _, value in cells]


def _line(header: Sequence[str], row: Sequence[Any], precision: int | None) -> str:
    """A row as `name = value`, then its other cells, each after its column's name."""
    cells = [show(cell) if isinstance(cell, str) else write(cell, precision) for cell in row]
    more = "".join(f", {title} {text}" for title, text in zip(header[2:], cells[2:], strict=True))
    return f"{cells[0]} = {cells[1]}{more}"


def exclude(first: tuple[str, bool], second: tuple[str, bool]) -> None:
    """Raises `CgError` when both options are given."""
    if first[1] and second[1]:
        raise error("options-exclude", first=first[0], second=second[0])


def only_with_data(table: TableOptions) -> None:
    """Raises `CgError` for an option that needs `--data`."""
    options = {
        "--map": table.maps or None,
        "--on-error": table.on_error,
        "-o": None if table.target == "-" else table.target,
        "--batch-size": table.batch,
        "--carry": table.carry,
        "--row-numbers": table.row_numbers or None,
        "--cluster": table.cluster,
    }
    for option, value in options.items():
        if value is not None:
            raise error("needs-data", option=option)
