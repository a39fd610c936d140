"""The columns of a table as values of a program's inputs."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from cgcli.data.cells import cell_shape, converted, converted_numbers, side_by_side
from cgcli.data.chunks import Chunk
from cgcli.data.structured import NumberTooLarge, numbers_of
from cgcli.data.tables import Table
from cgcli.diagnostics.diagnostic import CgError, Diagnostic, error
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.lexemes import identifier
from cgcli.graph.signature import signature
from cgcli.graph.types import ANY, FLOAT, MAX_AXES, Type

from .computation import Computation, Values
from .rows import fitted


class Columns(NamedTuple):
    """The columns of an input. shape: of the tensor whose elements several columns hold; None for one column of the
    input's values.
    """

    names: Sequence[str]
    shape: tuple[int, ...] | None = None


ColumnsByInput = Mapping[str, Columns]


class Classes(Protocol):
    """What makes numbers of words."""

    def classes(self, cells: Sequence[Any]) -> tuple[Any, list[int]]:
        """An array, and the indices of the cells that are no such word."""


_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?")
_ELEMENT = re.compile(r"(.*)\[([0-9]+(?:,[0-9]+)*)\]", re.DOTALL)


def map_columns(program: Computation, values: Values, table: Table, patterns: Mapping[str, str]) -> dict[str, Columns]:
    """The columns of each input without a value: one, the elements of a tensor as a table of results has them, or by a
    pattern several that make a vector.

    patterns: by input the column or the pattern. Raises CgError for an input that is unknown or has a value, and for a
    pattern that no column matches.
    """
    inputs = [i.name for i in program.inputs]
    by_input: dict[str, Columns] = {}
    columns = table.columns or ()
    by_name = {identifier(column.strip()): Columns([column]) for column in columns}
    by_name = {identifier(name.strip()): elements for name, elements in _elements(columns).items()} | by_name
    for name, pattern in patterns.items():
        if name not in inputs:
            raise error("unknown-input", name=name, nearest=nearest(name, inputs), names=inputs)
        if name in values:
            raise error("input-twice-mapped", name=name)
        by_input[name] = _mapped(program, name, pattern, table)
    for name in inputs:
        if name in by_input or name in values:
            continue
        if name in by_name:
            by_input[name] = by_name[name]
        elif table.columns is None:  # JSON Lines without rows
            by_input[name] = Columns([name])
    return by_input


def _mapped(program: Computation, name: str, pattern: str, table: Table) -> Columns:
    """The columns of an input by a pattern. Raises `CgError` for none, and for several that are no vector."""
    names = list(table.columns or ())
    if pattern in names or table.columns is None:
        return Columns([pattern])
    elements = _elements(names).get(pattern)
    if elements is not None:
        return elements
    columns = [column for column in names if fnmatch.fnmatchcase(column, pattern)]
    if not columns:
        raise error("no-such-column", name=pattern, nearest=nearest(pattern, names), names=names)
    if len(columns) == 1:
        return Columns(columns)
    if len(program.input(name).type.shape) not in (1, 2):
        raise error("map-many", name=name, count=len(columns), type=program.input(name).type)
    return Columns(columns, (len(columns),))


def _elements(columns: Sequence[str]) -> dict[str, Columns]:
    """The tensors whose elements are columns of their own (`z[0,0]`, `z[0,1]`), where none is missing."""
    by_tensor: dict[str, dict[tuple[int, ...], str]] = {}
    for column in columns:
        match = _ELEMENT.fullmatch(column)
        if match is not None and len(match[2]) < 200:
            by_tensor.setdefault(match[1], {})[tuple(map(int, match[2].split(",")))] = column
    tensors = {}
    for name, by_index in by_tensor.items():
        if len({len(index) for index in by_index}) > 1:
            continue
        shape = tuple(max(axis) + 1 for axis in zip(*by_index, strict=True))
        if math.prod(shape) == len(by_index):
            tensors[name] = Columns([by_index[index] for index in sorted(by_index)], shape)
    return tensors


def unused_columns(table: Table, by_input: ColumnsByInput) -> list[str]:
    """The columns that no input takes."""
    used = {name for columns in by_input.values() for name in columns.names}
    return [name for name in table.columns or () if name not in used]


def row_values(
    program: Computation,
    chunk: Chunk,
    by_input: ColumnsByInput,
    batched: Sequence[str],
    on_error: str,
    labels: Mapping[str, Classes],
    *,
    by_row: bool = False,
) -> tuple[dict[str, Any], Sequence[int]]:
    """By input an array with the rows of the chunk, and the indices of the rows that are not dropped.

    labels: by input what makes numbers of its words. by_row: whether cells that are no array become a list of numbers.
    """
    _check_declared(program, chunk, by_input)
    values: dict[str, Any] = {}
    dropped: set[int] = set()
    for name, (columns, shape) in by_input.items():
        t = program.input(name).type
        if t == ANY:
            values[name], bad = _data(chunk.columns[columns[0]])
            if bad and on_error != "skip":
                raise _bad_cell(chunk, columns[0], bad[0], "float")
            dropped.update(bad)
            continue
        if name in labels:
            values[name], bad = labels[name].classes(chunk.columns[columns[0]])
            if bad and on_error != "skip":
                raise _bad_cell(chunk, columns[0], bad[0], "class of the training")
            dropped.update(bad)
            continue
        item = t._replace(shape=t.shape[1:]) if name in batched else t
        if shape is not None:
            item = item._replace(shape=())
        parts = []
        for column in columns:
            cells = chunk.columns[column]
            is_list = by_row and not hasattr(cells, "dtype")
            array, bad = converted_numbers(cells, item) if is_list else converted(cells, item)
            if bad and (on_error == "stop" or (on_error == "nan" and not t.is_float)):
                raise _bad_cell(chunk, column, bad[0], item)
            if on_error == "skip":
                dropped.update(bad)
            parts.append(array)
        values[name] = parts[0] if shape is None else side_by_side(parts, shape)
    indices: Sequence[int] = range(len(chunk))
    if dropped:
        indices = [k for k in indices if k not in dropped]
        values = {name: [x[k] for k in indices] if isinstance(x, list) else x[indices] for name, x in values.items()}
    whole = [name for name, x in values.items() if name in batched or isinstance(x, list)]
    for name in values.keys() - whole:
        values[name] = _fitted(program, name, values[name], chunk, indices, by_input[name].names[0])
    return values, indices


def _check_declared(program: Computation, chunk: Chunk, by_input: ColumnsByInput) -> None:
    """Raises `CgError` for a column of tensors whose input is not declared, and so is a scalar."""
    single = {name: chunk.columns[columns.names[0]] for name, columns in by_input.items() if columns.shape is None}
    shapes = {name: cell_shape(cells) for name, cells in single.items() if program.input(name).implicit}
    name = next((name for name, shape in shapes.items() if 0 < len(shape) <= MAX_AXES), None)
    if name is not None:
        path, line = chunk.locations[0]
        column = by_input[name].names[0]
        text = f"a tensor of shape [{', '.join(map(str, shapes[name]))}]"
        declare = signature(program.inputs, {n: FLOAT._replace(shape=shape) for n, shape in shapes.items()})
        values = {"file": path, "line": line, "column": column, "text": text, "type": FLOAT, "declare": declare}
        raise error("table-column", status=1, **values)


def _data(cells: Sequence[Any]) -> tuple[list[Any], list[int]]:
    """The structured data of the rows, and the indices of those with a number that no float represents."""
    data: list[Any] = []
    bad = []
    for k, cell in enumerate(cells):
        try:
            data.append(numbers_of(cell))
        except NumberTooLarge:
            data.append(None)
            bad.append(k)
    return data, bad


def _bad_cell(chunk: Chunk, column: str, row: int, expected: Type | str) -> CgError:
    path, line = chunk.locations[row]
    cell = chunk.columns[column][row]
    text = "nothing" if cell in ("", None) else cut(str(cell))
    write = _as_cg(str(cell).strip(), expected)
    skip = None if write else "--on-error skip"
    values = {"file": path, "line": line, "column": column, "text": text, "type": expected}
    return error("table-cell", status=1, **values, write=write, skip=skip)


def _as_cg(text: str, expected: Type | str) -> str | None:
    """The bool or decimal comma of a cell as cg writes it; None for anything else."""
    if text.lower() in ("true", "false"):
        truth = text.lower() == "true"
        is_bool = isinstance(expected, Type) and expected.dtype == "bool"
        return ("true" if truth else "false") if is_bool else str(int(truth))
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else None


def cut(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:40]}… ({len(text)} characters)"


def _fitted(program: Computation, name: str, rows: Any, chunk: Chunk, indices: Sequence[int], column: str) -> Any:
    """The rows as values of the input's type. Raises CgError for the first one that does not fit it."""
    if not len(rows):
        return rows
    try:
        return fitted(program, name, rows)
    except CgError:
        row = next(k for k in range(len(rows)) if not _fits(program, name, rows[k : k + 1]))
        path, line = chunk.locations[indices[row]]
        text = cut(str(rows[row].tolist()))
        expected = program.input(name).type
        raise error("table-column", status=1, file=path, line=line, column=column, text=text, type=expected) from None


