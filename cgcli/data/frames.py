"""Tables in memory: mappings of columns, and the data frames of other libraries, in and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import error

from . import arrow
from .cells import concatenated
from .number_columns import Numbers
from .sinks import flat_columns
from .tables import Table, table_in_memory

NAME = "<table>"  # in messages


class Frame(NamedTuple):
    """A table in memory. columns: its cells. rebuild: makes a table of the same kind from columns and, where rows were
    dropped, the indices of those that are left.
    """

    table: Table
    columns: Mapping[str, Any]
    rebuild: Callable[[Mapping[str, Any], Sequence[int] | None], Any]


def frame_of(data: Any) -> Frame:
    """The table that a mapping of columns is, or an object that hands out Arrow data, as data frames do.

    The columns of a mapping are arrays or lists; a result of it is a dict of arrays. Raises CgError for other objects,
    for columns of different lengths, and for a data frame where pyarrow is not installed.
    """
    if isinstance(data, Mapping):
        columns = {str(name): _cells(x) for name, x in data.items()}
        return Frame(table_in_memory(NAME, columns), columns, lambda results, rows: dict(results))
    if _library(data) == "pandas" and hasattr(data, "columns"):
        columns = _pandas_columns(data)
    elif hasattr(data, "__arrow_c_stream__"):
        columns = arrow.columns_in_memory(data, NAME)
    else:
        raise error("no-table-value", kind=type(data).__name__)
    return Frame(table_in_memory(NAME, columns), columns, _builder(data))


def _library(data: Any) -> str:
    return type(data).__module__.partition(".")[0]


def _pandas_columns(frame: Any) -> dict[str, Any]:
    """The columns of a data frame of pandas: those of NumPy's types as they are, for there NaN is a number."""
    import numpy as np

    names = [str(name) for name in frame.columns]
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise error("table-repeats", status=1, file=NAME, name=repeated[0] or "''")
    columns = {str(name): frame[name] for name in frame.columns}
    plain = {name: x for name, x in columns.items() if isinstance(x.dtype, np.dtype) and x.dtype.kind in "biuf"}
    numbers = {name: x.to_numpy() for name, x in plain.items()}
    mixed = {name: x for name, x in columns.items() if x.dtype == object}
    numbers |= {
        name: [None if missing else x for x, missing in zip(x, x.isna(), strict=True)] for name, x in mixed.items()
    }
    others = frame[[name for name in frame.columns if str(name) not in numbers]]
    cells = arrow.columns_in_memory(others, NAME) if len(others.columns) else {}
    return {name: numbers[name] if name in numbers else cells[name] for name in columns}


def _cells(x: Any) -> Any:
    """A column as an array of numbers, or as a list. Raises CgError for a single number."""
    import numpy as np

    if isinstance(x, list | tuple) and any(isinstance(cell, str | dict) or cell is None for cell in x):
        return list(x)
    try:
        array = np.asarray(x)
    except ValueError:  # lists of different lengths
        return list(x)
    if not array.ndim:
        raise error("column-alone", value=str(x))
    return array if array.dtype.kind in "biuf" else array.tolist()


def _builder(data: Any) -> Callable[[Mapping[str, Any], Sequence[int] | None], Any]:
    """What makes a data frame of the library that `data` is of; a table of pyarrow's for other libraries."""
    library, kind = _library(data), type(data)
    if library == "pandas":

        def frame(results: Mapping[str, Any], rows: Sequence[int] | None) -> Any:
            columns, index = flat(results), data.index if rows is None else data.index[rows]
            by_row = all(len(x) == len(index) for x in columns.values())
            return kind(columns, index=index if by_row else None)  # with a result a batch there are fewer rows

        return frame
    if library == "polars":
        return lambda results, rows: kind({name: _list_or_array(x) for name, x in results.items()})
    return lambda results, rows: arrow.table(results)


def flat(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns with one for each element of a tensor."""
    return dict(zip(*flat_columns(columns), strict=True))


def _list_or_array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else list(x)


class Columns:
    """A sink that keeps what is written. most: how many rows there can be; None where nobody knows."""

    def __init__(self, most: int | None = None) -> None:
        self.most, self.rows = most, 0
        self.parts: dict[str, list[Any]] = {}

    def write(self, columns: Mapping[str, Any]) -> None:
        count = len(next(iter(columns.values()), ()))
        for name, cells in columns.items():
            x = cells.array() if isinstance(cells, Numbers) else cells
            self.parts.setdefault(name, [])
            if self.most in (None, count) or not hasattr(x, "dtype"):
                self.parts[name].append(x)
            else:  # at once into place: to join thousands of rows at the end takes as long as to compute them
                self._whole(name, x)[self.rows : self.rows + count] = x
        self.rows += count

    def _whole(self, name: str, x: Any) -> Any:
        """The array for all rows of a column."""
        import numpy as np

        if not self.parts[name]:
            self.parts[name].append(np.empty((self.most or 0, *x.shape[1:]), x.dtype))
        return self.parts[name][0]

    def columns(self) -> dict[str, Any]:
        """By name an array, a row each, or a list of cells that were carried through."""
        return {name: self._joined(parts) for name, parts in self.parts.items()}

    def _joined(self, parts: list[Any]) -> Any:
        return parts[0][: self.rows] if len(parts) == 1 else concatenated(parts)
