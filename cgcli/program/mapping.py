"""A program over a table in memory or in a file, for Python: a row of results for each row."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from cgcli.data.frames import Columns, Frame, frame_of
from cgcli.data.sinks import sink
from cgcli.data.tables import Table
from cgcli.diagnostics.diagnostic import error
from cgcli.files.writing import is_same

from .array_libraries import ArrayLibrary, read_arrays, unshared
from .computation import Computation, Values
from .examples import Examples, read_examples
from .rows import Derivatives
from .tables import TableEvents, TableSettings, map_table, open_table_of


class _KeptRows(TableEvents):
    """The indices of the rows that are not dropped."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def kept(self, rows: Sequence[int]) -> None:
        self.rows += rows


def map_rows(
    program: Computation,
    data: Any,
    values: Values,
    settings: TableSettings,
    *,
    derivatives: Derivatives | None = None,
    outputs: Sequence[str] | None = None,
    out: str | os.PathLike[str] | None = None,
) -> Any:
    """The results of a program for each row of `data`: a mapping of columns, a data frame or the path of a file.

    The result is of the kind of `data`, for a path a dict of arrays; with `out` it is written into that file, and
    None is returned. For the other arguments and the errors see `map_table`.
    """
    values = {program.input(name).name: x for name, x in values.items()}
    if isinstance(data, str | os.PathLike):
        with open_table_of(program, os.fspath(data)) as table:
            _check_target(table, out)
            columns = _results(program, table, values, settings, derivatives, outputs, out)
        return None if out is not None else columns
    (table, cells, rebuild), library = _frame(data)
    kept = _KeptRows() if settings.on_error == "skip" else None
    columns = _results(program, table, values, settings, derivatives, outputs, out, kept)
    if out is not None:
        return None
    results = rebuild(unshared(columns, cells), None if kept is None else kept.rows)
    return results if library is None else library.results(results)


def examples_of(program: Computation, data: Any, values: Values, settings: TableSettings) -> Examples:
    """The rows of a table to learn from, as `map_rows` takes it; no rows for None."""
    if data is None:
        return Examples({}, 0)
    if isinstance(data, str | os.PathLike):
        with open_table_of(program, os.fspath(data)) as table:
            return read_examples(program, values, table, settings)
    return read_examples(program, values, _frame(data)[0].table, settings)


def _frame(data: Any) -> tuple[Frame, ArrayLibrary | None]:
    """A table in memory, and the library of the arrays that are its columns; None for NumPy's."""
    if not isinstance(data, Mapping):
        return frame_of(data), None
    arrays, library = read_arrays({name: x for name, x in data.items() if not isinstance(x, list)})
    return frame_of({**data, **arrays}), library


def _check_target(table: Table, out: str | os.PathLike[str] | None) -> None:
    """Raises CgError where the result would be written over a file of the table, links included."""
    for file in table.files if out is not None else ():
        if is_same(file, os.fspath(out or "")):
            raise error("target-is-read", option="out", path=os.fspath(out or ""), source=file)


def _results(
    program: Computation,
    table: Any,
    values: Values,
    settings: TableSettings,
    derivatives: Derivatives | None,
    outputs: Sequence[str] | None,
    out: str | os.PathLike[str] | None,
    events: TableEvents | None = None,
) -> dict[str, Any]:
    """The columns of the result; none where they are written into a file."""
    if out is not None:
        with sink(os.fspath(out)) as file:
            map_table(program, values, table, file, settings, derivatives=derivatives, outputs=outputs, events=events)
        return {}
    # a run of a dynamic program tells the types of results
    kept = Columns(table.rows if settings.batch is None and program.mode == "static" else None)
    map_table(program, values, table, kept, settings, derivatives=derivatives, outputs=outputs, events=events)
    return kept.columns()