def _fits(program: Computation, name: str, rows: Any) -> bool:
    try:
        fitted(program, name, rows)
    except CgError:
        return False
    return True


def batched_inputs(program: Computation, chunk: Chunk, by_input: ColumnsByInput) -> list[str]:
    """The inputs that take a batch of rows: they have one axis more than a cell of their column."""
    names = []
    for name, columns in by_input.items():
        shape = program.input(name).type.shape
        cell = len(cell_shape(chunk.columns[columns.names[0]])) if columns.shape is None else len(columns.shape)
        if shape and cell == len(shape) - 1:
            names.append(name)
    return names


def _outside(x: Any, low: float, high: float) -> Sequence[int]:
    """The indices of the rows with a number that is less or more."""
    if isinstance(x, list):
        return [k for k, number in enumerate(x) if number < low or number > high]
    indices: Sequence[int] = ((x < low) | (x > high)).reshape(len(x), -1).any(axis=1).nonzero()[0]
    return indices


class RangeViolations:
    """Cells outside the ranges of declarations: counted, with the file and line of the first."""

    def __init__(self, program: Computation, names: Collection[str]) -> None:
        self.declared = {i.name: i.range for i in program.inputs if i.range is not None and i.name in names}
        self.outside: dict[str, tuple[int, str, int]] = {}

    def add(self, columns: Mapping[str, Any], chunk: Chunk, indices: Sequence[int]) -> None:
        """Adds the violations in the rows of a chunk."""
        for name, (low, high) in self.declared.items():
            bad = _outside(columns[name], low, high)
            if len(bad):
                before, file, line = self.outside.get(name, (0, *chunk.locations[indices[bad[0]]]))
                self.outside[name] = (before + len(bad), file, line)

    def warnings(self) -> list[Diagnostic]:
        """A warning for each input with such cells."""
        warnings = []
        for name, (count, file, line) in self.outside.items():
            low, high = self.declared[name]
            values = {"name": name, "count": count, "file": file, "line": line, "low": low, "high": high}
            warnings.append(Diagnostic("rows-outside-range", values=values, severity="warning"))
        return warnings
