"""A program over a table in memory or in a file, for Python: a row of results for each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cgcli.data.frames import Columns, frame_of
from cgcli.data.sinks import sink
from cgcli.data.tables import open_table
from cgcli.ops.limits import memory_limit

from .program import Program, Values
from .rows import Derivatives
from .tables import ROW, TableSettings, map_table


def map_rows(
    program: Program,
    data: Any,
    values: Values,
    settings: TableSettings,
    *,
    derivatives: Derivatives | None = None,
    outputs: Sequence[str] | None = None,
    out: str | Path | None = None,
) -> Any:
    """The results of a program for each row of `data`: a mapping of columns, a data frame or the path of a file.

    The result is of the kind of `data`, for a path a dict of arrays; with `out` it is written into that file, and
    None is returned. For the other arguments and the errors see `map_table`.
    """
    if isinstance(data, str | Path):
        with open_table(str(data), program.max_memory or memory_limit()) as table:
            columns = _results(program, table, values, settings, derivatives, outputs, out)
        return None if out is not None else columns
    table, rebuild = frame_of(data)
    drops = settings.on_error == "skip" and not settings.numbered
    numbered = replace(settings, numbered=True) if drops and out is None else settings
    columns = _results(program, table, values, numbered, derivatives, outputs, out)
    if out is not None:
        return None
    rows = [number - 1 for number in columns.pop(ROW)] if drops else None
    return rebuild(columns, rows)


def _results(
    program: Program,
    table: Any,
    values: Values,
    settings: TableSettings,
    derivatives: Derivatives | None,
    outputs: Sequence[str] | None,
    out: str | Path | None,
) -> dict[str, Any]:
    """The columns of the result; none where they are written into a file."""
    if out is not None:
        with sink(str(out)) as file:
            map_table(program, values, table, file, settings, derivatives=derivatives, outputs=outputs)
        return {}
    kept = Columns()
    map_table(program, values, table, kept, settings, derivatives=derivatives, outputs=outputs)
    return kept.columns()
